"""Steps: guardians find the gatekeeper, register, stay, and leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any

from h323.council import RefusalName
from h323.h235 import ED25519_OID

from terminal.core import Outcome
from terminal.smoke.session import Session
from terminal.smoke.step import LeftOutError, StepFailedError, confirmed, refused


async def all_confirmed(asks: Iterable[Awaitable[Outcome[Any]]]) -> str:
    """Ask all at once; what came, if all were confirmed.

    Raises:
        StepFailedError: one was not.
    """
    outcomes = [confirmed(outcome) for outcome in await asyncio.gather(*asks)]
    return f"{outcomes[0].summary} x{len(outcomes)}"


async def discover(session: Session) -> str:
    """Everybody finds the gatekeeper and agrees with it on Ed25519."""
    for outcome in await asyncio.gather(*(one.discover() for one in session.clients)):
        answer = confirmed(outcome).message
        if answer.authentication_mode != ("certSign", None) or answer.algorithm_oid != ED25519_OID:
            raise StepFailedError(f"GCF chose {answer.authentication_mode} with {answer.algorithm_oid}")
    return f"GCF x{len(session.clients)}, Ed25519"


async def register(session: Session) -> str:
    """Everybody registers in full."""
    return await all_confirmed(one.register() for one in session.clients)


async def keep_alive(session: Session) -> str:
    """Everybody keeps their registration alive."""
    return await all_confirmed(one.keep_alive() for one in session.clients)


async def suspended(session: Session) -> str:
    """A suspended guardian with a good signature can't register."""
    if session.council.suspended is None:
        raise LeftOutError("no suspended guardian enrolled")
    guest = await session.guest(session.council.suspended)
    return refused(await guest.register(), RefusalName.SUSPENDED)


async def unregister(session: Session) -> str:
    """Everybody leaves."""
    return await all_confirmed(one.unregister() for one in session.clients)
