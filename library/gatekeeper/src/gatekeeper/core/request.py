"""One authenticated request with all that its decision may look at, and the decision itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from h323.ras import RasMessage

from gatekeeper.core.calls import Call
from gatekeeper.core.effects import Address, Instant
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.state import State
from gatekeeper.registry import Guardian, Registry
from gatekeeper.store import Change

MessageT = TypeVar("MessageT", bound=RasMessage)


@dataclass(frozen=True, slots=True)
class Request(Generic[MessageT]):
    """A request whose signature holds."""

    message: MessageT
    guardian: Guardian
    source: Address
    now: Instant
    state: State
    registry: Registry
    settings: CoreSettings
    random_bytes: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Decision:
    """A confirmation, what it changes in the store, and what its record says besides."""

    answer: RasMessage | None
    """None where the message wants none."""
    changes: tuple[Change, ...] = ()
    notes: Mapping[str, object] = field(default_factory=dict)
    alive: str | None = None
    """The endpointIdentifier whose timeToLive starts anew."""
    alive_for: int = 0
    """That timeToLive, in seconds, as the answer grants it."""
    adopted: tuple[Call, ...] = ()
    """Calls that the endpoint was granted beforehand (preGrantedARQ) and reports now for the first time."""
    disowned: tuple[Call, ...] = ()
    """Calls that the endpoint has and the gatekeeper doesn't know: the endpoint is told to clear them."""
    durable: bool = True
    """False for what changes nothing (discovery, keepAlive): answered without a commit."""
