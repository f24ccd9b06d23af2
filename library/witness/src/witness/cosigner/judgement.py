"""Whether a checkpoint is cosigned (C2SP tlog-witness, add-checkpoint): the rules, without clock, disk or network."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from witness.cosigner.cosigned import Cosigned
from witness.cosigner.request import Request, RequestError, parse_request
from witness.note import Cosigner, Note, NoteError, Signature, Verifier, add_signatures, cosign_note
from witness.tree import EMPTY_ROOT, ProofError, verify_consistency

TEXT = "text/plain"
SIZE = "text/x.tlog.size"
_OK, _BAD, _FORBIDDEN, _UNKNOWN, _CONFLICT, _UNPROVED = 200, 400, 403, 404, 409, 422


class Kind(Enum):
    """What speaks against a log."""

    FORK = "fork"
    """It has signed two trees of one size. Both notes together prove it to everybody."""
    UNPROVED = "unproved"
    """It has signed a larger tree, and the proof does not lead there from the smaller one."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a log has signed that doesn't fit what it had signed before."""

    kind: Kind
    cosigned: Cosigned
    submitted: Note
    """Without signatures by others."""
    request: Request


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to answer, and what to keep before."""

    status: int
    body: str
    content_type: str = TEXT
    origin: str | None = None
    """The log's, if we know it."""
    cosigned: Cosigned | None = None
    """To be kept for good before anybody sees the answer."""
    charge: Charge | None = None


class Judge:
    """Cosigns with one key, for some logs."""

    def __init__(self, key: Cosigner, logs: Iterable[Verifier]) -> None:
        """A log's origin is its key's name; it may have several keys, while one is replaced."""
        self._key = key
        self._logs: dict[str, list[Verifier]] = {}
        for log in logs:
            self._logs.setdefault(log.name, []).append(log)

    def judge(self, body: bytes, kept: Mapping[str, Cosigned], now: int) -> Judgement:
        """Decide a request, given what was cosigned of each log last and the time in seconds since 1970 (UTC).

        Never raises: a request that is none gets its status as any other.
        """
        try:
            request = parse_request(body)
        except RequestError as error:
            return Judgement(_BAD, f"{error}\n")
        origin = request.checkpoint.origin
        if origin not in self._logs:
            return Judgement(_UNKNOWN, "this log is not known here\n")
        signed = self._signed(request.note, self._logs[origin])
        if not signed:
            return Judgement(_FORBIDDEN, "no key of this log has signed it\n", origin=origin)
        note = Note(request.note.text, signed)
        if request.old > request.checkpoint.size:
            return Judgement(_BAD, "the old size is larger than the checkpoint's\n", origin=origin)
        return self._judge_growth(request, note, kept.get(origin), now)

    @staticmethod
    def _signed(note: Note, keys: Iterable[Verifier]) -> tuple[Signature, ...]:
        """The signatures by these keys that are right. Those by unknown keys mean nothing."""
        known = {(each.name, each.key_id): each for each in keys}
        right = {(each.name, each.key_id): each for each in note.signatures if _right(note, each, known)}
        return tuple(right.values())

    def _judge_growth(self, request: Request, note: Note, last: Cosigned | None, now: int) -> Judgement:
        new = request.checkpoint
        size, root = (last.checkpoint.size, last.checkpoint.root) if last else (0, EMPTY_ROOT)
        conflict = Judgement(_CONFLICT, f"{size}\n", SIZE, new.origin)
        if last and new.size == size and not hmac.compare_digest(new.root, root):
            # Whatever old size it claims: here are two trees of one size.
            return _charged(conflict, Charge(Kind.FORK, last, note, request))
        if request.old != size:
            return conflict
        try:
            verify_consistency(size, root, new.size, new.root, request.proof)
        except ProofError as error:
            refused = Judgement(_UNPROVED, f"{error}\n", origin=new.origin)
            grown = last is not None and 0 < size < new.size
            return _charged(refused, Charge(Kind.UNPROVED, last, note, request)) if last and grown else refused
        return self._cosign(request, note, last, now)

    def _cosign(self, request: Request, note: Note, last: Cosigned | None, now: int) -> Judgement:
        # "As of this time the largest tree is …": a clock that was set back must not have us contradict that.
        timestamp = max(now, last.timestamp if last else 0)
        signature = cosign_note(note.text, self._key, timestamp)
        octets = add_signatures(note, [signature]).encode()
        cosigned = Cosigned(request.checkpoint, octets, signature, timestamp)
        return Judgement(_OK, signature.line, origin=request.checkpoint.origin, cosigned=cosigned)


def _right(note: Note, signature: Signature, known: Mapping[tuple[str, bytes], Verifier]) -> bool:
    verifier = known.get((signature.name, signature.key_id))
    if verifier is None:
        return False
    try:
        verifier.verify(note.text, signature.signature)
    except NoteError:
        return False
    return True


def _charged(judgement: Judgement, charge: Charge) -> Judgement:
    return Judgement(judgement.status, judgement.body, judgement.content_type, judgement.origin, charge=charge)
