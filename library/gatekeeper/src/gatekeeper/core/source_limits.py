"""How much a source may cause before it has proven who it is.

Whatever proves nothing (malformed, refused, sent twice) is charged to the address and port that it came from, and where
it cost cryptography, to its IP address and to all unproven ones together. What proves who sent it is never charged, so
that no council and no load is limited, however many guardians share an address. Debts are paid off by time.

A source that has proven itself has a debt of its own with far higher limits: nobody else's flood is in its
way, from the same IP address or not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gatekeeper.core.effects import Address

BURST = 4
"""Seconds' worth that may come at once."""
_MOST_SOURCES = 8_192
_MOST_PROVEN = 20_000

SourceT = TypeVar("SourceT", str, Address)


@dataclass(frozen=True, slots=True)
class Rates:
    """Datagrams a second."""

    source: int = 200
    """From one address and port that has proven nothing."""
    host: int = 500
    """From one IP address, of those that cost cryptography."""
    in_all: int = 5_000
    """From everybody who has proven nothing, of those that cost cryptography."""
    proven: int = 5_000
    """From one address and port that has proven itself."""


class _Debt:
    """A leaky bucket: each datagram fills it by one, and it drains at a rate."""

    __slots__ = ("_amount", "_at")

    def __init__(self) -> None:
        self._amount = 0.0
        self._at = 0.0

    def is_full(self, rate: int, monotonic: float) -> bool:
        """Whether another one would be too many."""
        return self._amount - (monotonic - self._at) * rate > BURST * rate - 1

    def add(self, rate: int, monotonic: float) -> None:
        """Charge one."""
        self._amount = max(0.0, self._amount - (monotonic - self._at) * rate) + 1
        self._at = monotonic


class _Debts(Generic[SourceT]):
    """Debts by source; the one that was charged longest ago gives way where there are too many."""

    def __init__(self, rate: int, capacity: int = _MOST_SOURCES) -> None:
        self._rate = rate
        self._capacity = capacity
        self._debts: OrderedDict[SourceT, _Debt] = OrderedDict()

    def __len__(self) -> int:
        return len(self._debts)

    def is_full(self, source: SourceT, monotonic: float) -> bool:
        debt = self._debts.get(source)
        return debt is not None and debt.is_full(self._rate, monotonic)

    def add(self, source: SourceT, monotonic: float) -> None:
        debt = self._debts.get(source)
        if debt is None:
            if len(self._debts) >= self._capacity:
                self._debts.popitem(last=False)
            debt = self._debts[source] = _Debt()
        debt.add(self._rate, monotonic)
        self._debts.move_to_end(source)


class SourceLimits:
    """The debts of all sources. Times are monotonic seconds."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._sources: _Debts[Address] = _Debts(rates.source)
        self._hosts: _Debts[str] = _Debts(rates.host)
        self._in_all = _Debt()
        self._proven_debts: _Debts[Address] = _Debts(rates.proven)
        self._proven: OrderedDict[Address, None] = OrderedDict()

    def admits(self, source: Address, monotonic: float) -> bool:
        """Whether a datagram from here is looked at."""
        if source in self._proven:
            return not self._proven_debts.is_full(source, monotonic)
        return not self._sources.is_full(source, monotonic)

    def may_cost(self, source: Address, monotonic: float) -> bool:
        """Whether a datagram from here, which may prove something or not, may cost cryptography."""
        if source in self._proven:
            return True
        return not (self._hosts.is_full(source[0], monotonic) or self._in_all.is_full(self._rates.in_all, monotonic))

    def charge(self, source: Address, monotonic: float) -> None:
        """A datagram from here proved nothing."""
        debts = self._proven_debts if source in self._proven else self._sources
        debts.add(source, monotonic)

    def charge_cost(self, source: Address, monotonic: float) -> None:
        """A datagram from here cost cryptography for nothing."""
        if source not in self._proven:
            self._hosts.add(source[0], monotonic)
            self._in_all.add(self._rates.in_all, monotonic)

    def prove_all(self, sources: Sequence[Address]) -> None:
        """As `prove` for each in turn; of more than can be remembered, the last ones."""
        for source in sources[-_MOST_PROVEN:]:
            self.prove(source)

    def prove(self, source: Address) -> None:
        """A datagram from here has proven who sent it. The source that did so longest ago is forgotten first."""
        if source not in self._proven and len(self._proven) >= _MOST_PROVEN:
            self._proven.popitem(last=False)
        self._proven[source] = None
        self._proven.move_to_end(source)
