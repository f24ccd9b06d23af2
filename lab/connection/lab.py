"""How Ansible reaches a host of the lab: one `podman exec` a task.

The plugin of containers.podman cannot pipeline and calls podman five or six times for each task; two cores feel that.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: lab
short_description: Reach a running container by podman
description:
  - Runs commands in a container as its root, with pipelining.
author: Guardian Council
extends_documentation_fragment:
  - connection_pipelining
options:
  remote_addr:
    description: Name of the container.
    type: str
    vars:
      - name: inventory_hostname
      - name: ansible_host
  podman_executable:
    description: Path of podman, or of what adds sudo to it.
    type: str
    default: podman
    vars:
      - name: ansible_podman_executable
"""

# What podman exits with when it could not even try.
PODMAN_FAILED = 125
# What it says, with another status, of a container that is there and does not run.
NOT_RUNNING = b"Error: can only create exec sessions on running containers"


class Connection(ConnectionBase):
    """A container; there is nothing to keep open between two commands."""

    transport = "lab"
    has_pipelining = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def close(self) -> None:
        """Forget the container."""
        self._connected = False

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a shell command in the container and return its exit status, output and errors.

        Raises:
            AnsibleConnectionFailure: There is no such container, or it does not run.
        """
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._run(shlex.split(cmd), in_data)

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the controller into the container."""
        super().put_file(in_path, out_path)
        self._demand(["dd", f"of={out_path}", "status=none"], Path(in_path).read_bytes())

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the container to the controller."""
        super().fetch_file(in_path, out_path)
        Path(out_path).write_bytes(self._demand(["cat", in_path], None))

    def _demand(self, command: list[str], in_data: bytes | None) -> bytes:
        status, output, errors = self._run(command, in_data)
        if status:
            raise AnsibleConnectionFailure(f"{shlex.join(command)}: {errors.decode(errors='replace').strip()}")
        return output

    def _run(self, command: list[str], in_data: bytes | None) -> tuple[int, bytes, bytes]:
        container = self.get_option("remote_addr")
        call = [self.get_option("podman_executable"), "exec", "--interactive", container, *command]
        done = subprocess.run(call, input=in_data or b"", capture_output=True, check=False)
        if done.stderr.startswith(NOT_RUNNING) or (
            done.returncode == PODMAN_FAILED and done.stderr.startswith(b"Error:")
        ):
            raise AnsibleConnectionFailure(done.stderr.decode(errors="replace").strip())
        return done.returncode, done.stdout, done.stderr
