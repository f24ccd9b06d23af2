"""What the gatekeeper says, made into datagrams that whoever it is for can believe: by the policy of their entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from h323.council import Refusal, read_refusal, refusal_generic_data
from h323.h235 import HashedToken, PrivateKey, challenge_of, sign, sign_hash
from h323.ras import (
    AltGKInfo,
    GatekeeperConfirm,
    GatekeeperReject,
    InfoRequestNak,
    RasMessage,
    RegistrationReject,
    encode,
)

from gatekeeper.core.authentication import Sender
from gatekeeper.core.rejection import Reject
from gatekeeper.core.state import Registration
from gatekeeper.registry import NONE, Guardian

_SHORTEST_TOKEN = 150
"""Octets of a signature token with the shortest names: where there's no room for that, none needs to be made."""

RandomBytes = Callable[[int], bytes]


class Sealer:
    """Signs, hashes, or does neither."""

    def __init__(self, gatekeeper_identifier: str, key: PrivateKey, random_bytes: RandomBytes) -> None:
        self._gatekeeper_identifier = gatekeeper_identifier
        self._key = key
        self._random_bytes = random_bytes

    def answer(self, message: RasMessage, sender: Sender, request: bytes, unix: float) -> bytes:
        """The datagram of an answer to a proven request datagram."""
        token = sender.token
        if token is None:
            return encode(message)
        if isinstance(token, HashedToken):
            return self._hash(message, sender.guardian, token.senders_id, unix)
        return self._sign(message, token.senders_id, challenge_of(request), unix)

    def request(self, message: RasMessage, to: Registration, guardian: Guardian | None, unix: float) -> bytes:
        """The datagram of a request of the gatekeeper's own; `guardian` is the endpoint's entry if it still has one."""
        if to.authentication == NONE:
            return encode(message)
        if guardian is not None and guardian.password_key is not None:
            return self._hash(message, guardian, to.endpoint_identifier, unix)
        return self._sign(message, to.terminal_id, None, unix)

    def to_stranger(
        self,
        message: GatekeeperConfirm | Reject,
        claimed: str | None,
        request: bytes,
        unix: float,
        *,
        may_sign: bool = True,
    ) -> bytes | None:
        """The datagram of an answer to who has proven nothing; None where only a longer one than the request would do.

        The request's source may be forged: it must not get more octets than were sent in its name. What is left out
        first is the sentence for people, then the signature, then the refusal's name; but where the request bore a
        signature (`claimed` says in whose name), the name goes before the signature, without which it's not believed.
        """
        forms = _forms(message)
        for form in forms if claimed is not None else forms[:2]:
            plain = encode(form)
            if may_sign and len(plain) + _SHORTEST_TOKEN <= len(request):
                signed = self._sign(form, claimed, challenge_of(request), unix)
                if len(signed) <= len(request):
                    return signed
        return next((plain for plain in map(encode, forms) if len(plain) <= len(request)), None)

    def _sign(self, message: RasMessage, general_id: str | None, challenge: bytes | None, unix: float) -> bytes:
        return sign(
            message,
            key=self._key,
            senders_id=self._gatekeeper_identifier,
            general_id=general_id,
            time_stamp=int(unix),
            random=self._random(),
            challenge=challenge,
        )

    def _hash(self, message: RasMessage, guardian: Guardian, general_id: str, unix: float) -> bytes:
        if guardian.password_key is None:
            raise ValueError(f"{guardian.terminal_id} has no password")
        return sign_hash(
            message,
            key=guardian.password_key,
            senders_id=self._gatekeeper_identifier,
            general_id=general_id,
            time_stamp=int(unix),
            random=self._random(),
        )

    def _random(self) -> int:
        return int.from_bytes(self._random_bytes(4), "big") & 0x7FFFFFFF or 1


def _forms(message: GatekeeperConfirm | Reject) -> tuple[GatekeeperConfirm | Reject, ...]:
    """The answer as it is, and without what it can do without, the longest first."""
    if isinstance(message, GatekeeperConfirm):
        necessary = replace(message, alternate_gatekeeper=None, assigned_gatekeeper=None, rehoming_model=None)
        return message, necessary, replace(necessary, gatekeeper_identifier=None)
    if isinstance(message, InfoRequestNak):
        return (message,)
    if isinstance(message, GatekeeperReject) and message.alt_gk_info is not None:
        return message, _redirect(message, message.alt_gk_info, None), _redirect(message, message.alt_gk_info, 1)
    shorter = message
    if isinstance(message, GatekeeperReject | RegistrationReject):
        shorter = replace(message, gatekeeper_identifier=None)
    refusal = read_refusal(message.generic_data)
    if refusal is None:
        return message, shorter
    named = replace(shorter, generic_data=(refusal_generic_data(Refusal(refusal.name, "")),))
    return message, named, replace(shorter, generic_data=None)


def _redirect(message: GatekeeperReject, there: AltGKInfo, most: int | None) -> GatekeeperReject:
    """A redirect without names, to so many places at most."""
    places = tuple(replace(one, gatekeeper_identifier=None) for one in there.alternate_gatekeeper[:most])
    return replace(message, gatekeeper_identifier=None, alt_gk_info=replace(there, alternate_gatekeeper=places))
