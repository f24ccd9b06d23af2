"""Tells keepalived by a file what to add to its priority: of two holders the one in office keeps the address.

A frozen host that thaws believes that it is MASTER still; so do both after the adverts between them were lost. VRRP
lets the higher priority win, whoever has the right to decide. So the priority follows the epoch: who has the newer term
is the higher one. docs/decisions/0013-virtual-address.md.
"""

from __future__ import annotations

import logging
from pathlib import Path

LOGGER = logging.getLogger(__name__)
_TERMS = 25
"""Terms after which the priorities begin anew; VRRP has 254, and a low one takes longer to notice a death."""
HIGHEST = 2 * _TERMS


def priority_bonus(epoch: int, *, in_office: bool) -> int:
    """What is added to the priority of a node that knows of this epoch; that of the primary is one higher.

    In office under the same epoch as the other knows: 2 more, which outweighs the primary's 1. In office under an older
    epoch than the other in office: 2 less. Where the count begins anew, once in 25 terms, the older one wins.
    """
    return 2 * (epoch % _TERMS) + (2 if in_office else 0)


class VrrpPriority:
    """Writes the file where what it says changes."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._told: int | None = None

    def tell(self, epoch: int, *, in_office: bool) -> None:
        """Have keepalived know which term this node is at. A file that can't be written costs a failover at worst."""
        bonus = priority_bonus(epoch, in_office=in_office)
        if self._path is None or bonus == self._told:
            return
        try:
            self._path.write_text(f"{bonus}\n", encoding="ascii")
        except OSError as error:
            LOGGER.warning("%s: %s", self._path, error.strerror)
        else:
            self._told = bonus
