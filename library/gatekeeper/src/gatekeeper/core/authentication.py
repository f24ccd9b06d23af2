"""Who sent this request? Only a guardian's valid, fresh signature answers that (docs/protocol.md)."""

from __future__ import annotations

from h323.council import RefusalName
from h323.h235 import Freshness, PublicKey, ReplayWindow, SignedToken, TokenError, read_token, verify
from h323.ras import GatekeeperRequest, RasMessage

from gatekeeper.core.denial import Denial
from gatekeeper.registry import Guardian, Registry

_STALE = {
    Freshness.TOO_OLD: ("wrong sync time: the timeStamp is too old", "securityWrongSyncTime"),
    Freshness.TOO_NEW: ("wrong sync time: the timeStamp is in the future", "securityWrongSyncTime"),
    Freshness.REPLAYED: ("replay of an earlier request", "securityReplay"),
    Freshness.FULL: ("too many requests within the replay window", None),
}


def _invalid(detail: str, security_error: str | None = None) -> Denial:
    return Denial(RefusalName.INVALID_SIGNATURE, detail, security_error)


class Authenticator:
    """Checks the signatures of one gatekeeper's requests."""

    def __init__(self, gatekeeper_identifier: str, registry: Registry, window: int) -> None:
        self.registry = registry
        self.replay = ReplayWindow(window)
        self._gatekeeper_identifier = gatekeeper_identifier

    def authenticate(self, message: RasMessage, datagram: bytes, unix: float) -> tuple[Guardian, SignedToken] | Denial:
        """The guardian who signed `datagram` (`message` is its decoded value) and the token, or why nobody did.

        The cheap refusals come first (a flood of forgeries must not buy Ed25519 work), and only a request whose
        signature holds is remembered, so that nobody can spend another's timeStamp and random.
        """
        try:
            token = read_token(message)
        except TokenError as error:
            return _invalid(f"not a token of this profile: {error}", "securityWrongOID")
        if token is None:
            return _invalid("the request is not signed")
        addressee_known = token.general_id is not None or not isinstance(message, GatekeeperRequest)
        if addressee_known and token.general_id != self._gatekeeper_identifier:
            return _invalid("wrong generalID: signed for another gatekeeper", "securityWrongGeneralID")
        guardian = self.registry.by_terminal_id(token.senders_id)
        if guardian is None:
            return _invalid("unknown key: the sendersID is not on the registry", "securityWrongSendersID")
        freshness = self.replay.check(token, int(unix))
        if freshness is not Freshness.FRESH:
            return _invalid(*_STALE[freshness])
        return self._verified(guardian, token, datagram, unix)

    def _verified(
        self, guardian: Guardian, token: SignedToken, datagram: bytes, unix: float
    ) -> tuple[Guardian, SignedToken] | Denial:
        if not any(verify(datagram, token, key) for key in self._keys(guardian, unix)):
            return _invalid("signature does not match a valid key of this guardian", "securityIntegrityFailed")
        self.replay.remember(token, int(unix))
        return guardian, token

    @staticmethod
    def _keys(guardian: Guardian, unix: float) -> tuple[PublicKey, ...]:
        return tuple(slot.public_key for slot in guardian.usable_keys(unix))


def permitted(guardian: Guardian) -> Denial | None:
    """What the guardian's status on the registry says against any request of theirs."""
    if guardian.status == "suspended":
        return Denial(RefusalName.SUSPENDED, "this guardian is suspended")
    if guardian.status == "revoked":
        return Denial(RefusalName.REVOKED, "this guardian's access was revoked")
    return None
