"""Everything there is to say of one datagram."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from h323.council import CallProfile, ProfileError, Refusal, read_profile, read_refusal
from h323.council.profile import PROFILE_ID
from h323.ras import AdmissionRequest, CallIdentifier, RasMessage

from gatekeeper.decode.checking import Check, Checker
from gatekeeper.decode.keys import Keys
from gatekeeper.decode.packets import Datagram
from gatekeeper.decode.pairing import Exchange, Pairing, Relation
from gatekeeper.decode.reading import Reading, Unreadable, read


@dataclass(frozen=True, slots=True)
class Report:
    """One datagram: what it is, how it stands to others, and what is wrong with it."""

    datagram: Datagram
    reading: Reading
    relation: Relation | None = None
    check: Check | None = None
    profile: CallProfile | ProfileError | None = None
    refusal: Refusal | None = None
    reason: str | None = None
    """The H.225.0 reject reason: "securityError.securityReplay"."""
    terminal: str | None = None
    """Whose exchange it belongs to: the sendersID of the request."""
    calls: tuple[str, ...] = ()
    """callIdentifier and conferenceID of the exchange, in hexadecimal digits."""

    @property
    def name(self) -> str | None:
        """The message's short name, or that of the one that it began as."""
        return self.reading.name

    @property
    def refused(self) -> bool:
        """It refuses a request."""
        return self.reason is not None

    @property
    def doubtful(self) -> bool:
        """Something speaks against it, such as its time, whether or not there was a key to check it with."""
        return self.bad or (self.check is not None and bool(self.check.problems))

    @property
    def bad(self) -> bool:
        """Unreadable, or its signature was checked and doesn't count."""
        return isinstance(self.reading, Unreadable) or (
            self.check is not None and self.check.verified and bool(self.check.problems)
        )


class Inspector:
    """Makes the reports of one capture, in its order."""

    def __init__(self, keys: Keys) -> None:
        self._pairing = Pairing()
        self._checker = Checker(keys)

    def inspect(self, datagram: Datagram) -> Report:
        """The report of the capture's next datagram."""
        reading = read(datagram)
        if isinstance(reading, Unreadable):
            return Report(datagram, reading)
        relation = self._pairing.add(reading, datagram)
        check = self._checker.check(reading, datagram, relation)
        value = reading.value
        calls = _join(reading.value, relation, check)
        return Report(
            datagram=datagram,
            reading=reading,
            relation=relation,
            check=check,
            profile=_profile(value),
            refusal=read_refusal(getattr(value, "generic_data", None)),
            reason=_reason(value),
            terminal=check.terminal,
            calls=calls,
        )

    def unanswered(self) -> Iterator[Exchange]:
        """The requests without an answer so far."""
        return self._pairing.unanswered()


def _join(value: RasMessage, relation: Relation, check: Check) -> tuple[str, ...]:
    """The exchange's calls; the request says them, and whose it is, and its answers are found by that as well."""
    exchange, calls = relation.exchange, _calls(value)
    if exchange is None:
        return calls
    if not relation.is_answer:
        exchange.terminal, exchange.calls = check.terminal, calls
        exchange.doubted = check.verified and not check.good
        exchange.sender = check.token.senders_id if check.token is not None else None
    return tuple(dict.fromkeys((*exchange.calls, *calls)))


def _calls(value: RasMessage) -> tuple[str, ...]:
    call, conference = getattr(value, "call_identifier", None), getattr(value, "conference_id", None)
    found = [call.guid.hex()] if isinstance(call, CallIdentifier) else []
    return (*found, conference.hex()) if isinstance(conference, bytes) else tuple(found)


def _profile(value: RasMessage) -> CallProfile | ProfileError | None:
    """The council profile of an ARQ; None where it has none."""
    if not isinstance(value, AdmissionRequest):
        return None
    if not any(one.id == ("nonStandard", PROFILE_ID) for one in value.generic_data or ()):
        return None
    try:
        return read_profile(value.generic_data)
    except ProfileError as error:
        return error


def _reason(value: RasMessage) -> str | None:
    """The reject reason with its detail."""
    reason = getattr(value, "reject_reason", None) or getattr(value, "nak_reason", None)
    if not isinstance(reason, tuple):
        return None
    inner = reason[1]
    detailed = reason[0] == "securityError" and isinstance(inner, tuple) and bool(inner)
    return f"{reason[0]}.{inner[0]}" if detailed else str(reason[0])
