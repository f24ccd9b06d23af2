"""A replay's beginning in the midst of a council: what there was is told while decisions go on already."""

from __future__ import annotations

from gatekeeper.replay.fields import Fields, RecordError
from gatekeeper.replay.history import History
from gatekeeper.replay.inventory import Pages, Stock, history_of

MOST_HELD = 250_000
"""Records that wait for the last page, which with 10,000 registrations and calls comes within a minute."""


class Opening:
    """From the record that told the sums to the page that is the last: what is decided meanwhile has to wait."""

    def __init__(self, sums: Fields, before: int) -> None:
        """Raises RecordError: this is no TERM or STATE. `before` records there were before it."""
        self.sums = sums
        self.before = before
        self.held: list[Fields] = []
        self._pages = Pages(sums.needed_number("index"))
        self._stock: Stock = {}

    @property
    def complete(self) -> bool:
        """Whether the last page is there."""
        return self._pages.complete

    def hold(self, fields: Fields) -> bool:
        """Keep a record that can be judged when all is told; whether there was room for it."""
        if len(self.held) >= MOST_HELD:
            return False
        self.held.append(fields)
        return True

    def take(self, fields: Fields) -> None:
        """A page.

        Raises:
            RecordError: it isn't the next one, or has what no gatekeeper writes.
        """
        for item in self._pages.items(fields):
            if self._stock.setdefault(item.key, item) is not item:
                raise RecordError("this page names what was named before")

    def history(self) -> History:
        """What there was.

        Raises:
            ValueError, KeyError: it can't all have been there at once.
        """
        return history_of(self._stock)
