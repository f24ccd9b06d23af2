"""Commits under way, and what each of them holds back until it is durable."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gatekeeper.core.authentication import Sender
from gatekeeper.core.effects import Address, Commit, Effect, Send
from gatekeeper.core.outgoing import Initiative
from gatekeeper.store import Batch


@dataclass(frozen=True, slots=True)
class Requester:
    """Who waits for the answer to an authenticated request, and can be told that it takes longer."""

    source: Address
    request_seq_num: int
    sender: Sender
    datagram: bytes
    """The request, which everything that is said to it is bound to."""


@dataclass(slots=True)
class Pending:
    """What waits for one commit."""

    effects: tuple[Effect, ...] = ()
    digest: bytes | None = None
    """The request's, where an answer is among the effects."""
    answer: Send | None = None
    initiatives: tuple[Initiative, ...] = ()
    """Requests of the gatekeeper's own that leave once the decision behind them is durable."""
    requester: Requester | None = None
    progress: Send | None = None
    """The RIP that was sent, if one was."""


class Commits:
    """Numbers commits and remembers what waits for them. They become durable in the order in which they were begun."""

    def __init__(self) -> None:
        self._number = 0
        self._pending: dict[int, Pending] = {}
        self._by_digest: dict[bytes, Pending] = {}
        self._begun: deque[tuple[float, int]] = deque()

    def __len__(self) -> int:
        return len(self._pending)

    def begin(self, batch: Batch, pending: Pending, now: float) -> Commit:
        """Ask for a commit; `now` in monotonic seconds."""
        self._number += 1
        self._pending[self._number] = pending
        if pending.digest is not None:
            self._by_digest[pending.digest] = pending
        if pending.requester is not None:
            self._begun.append((now, self._number))
        return Commit(self._number, batch)

    def done(self, number: int) -> Pending:
        """The commit is durable; what waited for it."""
        pending = self._pending.pop(number)
        if pending.digest is not None:
            self._by_digest.pop(pending.digest, None)
        while self._begun and self._begun[0][1] not in self._pending:
            self._begun.popleft()
        return pending

    def waiting_for(self, digest: bytes) -> Pending | None:
        """What the request of this digest waits for, while it does."""
        return self._by_digest.get(digest)

    @property
    def oldest(self) -> float | None:
        """When the oldest commit was begun whose requester was not yet told that it takes longer."""
        return self._begun[0][0] if self._begun else None

    def begun_before(self, monotonic: float) -> list[Pending]:
        """What has waited since `monotonic` seconds or longer; each is named once."""
        slow = []
        while self._begun and self._begun[0][0] <= monotonic:
            pending = self._pending.get(self._begun.popleft()[1])
            if pending is not None:
                slow.append(pending)
        return slow
