"""Steps: the conference, its limits, and the end of calls."""

from __future__ import annotations

import os

from h323.council import CallProfile, CallType, RefusalName
from h323.ras import AdmissionConfirm

from terminal.core import Call, Confirmed
from terminal.core.held_calls import BANDWIDTH_UNIT_BPS
from terminal.smoke.membership import all_confirmed
from terminal.smoke.session import LEG_BPS, Leg, Session, new_conference
from terminal.smoke.step import LeftOutError, StepFailedError, confirmed, refused

CONFERENCE_CAPACITY = 25
_GREEDY_BPS = 10_000_000
"""What a greedy terminal asks for a single call. The gatekeeper grants less, and says how much in ACF."""
_MOST_GREEDY_CALLS = 20
"""More than any sensible quota allows, and fewer than an MCU has ports."""


async def admit(session: Session) -> str:
    """Everybody is admitted to one conference."""
    return await all_confirmed([session.admit(one, session.conference) for one in session.clients])


async def admitted_again_identically(session: Session) -> str:
    """A retransmitted ARQ gets the answer that was given, octet for octet: nothing was decided anew."""
    client = session.first
    call = Call.new(new_conference(), os.urandom)
    prepared = client.prepare(client.endpoint.admission(call, LEG_BPS))
    first = confirmed(await client.deliver(prepared))
    session.legs.append(Leg(client, call))
    if confirmed(await client.deliver(prepared)).datagram != first.datagram:
        raise StepFailedError("another answer than the first time")
    await _drop_all(session)
    # Had the second one admitted a second call, it would be left now.
    refused(await client.disengage(call), RefusalName.UNKNOWN_CALL)
    return "the identical ACF, one call"


async def quota(session: Session) -> str:
    """One guardian's calls together stay within the quota, counted by what was granted."""
    client, limit = session.clients[-1], session.council.members[-1].bandwidth_quota_bps
    granted, conference = 0, new_conference()
    for _ in range(_MOST_GREEDY_CALLS):
        outcome = await session.admit(client, conference, _GREEDY_BPS)
        if not isinstance(outcome, Confirmed):
            got = refused(outcome, RefusalName.BANDWIDTH_EXCEEDED)
            await _drop_all(session)
            return f"{got} after {granted / 1_000_000:g} Mbit/s"
        granted += _granted_bps(outcome)
        if granted > limit:
            raise StepFailedError(f"{granted} bit/s granted, the quota is {limit}")
    await _drop_all(session)
    raise LeftOutError(f"a quota of {limit} bit/s is not reached in {_MOST_GREEDY_CALLS} calls")


def _granted_bps(answer: Confirmed[AdmissionConfirm]) -> int:
    return answer.message.band_width * BANDWIDTH_UNIT_BPS


async def personal_data(session: Session) -> str:
    """Personal data must not leave the council by an escalation."""
    profile = CallProfile(CallType.ESCALATE, pii=True, purpose="8-guardian test")
    return refused(
        await session.admit(session.first, session.conference, profile=profile), RefusalName.PII_POLICY_VIOLATION
    )


async def one_too_many(session: Session) -> str:
    """Twenty-five take part in a conference, the twenty-sixth doesn't."""
    for number in range(len(session.clients), CONFERENCE_CAPACITY):
        confirmed(await session.admit(session.clients[number % len(session.clients)], session.conference))
    return refused(await session.admit(session.first, session.conference), RefusalName.CAPACITY_EXCEEDED)


async def drop_unknown(session: Session) -> str:
    """Nobody can end a call that isn't there."""
    call = Call.new(session.conference, os.urandom)
    return refused(await session.first.disengage(call), RefusalName.UNKNOWN_CALL)


async def drop_anothers(session: Session) -> str:
    """Nobody can end another's call."""
    if len(session.clients) == 1:
        raise LeftOutError("it takes two guardians")
    call = session.legs[0].call
    other = next(one for one in session.clients if one is not session.legs[0].client)
    return refused(await other.disengage(call), RefusalName.UNKNOWN_CALL)


async def disengage(session: Session) -> str:
    """All calls end."""
    return f"DCF x{await _drop_all(session)}"


async def _drop_all(session: Session) -> int:
    legs: list[Leg] = list(session.legs)
    for leg in legs:
        confirmed(await session.drop(leg))
    return len(legs)
