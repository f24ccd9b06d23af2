"""An endpoint that can't sign: by a password (H.235.1 procedure I), or by nothing but its network.

Guardians don't use it. It plays the equipment of other makers where the gatekeeper's weaker policies are tried out.
"""

from __future__ import annotations

from collections.abc import Callable

from h323.h235 import (
    HMAC_SHA1_96_OID,
    HashedToken,
    PrivateKey,
    TokenError,
    read_hashed_token,
    sign_hash,
    verify_hash,
)
from h323.ras import DecodeError, GatekeeperConfirm, RasMessage, decode, encode

from terminal.core.effects import Effect, Instant
from terminal.core.endpoint import Address, Endpoint
from terminal.core.identity import SIGNATURE_WINDOW, Identity
from terminal.core.initiated import INITIATED
from terminal.core.outcome import ConfirmT, Ignored
from terminal.core.request import Prepared, Request
from terminal.core.retransmission import RetransmissionPolicy


class Equipment(Endpoint):
    """Hashes its requests, and believes hashed answers only; without a password it does neither."""

    def __init__(
        self,
        terminal_id: str,
        gatekeeper_identifier: str,
        password_key: bytes | None,
        address: Address,
        random_bytes: Callable[[int], bytes],
        policy: RetransmissionPolicy | None = None,
    ) -> None:
        # A key that nobody has registered, since nothing is signed with it.
        nobodys = PrivateKey.generate()
        identity = Identity(terminal_id, nobodys, gatekeeper_identifier, nobodys.public_key())
        super().__init__(identity, address, random_bytes, policy)
        self._password_key = password_key

    @property
    def _name(self) -> str:
        """The sendersID: an alias until it is registered, the endpointIdentifier afterwards."""
        return self.endpoint_identifier or self.identity.name

    def discovery(self) -> Request[GatekeeperConfirm]:
        """A GRQ that offers passwords, or nothing at all (H.225.0 7.8.1)."""
        hashing = self._password_key is not None
        return self._discovery((("pwdHash", None),) if hashing else None, (HMAC_SHA1_96_OID,) if hashing else None)

    def prepare(self, request: Request[ConfirmT], unix: float) -> Prepared[ConfirmT]:
        """Hash the request at the time `unix` (Unix seconds), where there is a password.

        Raises:
            EncodeError: a value has no encoding.
        """
        return Prepared(request, self._signed(request.message, unix), self._name, int(unix))

    def _signed(self, message: RasMessage, unix: float, challenge: bytes | None = None) -> bytes:
        del challenge  # H.235.1 has none
        if self._password_key is None:
            return encode(message)
        return sign_hash(
            message,
            key=self._password_key,
            senders_id=self._name,
            general_id=self.identity.gatekeeper_identifier,
            time_stamp=int(unix),
            random=int.from_bytes(self._random_bytes(4), "big") & 0x7FFFFFFF or 1,
        )

    def receive(self, datagram: bytes, now: Instant) -> list[Effect]:
        """Take one datagram from the socket. Never raises, whatever the octets are."""
        try:
            message = decode(datagram)
            token = read_hashed_token(message)
        except (DecodeError, TokenError):
            return self._ignore(Ignored.MALFORMED)
        if isinstance(message, INITIATED):
            # What the gatekeeper wants by itself is not what this is for.
            return self._ignore(Ignored.UNEXPECTED)
        one = self._waiting_for(message)
        if one is None:
            return self._ignore(Ignored.UNEXPECTED)
        why = self._doubt(token, datagram, one.prepared, now) if self._password_key is not None else None
        return self._ignore(why) if why is not None else self._answered(one, message, datagram, now)

    def _doubt(
        self, token: HashedToken | None, datagram: bytes, prepared: Prepared[ConfirmT], now: Instant
    ) -> Ignored | None:
        if token is None or self._password_key is None:
            return Ignored.UNSIGNED
        if token.senders_id != self.identity.gatekeeper_identifier:
            return Ignored.OTHER_GATEKEEPER
        if token.general_id != prepared.addressee:
            return Ignored.OTHER_ADDRESSEE
        if abs(token.time_stamp - now.unix) > SIGNATURE_WINDOW:
            return Ignored.STALE
        return None if verify_hash(datagram, token, self._password_key) else Ignored.BAD_SIGNATURE
