"""What systemd wants to hear (sd_notify(3)), where systemd started us."""

from __future__ import annotations

import os
import socket


class ServiceManager:
    """Notifications to the socket that NOTIFY_SOCKET names; silent where there is none."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if address else None

    @property
    def watchdog_interval(self) -> float:
        """Seconds between two signs of life: a third of what the unit allows; 0 where it doesn't ask."""
        return int(os.environ.get("WATCHDOG_USEC", "0")) / 3_000_000

    def notify(self, **fields: object) -> None:
        """Send e.g. READY=1, STATUS=active, WATCHDOG=1."""
        if self._socket is None:
            return
        text = "\n".join(f"{name}={value}" for name, value in fields.items())
        try:
            self._socket.sendto(text.encode(), self._address)
        except OSError:
            return

    def close(self) -> None:
        """Say no more."""
        notifications, self._socket = self._socket, None
        if notifications is not None:
            notifications.close()
