"""What a term of office inherits from those before it: registrations, calls and answers, decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from gatekeeper.core.answers import Kept, decode_kept
from gatekeeper.core.registration_index import Sharing
from gatekeeper.core.state import State
from gatekeeper.store import Change, Snapshot

_AT_ONCE = 500
"""Items or answers in one step of `take`: some 5 ms."""
_SHARED = 100_000
"""Items after which sharing begins anew: it would remember what nobody has any more."""


class Inheritance:
    """The state as the store has it, kept up to date: a store's Follower.

    A node that is not in office has one told by the store, so that to take office it need not decode anything. It is
    then the Gatekeeper's, and nobody else's any more.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """See Follower."""
        self.state = State()
        self._kept: dict[str, tuple[Kept, ...]] = {}
        self._sharing = Sharing()
        self._shared = 0

    def change(self, changes: Sequence[Change]) -> None:
        """See Follower."""
        if self._shared >= _SHARED:
            self._sharing, self._shared = Sharing(), 0
        self._shared += len(changes)
        self.state.take({change.key: change.value for change in changes}, self._sharing)

    def keep(self, name: str, answers: tuple[bytes, ...]) -> None:
        """See Follower."""
        if answers:
            self._kept[name] = tuple(map(decode_kept, answers))
        else:
            self._kept.pop(name, None)

    @property
    def answers(self) -> Iterator[Kept]:
        """All answers, in no particular order."""
        return chain.from_iterable(self._kept.values())

    def take(self, snapshot: Snapshot) -> Iterator[None]:
        """Take in a whole snapshot, a little at each step: whoever has something else to do does it in between."""
        self.restart()
        items = iter(snapshot.items.items())
        while part := [Change(key, value) for key, value in islice(items, _AT_ONCE)]:
            self.change(part)
            yield
        for start in range(0, len(snapshot.answers), _AT_ONCE):
            self.keep(str(start), snapshot.answers[start : start + _AT_ONCE])
            yield

    @classmethod
    def of(cls, snapshot: Snapshot) -> Inheritance:
        """What this snapshot has."""
        inheritance = cls()
        for _ in inheritance.take(snapshot):
            pass
        return inheritance
