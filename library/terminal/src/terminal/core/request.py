"""A request, and what answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeAlias

from h323.h235 import challenge_of
from h323.ras import (
    AdmissionRequest,
    BandwidthRequest,
    DisengageRequest,
    GatekeeperRequest,
    RegistrationRequest,
    UnregistrationRequest,
)

from terminal.core.outcome import ConfirmT

RequestMessage: TypeAlias = (
    AdmissionRequest
    | BandwidthRequest
    | DisengageRequest
    | GatekeeperRequest
    | RegistrationRequest
    | UnregistrationRequest
)


@dataclass(frozen=True, slots=True)
class Request(Generic[ConfirmT]):
    """A request that isn't encoded yet."""

    message: RequestMessage
    confirm: type[ConfirmT]
    reject: type[Any]


@dataclass(frozen=True, slots=True)
class Prepared(Generic[ConfirmT]):
    """A request ready for the wire. Sent again, it is a retransmission: the identical datagram."""

    request: Request[ConfirmT]
    datagram: bytes
    addressee: str | None
    """The generalID that its answer must carry: whoever the request named as its sender; None where it named nobody."""
    time_stamp: int
    """Unix seconds."""

    @property
    def challenge(self) -> bytes:
        """What ties an answer to this very datagram."""
        return challenge_of(self.datagram)

    @property
    def request_seq_num(self) -> int:
        """What the answer repeats."""
        return self.request.message.request_seq_num
