"""What the gatekeeper asks of a store: one writer at a time, fenced by the epoch, and every commit on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol


class StoreError(Exception):
    """The store did not do what was asked; its text says why."""


class Fenced(StoreError):
    """Another node has raised the epoch: this one must stop deciding at once."""


class StoreUnavailable(StoreError):
    """The store can't be reached or has no quorum."""


@dataclass(frozen=True, slots=True)
class Change:
    """Put `value` at `key`, or delete the key where it is None."""

    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a stream of the witness log, a JSON object without the newline. Indexes count from 0 without gaps."""

    stream: str
    index: int
    line: bytes


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer that outlives its term of office, in the core's own encoding."""

    forget_at: float
    """Seconds of the answers' own time (`AnswerCache`) from which on nobody asks for it; near Unix time."""
    octets: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What becomes durable together or not at all.

    A store keeps the records of a stream as one chunk, and the answers as another with the latest of their times: what
    a batch costs grows with its changes, and little with the number of decisions in it.
    """

    changes: tuple[Change, ...]
    records: tuple[Record, ...]
    answers: tuple[KeptAnswer, ...] = ()
    forget: float | None = None
    """Drop the chunks of answers up to this time, which must be before those of this batch."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of office. Times are Unix seconds."""

    epoch: int
    holder: str
    since: float
    last_seen: float
    """When the holder last confirmed that it is alive and in office."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All there is at the beginning of a term."""

    term: Term
    previous: Term | None
    items: Mapping[str, bytes]
    sizes: Mapping[str, int]
    """The next index of each stream."""
    answers: tuple[bytes, ...] = ()
    """What was kept and not yet forgotten, in the order of the chunks' times."""
    followed: bool = False
    """Whether the store's follower was told exactly this."""


class Follower(Protocol):
    """Whoever is told of the state while it is another node's. It may be told less than there is, but never wrongly."""

    def restart(self) -> None:
        """Forget everything: it will be told anew."""

    def change(self, changes: Sequence[Change]) -> None:
        """Items have become so: a part of what there is, or all that one or more transactions have changed."""

    def keep(self, name: str, answers: tuple[bytes, ...]) -> None:
        """The chunk of this name has these answers; none: it was forgotten. The names' order is that of their times."""


class Store(Protocol):
    """State and outbox of the witness log."""

    async def open(self) -> None:
        """Make ready. Raises StoreUnavailable."""

    async def close(self) -> None:
        """Let go of files and connections."""

    async def take_over(self, holder: str, unix: float) -> Snapshot:
        """Raise the epoch by compare-and-swap, then read everything (`unix`: now, in Unix seconds).

        What `follow` has at hand is not read, but given away: it has to be cancelled then, and begun anew later.

        Raises:
            StoreUnavailable: it may have been raised or not; nobody is in office by it.
        """

    async def follow(self, follower: Follower | None = None) -> None:
        """Keep at hand what `take_over` will read, and tell the follower, if any, of it, until cancelled.

        For a node that is not in office. A store that reads everything in no time returns at once.
        """

    @property
    def last_commit_seen(self) -> float:
        """When another node was last seen to commit or to confirm (monotonic seconds); minus infinity before.

        A store that isn't followed sees it when asked for its term.
        """

    async def commit(self, epoch: int, batch: Batch) -> None:
        """Make the batch durable if the epoch is still the caller's and each stream ends where the records begin.

        Raises:
            Fenced: it isn't; nothing was written.
            StoreUnavailable: it is not known whether it was written. To find out, ask again with the same batch before
                any other: it is written once, however often it is asked for.
            StoreError: the store refuses the batch; nothing was written.
        """

    async def confirm(self, epoch: int, unix: float) -> None:
        """Give proof of life under the epoch. Raises as `commit`."""

    async def term(self) -> Term | None:
        """The current term of office, None before the first."""

    async def time_elsewhere(self, hosts: AbstractSet[str]) -> tuple[str, float] | None:
        """The Unix time on a host of the store that is none of these, to half a second, and which host that is.

        None where there is none, or where it isn't sure, since not all of these are hosts of the store. Raises
        StoreUnavailable.
        """

    async def size(self, stream: str) -> int:
        """How many records the stream has, whether they are still in the outbox or not."""

    async def records(self, stream: str, start: int, limit: int) -> list[Record]:
        """Records of the outbox from index `start` on, or from the first one after it that is left; at most `limit`."""

    async def wait_for_records(self, stream: str, size: int) -> None:
        """Return when the stream has more than `size` records, whether they are still in the outbox or not."""

    async def acknowledge(self, node: str, stream: str, size: int) -> int:
        """This replica has this much of the stream on disk; how many records are left in the outbox.

        A chunk leaves the outbox when all known replicas have it, and there are as many as there should be. Beyond a
        bound of records two replicas suffice, so that one that is away for long can't fill the store; it gets what it
        misses from the others (`gatekeeper.outbox.refetch`).
        """
