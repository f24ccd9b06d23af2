"""Runs on a host of the drill, as root, for as long as the drill does: one process that answers questions a line.

It is sent as the text of `python3 -c` and needs nothing but the standard library. Starting a shell, a client of etcd
and the gatekeeper's command for every look would take more of the host than the gatekeeper itself does.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

_TIMEOUT = 1.0
_RUN = Path("/run")


class ControlSocket(http.client.HTTPConnection):
    """HTTP over the gatekeeper's control socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(self._path)


def exchange(connection: http.client.HTTPConnection, method: str, path: str, body: str | None = None) -> Any:
    """The JSON that is answered; None where nobody does."""
    try:
        connection.request(method, path, body)
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        connection.close()
        return None


class Host:
    """What there is to see on this host."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._etcd: http.client.HTTPSConnection | None = None

    def look(self) -> dict[str, Any]:
        """How everything is that a failover depends on."""
        seen: dict[str, Any] = {"etcd": self.etcd()}
        if self._settings["gatekeeper"]:
            control = ControlSocket(self._settings["control_socket"])
            seen["gatekeeper"] = exchange(control, "GET", "/status")
            control.close()
            seen["holds"] = self.holds()
            seen["track"] = self.track()
            seen["keepalived"] = scheduling("vrrp.pid") if scheduling("keepalived.pid") is not None else None
        return seen

    def holds(self) -> bool:
        """Whether the virtual address is on this host: only then can a socket be bound to it."""
        address = self._settings["virtual_address"]
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, 0))
            except OSError:
                return False
        return True

    def track(self) -> str | None:
        """What keepalived has been told."""
        try:
            return Path(self._settings["track_file"]).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None

    def etcd(self) -> dict[str, Any] | None:
        """This host's member: whether it commits, and who leads."""
        try:
            connection = self._etcd or self._connect()
        except OSError:
            return None
        health = exchange(connection, "GET", "/health")
        status = exchange(connection, "POST", "/v3/maintenance/status", "{}")
        if not isinstance(health, dict) or not isinstance(status, dict) or "header" not in status:
            return None
        return {
            "healthy": str(health.get("health")) == "true",
            "member": status["header"].get("member_id"),
            "leader": status.get("leader"),
        }

    def _connect(self) -> http.client.HTTPSConnection:
        pki = self._settings["pki"]
        context = ssl.create_default_context(cafile=f"{pki}/ca.pem")
        context.load_cert_chain(f"{pki}/host.pem", f"{pki}/host-key.pem")
        # Its name is not the question here; that it has a certificate of the council's is.
        context.check_hostname = False
        self._etcd = http.client.HTTPSConnection(self._settings["address"], 2379, timeout=_TIMEOUT, context=context)
        return self._etcd


def scheduling(pid_file: str) -> int | None:
    """How the process of this file is scheduled, None where it doesn't run."""
    try:
        return os.sched_getscheduler(int((_RUN / pid_file).read_text(encoding="ascii")))
    except (OSError, ValueError):
        return None


def run(argv: list[str], text: str, timeout: float) -> dict[str, Any]:
    """What a command prints and exits with. It is ended with everything that it started when its time is over."""
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        )
        try:
            out, err = process.communicate(text, timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            out, err = process.communicate()
            return {"code": -1, "out": out, "err": f"not done within {timeout} s; {err}"}
    return {"code": process.returncode, "out": out, "err": err}


def answer(host: Host, question: dict[str, Any]) -> dict[str, Any]:
    """To one question."""
    if "run" not in question:
        return host.look()
    try:
        return run(question["run"], question["stdin"], question["timeout"])
    except OSError as error:
        return {"code": -1, "out": "", "err": str(error)}


def main() -> None:
    """Answer until the drill is gone."""
    host = Host(json.loads(sys.argv[1]))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(host, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
