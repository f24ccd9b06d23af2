"""Does the host of a gatekeeper that fell silent still answer? Asked of its TCP port for RAS, which a host refuses."""

from __future__ import annotations

import asyncio

from gatekeeper.core import Address
from gatekeeper.patience import within

_PATIENCE = 1.0
"""Seconds: a host of the same site answers within one millisecond."""


async def ask_host(address: Address) -> str | None:
    """What the host says, as a part of a sentence; None where it says nothing."""
    try:
        _, writer = await within(_PATIENCE, asyncio.open_connection(*address))
    except ConnectionRefusedError:
        return "its host answers, its service is down"
    except (OSError, asyncio.TimeoutError):
        return None
    writer.close()
    return "its host answers, and has the service's port open"
