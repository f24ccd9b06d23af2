"""Acknowledgements against decisions: what terminals were told, and what the log has for the same requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.drill.traffic.answers import Answer

from .copies import Record
from .epochs import Epochs
from .finding import Counts, Violation

CONFIRMATIONS = frozenset({"RCF", "ACF", "DCF", "UCF"})


@dataclass(frozen=True, slots=True)
class _Decision:
    """A request's two records."""

    kind: str
    index: int
    """Of the request's record; the answer's is later."""
    answer_index: int
    node: str
    epoch: int
    call_identifier: str
    endpoint_identifier: str


class Ledger:
    """Takes answers and records in any order, and matches them."""

    def __init__(self, gatekeepers: Mapping[str, str]) -> None:
        """`gatekeepers`: the nodes' own addresses."""
        self.violations: list[Violation] = []
        self.late: list[str] = []
        self.needed = 0
        """The log must have the records before this index, for all that was required and matched so far."""
        self._nodes = {address.rpartition(":")[0] or address: node for node, address in gatekeepers.items()}
        self._nodes |= {address: node for node, address in gatekeepers.items()}
        self._answers: dict[str, Answer] = {}
        self._required: set[str] = set()
        self._requests: dict[int, Record] = {}
        """Requests of the log whose answer's record comes next."""
        self._decisions: dict[str, _Decision] = {}
        """Those that no terminal has spoken of yet."""
        self._seen: set[bytes] = set()

    def require(self) -> None:
        """What terminals have been told by now is to be in the log; what they are told later has time."""
        self._required = set(self._answers)

    @property
    def waiting(self) -> list[Answer]:
        """The confirmations that are required and not in the log, as far as it was read."""
        required = [answer for digest, answer in self._answers.items() if digest in self._required]
        return [answer for answer in required if answer.kind in CONFIRMATIONS]

    def told(self, answer: Answer, counts: Counts) -> None:
        """A terminal has received this answer."""
        counts.acknowledged += answer.kind in CONFIRMATIONS
        # A node that is not in office answers nobody who asks at its own address.
        counts.given_up += not answer.kind and answer.role != "direct"
        counts.refused += bool(answer.kind) and answer.kind not in CONFIRMATIONS
        if answer.kind:
            self._answers[answer.request_digest] = answer

    def take(self, record: Record) -> None:
        """The next record of the log."""
        digest = record.get("request_digest")
        if isinstance(digest, str):
            self._request(digest, record)
        elif type(record.get("answers_index")) is int:
            self._decided(record)

    def match(self, epochs: Epochs, counts: Counts) -> None:
        """Compare what is there from both sides by now; forget what matches."""
        for digest in [one for one in self._answers if one in self._decisions]:
            answer, decision = self._answers.pop(digest), self._decisions.pop(digest)
            self._compare(answer, decision, epochs)
            if answer.kind in CONFIRMATIONS:
                counts.found += answer.kind == decision.kind
                if digest in self._required:
                    self.needed = max(self.needed, decision.answer_index + 1)

    def lost(self) -> list[Violation]:
        """What was acknowledged and is not in the log, now that nothing more is to be read. Each is named once."""
        missing = self.waiting
        for digest in self._required:
            self._answers.pop(digest, None)
        return [self._violation("lost", one, f"{_name(one)} has no record", None) for one in missing]

    def _request(self, digest: str, record: Record) -> None:
        seen = bytes.fromhex(digest)
        if seen in self._seen:
            text = f"record {record['index']}: this request was decided before, it has two records"
            who = str(record.get("terminal_id", ""))
            self.violations.append(Violation("doubled", text, who, digest, record["index"]))
        self._seen.add(seen)
        self._requests[record["index"]] = record

    def _decided(self, record: Record) -> None:
        request = self._requests.pop(record["answers_index"], None)
        if request is None:
            text = f"record {record['index']} answers record {record['answers_index']}, which is no open request"
            self.violations.append(Violation("answer without request", text, index=record["index"]))
            return
        self._decisions[request["request_digest"]] = _Decision(
            kind=str(record.get("msg_type")),
            index=request["index"],
            answer_index=record["index"],
            node=record["node"],
            epoch=record["epoch"],
            call_identifier=str(request.get("call_identifier", "")),
            endpoint_identifier=str(record.get("endpoint_identifier", "")),
        )

    def _compare(self, answer: Answer, decision: _Decision, epochs: Epochs) -> None:
        index = decision.answer_index
        if answer.kind != decision.kind:
            text = f"{_name(answer)}: the log has {decision.kind}, record {index}"
            self.violations.append(self._violation("contradicted", answer, text, index))
        if answer.call_identifier and answer.call_identifier != decision.call_identifier:
            text = f"{_name(answer)}: the log has it for call {decision.call_identifier}, record {decision.index}"
            self.violations.append(self._violation("contradicted", answer, text, index))
        node = self._nodes.get(answer.answered_from)
        if node is not None and node != decision.node:
            text = f"{_name(answer)} came from {node}'s own address, and record {index} is {decision.node}'s"
            self.violations.append(self._violation("wrong side", answer, text, index))
        over = epochs.after(decision.epoch)
        # Whoever is in office now repeats what was answered before, to those who ask again.
        if over is not None and answer.time > over and answer.attempts == 1:
            behind = round((answer.time - over) * 1000)
            self.late.append(f"{_name(answer)}, record {index} of epoch {decision.epoch}: {behind} ms after its end")

    def _violation(self, kind: str, answer: Answer, text: str, index: int | None) -> Violation:
        return Violation(kind, text, answer.terminal_id, answer.request_digest, index)


def _name(answer: Answer) -> str:
    who = answer.terminal_id.rpartition("/")[2]
    call = f" for call {answer.call_identifier}" if answer.call_identifier else ""
    return f"{answer.kind} of {who} at {answer.time:.3f} ({answer.role}){call}"
