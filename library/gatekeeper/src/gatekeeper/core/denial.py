"""Why a request is refused: the runbook's name, a detail for people, and the H.225.0 reason on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from h323.council import Refusal, RefusalName


@dataclass(frozen=True, slots=True)
class Denial:
    """A decision against a request."""

    name: RefusalName
    detail: str
    """A short sentence for people, e.g. "signature does not match"."""
    security_error: str | None = None
    """The alternative of SecurityErrors (H.225.0) that says it more exactly, where there is one."""
    reason: str | None = None
    """The alternative of the message's own reject reason, where the name alone does not decide it."""
    reason_value: Any = None
    """What the reason carries, such as the aliases of duplicateAlias: only what the request itself said."""

    allowed_bandwidth_bps: int = 0
    """How much a call may have whose BRQ is refused."""

    @property
    def refusal(self) -> Refusal:
        """What the answer's genericData carries."""
        return Refusal(self.name, self.detail)
