"""What the commands that talk to a gatekeeper share."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import TypeVar

from terminal.core.endpoint import Address
from terminal.errors import TerminalError

DEFAULT_PORT = 1719
"""RAS (H.225.0 7.2.1)."""
_HIGHEST_PORT = 65_535

ResultT = TypeVar("ResultT")


def gatekeeper_address(text: str) -> Address:
    """HOST, HOST:PORT, or [IPV6]:PORT.

    Raises:
        TerminalError: it's none of these.
    """
    bracketed = text.startswith("[") and "]" in text
    host, rest = text[1:].split("]", 1) if bracketed else (text, "")
    if not bracketed and text.count(":") == 1:
        host, port = text.split(":")
        rest = f":{port}"
    port = rest[1:] if rest else str(DEFAULT_PORT)
    if (
        not host
        or rest[:1] not in ("", ":")
        or not (port.isascii() and port.isdigit() and 0 < int(port) <= _HIGHEST_PORT)
    ):
        raise TerminalError(f"--gatekeeper {text} is not HOST[:PORT]; write for example 192.0.2.10:1719")
    return host, int(port)


def run_until_done(work: Coroutine[object, object, ResultT]) -> ResultT:
    """Run to the end. On SIGTERM or SIGINT the work is cancelled, so that it can still clean up.

    Raises:
        TerminalError: it was interrupted.
    """
    try:
        return asyncio.run(_cancelled_by_signal(work))
    except asyncio.CancelledError:
        raise TerminalError("interrupted; what was registered has been unregistered") from None


async def _cancelled_by_signal(work: Coroutine[object, object, ResultT]) -> ResultT:
    task = asyncio.ensure_future(work)
    on_signal(task.cancel)
    return await task


def on_signal(act: Callable[[], object]) -> None:
    """Call `act` at SIGTERM and SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, act)
