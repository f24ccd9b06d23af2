"""What must be in the gatekeeper's state: who is registered, which calls are held, and which have ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.drill.traffic.answers import Answer

from .copies import Record
from .finding import Counts, Violation

_OURS = ("held", "short")
"""Calls that are asked for once; a direct prober asks for the same call again and again."""


class Council:
    """The state as the terminals know it from their answers."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self._registered: dict[str, str] = {}
        """endpointIdentifier by terminal_id."""
        self._given: set[str] = set()
        """All endpointIdentifiers that were given and not given back."""
        self._admitted: set[bytes] = set()
        """All calls that were ever admitted."""
        self._ended_by_gatekeeper: dict[str, Violation] = {}
        """By endpointIdentifier or callIdentifier; violations if these are ours."""
        self._held: dict[str, Answer] = {}
        self._ended: set[bytes] = set()

    @property
    def registered(self) -> int:
        """How many are registered."""
        return len(self._registered)

    def told(self, answer: Answer, counts: Counts) -> None:
        """A terminal has received this answer."""
        who, call = answer.terminal_id, answer.call_identifier
        if answer.kind == "RCF":
            if self._registered.get(who) != answer.endpoint_identifier:
                self._leave(who)
            self._registered[who] = answer.endpoint_identifier
            self._given.add(answer.endpoint_identifier)
            self._concern(answer.endpoint_identifier)
        elif answer.request == "URQ":
            # Who wanted to leave need not be kept, whether somebody answered or not.
            self._leave(who)
            self._given.discard(answer.endpoint_identifier)
        elif answer.request == "DRQ" and answer.role in _OURS:
            self._end(answer, counts)
        elif answer.kind == "ACF" and answer.role in _OURS:
            self._admitted.add(bytes.fromhex(call))
            self._concern(call)
            if answer.role == "held":
                self._held[call] = answer
        elif answer.reason == "NOT_REGISTERED":
            self._unregistered(answer)

    def _end(self, answer: Answer, counts: Counts) -> None:
        """A call was to end; where nobody confirmed that, it's not known whether it did."""
        who, call = answer.terminal_id, answer.call_identifier
        self._held.pop(call, None)
        if answer.kind == "DCF":
            self._ended.add(bytes.fromhex(call))
            counts.ended += 1
        elif answer.reason == "UNKNOWN_CALL" and not answer.clean_up:
            self._violate("call lost", answer, f"call {call} of {who} was admitted, and is told {answer.reason}")
        elif answer.reason == "NOT_REGISTERED":
            self._unregistered(answer)

    def take(self, record: Record) -> None:
        """The log's next record: the gatekeeper must not end by itself what is ours.

        The terminals' answers may be read before or after it.
        """
        who, kind, why = str(record.get("terminal_id", "")), record.get("msg_type"), record.get("detail")
        if kind == "EXPIRED":
            endpoint = str(record.get("endpoint_identifier"))
            text = f"the registration of {who} was ended: {why}"
            self._ended_by_gatekeeper[endpoint] = Violation("registration lost", text, who, index=record["index"])
            if endpoint in self._given:
                self._concern(endpoint)
        elif kind == "CLEARED":
            call = str(record.get("call_identifier"))
            text = f"call {call} of {who} was cleared: {why}"
            self._ended_by_gatekeeper[call] = Violation("call lost", text, who, index=record["index"])
            if bytes.fromhex(call) in self._admitted:
                self._concern(call)

    def _concern(self, identifier: str) -> None:
        """This one is ours."""
        violation = self._ended_by_gatekeeper.pop(identifier, None)
        if violation is not None:
            self.violations.append(violation)

    def missing(self, calls: Iterable[Mapping[str, Any]]) -> set[str]:
        """The held calls that are not among these."""
        return set(self._held) - {str(call["call_identifier"]) for call in calls}

    def look(self, calls: Iterable[Mapping[str, Any]], registrations: int, counts: Counts) -> None:
        """Compare with the state of the active gatekeeper."""
        there = {str(call["call_identifier"]): str(call["terminal_id"]) for call in calls}
        counts.held += len(self._held)
        counts.registrations += len(self._registered)
        for call, answer in self._held.items():
            if call not in there:
                self._violate("call lost", answer, f"held call {call} of {answer.terminal_id} is not in the state")
        for call, who in there.items():
            if bytes.fromhex(call) in self._ended:
                text = f"call {call} of {who} has ended, and is in the state again"
                self.violations.append(Violation("call came back", text, who))
        if registrations < len(self._registered):
            text = f"{registrations} are registered, of {len(self._registered)} who were told so"
            self.violations.append(Violation("registration lost", text))

    def _unregistered(self, answer: Answer) -> None:
        who = answer.terminal_id
        if who in self._registered:
            self._violate("registration lost", answer, f"{who} was registered, and is told {answer.reason}")

    def _leave(self, terminal_id: str) -> None:
        self._registered.pop(terminal_id, None)
        for call in [call for call, answer in self._held.items() if answer.terminal_id == terminal_id]:
            del self._held[call]

    def _violate(self, kind: str, answer: Answer, text: str) -> None:
        self.violations.append(Violation(kind, text, answer.terminal_id, answer.request_digest))
