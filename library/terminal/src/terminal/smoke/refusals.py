"""Steps: who isn't who they say, or isn't registered, is refused."""

from __future__ import annotations

import os
from dataclasses import replace

from h323.council import CallProfile, RefusalName
from h323.h235 import PrivateKey

from terminal.core import Call
from terminal.smoke.session import LEG_BPS, Session
from terminal.smoke.step import LeftOutError, confirmed, refused


async def not_registered(session: Session) -> str:
    """A good signature is not enough for a call: the endpoint must be registered (before it is, and after it was)."""
    return refused(await session.admit(session.first, session.conference), RefusalName.NOT_REGISTERED)


async def anothers_endpoint(session: Session) -> str:
    """One guardian can't make calls in another's name."""
    if len(session.clients) == 1:
        raise LeftOutError("it takes two guardians")
    client, other = session.clients[:2]
    call = Call.new(session.conference, os.urandom)
    request = client.endpoint.admission(call, LEG_BPS, endpoint_identifier=other.endpoint.endpoint_identifier)
    return refused(await client.ask(request), RefusalName.NOT_REGISTERED)


async def unsigned(session: Session) -> str:
    """An ARQ without a signature, from a registered endpoint.

    Strangers get no more octets than they send: the request is so long that the refusal can be signed.
    """
    client = session.first
    profile = CallProfile(purpose="Here stands what a signed request would have its signature for. ".ljust(128, "."))
    request = client.endpoint.admission(Call.new(session.conference, os.urandom), LEG_BPS, profile)
    return refused(await client.deliver(client.prepare_unsigned(request)), RefusalName.INVALID_SIGNATURE)


async def bad_signature(session: Session) -> str:
    """An ARQ that a forger signed in the name of a registered guardian."""
    client = session.first
    forger = await session.guest(replace(client.endpoint.identity, key=PrivateKey.generate()))
    forger.endpoint.endpoint_identifier = client.endpoint.endpoint_identifier
    return refused(await session.admit(forger, session.conference), RefusalName.INVALID_SIGNATURE)


async def unknown_guardian(session: Session) -> str:
    """Somebody who isn't on the registry."""
    identity = replace(session.first.endpoint.identity, terminal_id=f"if://guardian/unknown-{os.urandom(4).hex()}")
    stranger = await session.guest(identity)
    return refused(await stranger.register(), RefusalName.INVALID_SIGNATURE)


async def replayed(session: Session) -> str:
    """A recorded request, sent again by somebody else."""
    client = session.first
    prepared = client.prepare(client.endpoint.keep_alive())
    confirmed(await client.deliver(prepared))
    thief = await session.guest(client.endpoint.identity)
    return refused(await thief.deliver(prepared), RefusalName.INVALID_SIGNATURE, "securityReplay")
