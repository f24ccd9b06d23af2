"""What becomes of a request: confirmed, refused, or no answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

from h323.council import Refusal, RefusalName
from h323.ras import (
    AdmissionConfirm,
    BandwidthConfirm,
    DisengageConfirm,
    GatekeeperConfirm,
    RasMessage,
    RegistrationConfirm,
    UnregistrationConfirm,
)

Confirmation: TypeAlias = (
    AdmissionConfirm
    | BandwidthConfirm
    | DisengageConfirm
    | GatekeeperConfirm
    | RegistrationConfirm
    | UnregistrationConfirm
)
ConfirmT = TypeVar("ConfirmT", bound=Confirmation)

_SHORT = {
    AdmissionConfirm: "ACF",
    BandwidthConfirm: "BCF",
    DisengageConfirm: "DCF",
    GatekeeperConfirm: "GCF",
    RegistrationConfirm: "RCF",
    UnregistrationConfirm: "UCF",
}


class Ignored(str, Enum):
    """Why a datagram was not taken for an answer."""

    MALFORMED = "malformed"
    UNSIGNED = "unsigned"
    OTHER_GATEKEEPER = "from another gatekeeper"
    OTHER_ADDRESSEE = "addressed to somebody else"
    BAD_SIGNATURE = "not signed with the gatekeeper's key"
    OTHER_REQUEST = "answering another request of this number"
    STALE = "too old"
    UNEXPECTED = "answering nothing asked"


@dataclass(frozen=True, slots=True)
class Confirmed(Generic[ConfirmT]):
    """The gatekeeper's confirmation."""

    message: ConfirmT
    datagram: bytes
    attempts: int
    """How often the request was sent."""
    seconds: float
    """From the first sending to the answer."""

    @property
    def summary(self) -> str:
        """The message's short name."""
        return _SHORT[type(self.message)]


@dataclass(frozen=True, slots=True)
class Refused:
    """The gatekeeper's refusal."""

    message: RasMessage
    datagram: bytes
    attempts: int
    seconds: float
    reason: str
    """The alternative of H.225.0, e.g. "requestDenied", with the H.235 detail behind a point where there is one."""
    refusal: Refusal | None
    """The council's name and detail, where the gatekeeper gave one."""

    @property
    def name(self) -> RefusalName | None:
        """The council's name."""
        return self.refusal.name if self.refusal is not None else None

    @property
    def detail(self) -> str:
        """A short sentence for people."""
        return self.refusal.detail if self.refusal is not None else ""

    @property
    def summary(self) -> str:
        """One line for people."""
        if self.refusal is None:
            return f"refused ({self.reason})"
        return f"{self.refusal.name.value}: {self.refusal.detail} ({self.reason})"


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came that could be believed."""

    attempts: int
    seconds: float
    ignored: Mapping[Ignored, int]
    """Datagrams that came meanwhile, by why they don't count."""

    @property
    def summary(self) -> str:
        """One line for people."""
        others = ", ".join(f"{count} {why.value}" for why, count in self.ignored.items())
        return f"no answer within {self.seconds:.1f} s" + (f"; datagrams ignored: {others}" if others else "")


Outcome: TypeAlias = Confirmed[ConfirmT] | Refused | NoAnswer
