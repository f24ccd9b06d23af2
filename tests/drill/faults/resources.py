"""Faults of what a host has: disk, clock, processor."""

from __future__ import annotations

import os

from tests.drill.council import Council
from tests.drill.hosts import Host

from .fault import Fault, Promise, Scene
from .planned import roll

_FILLER = ".drill-filler"
_UNDER = "/run/drill-log-underneath"
_CLOCK = "/run/drill-clock"
_HOUR = 3600.0
_ROOM_KB = 131072

# The log moves to a file system of its own, in memory, with room for the drill: that one can be filled.
_OWN_FILE_SYSTEM = """
mountpoint --quiet {log} && exit
systemctl stop {unit}
mkdir -p {under}
mount --bind {log} {under}
size=$(($(du --summarize --block-size=1K {log} | cut -f 1) + {room}))
mount -t tmpfs -o size=${{size}}k,mode=0750 drill-log {log}
chown --reference={under} {log}
cp --archive {under}/. {log}/
systemctl start {unit}
"""
_BACK_TO_DISK = """
if mountpoint --quiet {log}; then
    systemctl stop {unit}
    rm --force {log}/{filler}
    cp --archive --update {log}/. {under}/
    umount {log}
    systemctl start {unit}
fi
if mountpoint --quiet {under}; then umount {under}; rmdir {under}; fi
"""

_CLOCK_OF_ITS_OWN = '''
"""A clock that the failover drill can step, for this process alone: the hosts of the lab share the kernel's."""
import mmap, struct, time
with open("{folder}/offset", "rb") as _file:
    _page = mmap.mmap(_file.fileno(), 8, prot=mmap.PROT_READ)
_time, _time_ns, _gettime = time.time, time.time_ns, time.clock_gettime
def _offset():
    return struct.unpack_from("d", _page)[0]
time.time = lambda: _time() + _offset()
time.time_ns = lambda: _time_ns() + int(_offset() * 1e9)
time.clock_gettime = lambda clock: _gettime(clock) + (_offset() if clock == time.CLOCK_REALTIME else 0)
'''
_SET_CLOCK = """
import struct, sys
with open(sys.argv[1], "r+b") as file:
    file.write(struct.pack("d", float(sys.argv[2])))
"""


class DiskFull(Fault):
    name = "disk-full"
    text = "active's disk full"

    def _filled_in(self, host: Host, script: str) -> str:
        log = host.settings["log_directory"]
        return script.format(log=log, unit=host.reach.unit, under=_UNDER, room=_ROOM_KB, filler=_FILLER)

    def prepare(self, council: Council) -> None:
        """Give both logs a file system of their own."""
        roll(council, lambda host: host.shell(self._filled_in(host, _OWN_FILE_SYSTEM)))

    def inject(self, scene: Scene) -> None:
        """Fill it to the last octet."""
        path = f"{scene.active.settings['log_directory']}/{_FILLER}"
        scene.active.run("dd", "if=/dev/zero", f"of={path}", "bs=64k", check=False)

    def repair(self, host: Host) -> None:
        """Make room; the gatekeeper has to find that out by itself."""
        if host.reach.unit:
            host.run("rm", "--force", f"{host.settings['log_directory']}/{_FILLER}")

    def restore(self, host: Host) -> None:
        """Have the log on the disk again, with all that was written meanwhile."""
        if host.reach.unit:
            host.shell(self._filled_in(host, _BACK_TO_DISK))


class ClockStepped(Fault):
    name = "clock-stepped"
    text = "active's clock an hour ahead (of the gatekeeper's process alone), and back"

    def prepare(self, council: Council) -> None:
        """Give both gatekeepers clocks that can be stepped."""
        roll(council, self._own_clock)

    def _own_clock(self, host: Host) -> None:
        text = _CLOCK_OF_ITS_OWN.format(folder=_CLOCK)
        drop_in = f"/run/systemd/system/{host.reach.unit}.d"
        host.shell(f"mkdir -p {_CLOCK} {drop_in}; [ -e {_CLOCK}/offset ] || head --bytes=8 /dev/zero >{_CLOCK}/offset")
        host.run("tee", f"{_CLOCK}/sitecustomize.py", stdin=text)
        host.run("tee", f"{drop_in}/drill-clock.conf", stdin=f"[Service]\nEnvironment=PYTHONPATH={_CLOCK}\n")
        host.shell(f"systemctl daemon-reload; systemctl restart {host.reach.unit}")

    def inject(self, scene: Scene) -> None:
        """Step it."""
        scene.active.run("python3", "-c", _SET_CLOCK, f"{_CLOCK}/offset", str(_HOUR))

    def repair(self, host: Host) -> None:
        """Step it back."""
        if host.reach.unit:
            to_zero = f"head --bytes=8 /dev/zero | dd of={_CLOCK}/offset conv=notrunc status=none"
            host.shell(f"[ ! -e {_CLOCK}/offset ] || {to_zero}")

    def restore(self, host: Host) -> None:
        """The true clock again."""
        if host.reach.unit:
            host.shell(
                f"[ -e {_CLOCK} ] || exit 0; rm -r {_CLOCK} /run/systemd/system/{host.reach.unit}.d/drill-clock.conf;"
                f" systemctl daemon-reload; systemctl restart {host.reach.unit}"
            )


class Saturated(Fault):
    name = "processor-saturated"
    text = "active's processors saturated"
    promise = Promise.STEADY
    hold = 300.0

    def inject(self, scene: Scene) -> None:
        """Two endless loops for each core."""
        for number in range(2 * (os.cpu_count() or 1)):
            limit = f"--property=RuntimeMaxSec={self.hold + 60:.0f}"
            unit = f"--unit=drill-burner-{number}"
            scene.active.run("systemd-run", "--collect", unit, limit, "/bin/sh", "-c", "while :; do :; done")

    def repair(self, host: Host) -> None:
        """End them."""
        host.run("systemctl", "stop", "drill-burner-*.service", check=False)
