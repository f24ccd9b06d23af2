"""The gatekeeper under load: the real service in a process and on a core of its own, with a made-up zone.

Its standard input takes commands, one a line; its standard output gives a line of JSON for each.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from gatekeeper.server import Server
from gatekeeper.settings import RasSettings, Settings, StoreSettings
from gatekeeper.store import Store
from gatekeeper.store.etcd import EtcdStore
from gatekeeper.store.sqlite import SqliteStore
from gatekeeper.store.trimming import ONE_REPLICA
from memory_store import MemoryStore
from witness.service.settings import MetricsSettings, Tls
from zone import HOST, IDENTIFIER, SETTINGS, populate, private_key, registry


def make_store(order: dict[str, Any], folder: Path) -> Store:
    """The store that was asked for: "memory", "sqlite", or an etcd's endpoint."""
    kind = order["store"]
    if kind == "memory":
        return MemoryStore()
    if kind == "sqlite":
        return SqliteStore(folder / "state.sqlite")
    return EtcdStore((kind,), Tls(*map(Path, order["tls"])), ONE_REPLICA)


def settings(folder: Path) -> Settings:
    """Everything in one folder, any port."""
    return Settings(
        role="primary",
        core=SETTINGS,
        registry=folder / "none",
        signing_key=folder / "none",
        passwords=None,
        log_directory=folder / "logs",
        ras=RasSettings(HOST, 0),
        store=StoreSettings(path=folder / "state.sqlite"),
        metrics=MetricsSettings(port=0),
        control_socket=folder / "control.sock",
        track_file=None,
        priority_file=None,
        vrrp_fifo=None,
    )


def resident() -> float:
    """This process's resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def say(**values: object) -> None:
    """Answer the bench."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def measures() -> dict[str, float]:
    """What this process has used so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"cpu": time.process_time(), "resident": resident(), "peak": peak}


async def serve(order: dict[str, Any], folder: Path) -> None:
    """Serve until the standard input ends."""
    endpoints = int(order["endpoints"])
    store = make_store(order, folder)
    if order["populate"] != "no":
        await store.open()
        await populate(store, endpoints, int(order["source_port"]), order["authentication"])
        await store.close()
        if order["populate"] == "only":
            say(populated=endpoints)
            return
        if order["store"] != "memory":
            # Whoever serves begins anew, as after a restart.
            store = make_store(order, folder)
    zone = registry(endpoints, order["authentication"])
    before = measures()
    began = time.monotonic()
    server = Server(settings(folder), zone, private_key(IDENTIFIER), store)
    running = asyncio.ensure_future(server.run())
    while not server.status().active:
        if running.done():
            running.result()
        await asyncio.sleep(0.001)
    say(port=server.ras_address[1], seconds=time.monotonic() - began, registry=before, **measures())
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while await commands.readline():
        say(**measures(), registrations=server.status().registrations, calls=server.status().calls)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def main() -> None:
    """Do as ordered by the first argument, a JSON object."""
    order = json.loads(sys.argv[1])
    os.sched_setaffinity(0, {int(order["core"])})
    asyncio.run(serve(order, Path(order["folder"])))


main()
