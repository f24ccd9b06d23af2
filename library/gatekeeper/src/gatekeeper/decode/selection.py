"""Which reports somebody wants to see."""

from __future__ import annotations

from dataclasses import dataclass

from h323.ras.names import SHORT_NAMES

from gatekeeper.decode.pairing import Exchange
from gatekeeper.decode.report import Report

NAMES = frozenset(SHORT_NAMES.values())


@dataclass(frozen=True, slots=True)
class Selection:
    """What the filter options say; what is empty selects everything."""

    names: frozenset[str] = frozenset()
    """Short names, such as ARQ."""
    terminal: str | None = None
    """A terminal_id, or its last part."""
    call: str | None = None
    """The beginning of a callIdentifier or conferenceID, in lower-case hexadecimal digits."""
    only_bad: bool = False

    def wants(self, report: Report) -> bool:
        """Whether to show a report."""
        if self.only_bad and not (report.doubtful or report.refused):
            return False
        return self.fits(report)

    def fits(self, report: Report) -> bool:
        """Whether it has the name, terminal and call."""
        if self.names and report.name not in self.names:
            return False
        return self._whose(report.terminal) and self._which(report.calls)

    def wants_exchange(self, exchange: Exchange) -> bool:
        """Whether to say that a request has no answer."""
        if self.names and exchange.name not in self.names:
            return False
        return self._whose(exchange.terminal) and self._which(exchange.calls)

    def _whose(self, terminal: str | None) -> bool:
        if self.terminal is None:
            return True
        return terminal is not None and self.terminal in (terminal, terminal.rpartition("/")[2])

    def _which(self, calls: tuple[str, ...]) -> bool:
        return self.call is None or any(call.startswith(self.call) for call in calls)
