"""Who sent this? What their entry on the registry asks for tells: a signature, a password, or the network.

One entry has one policy (docs/decisions/0008): `signed` requests are believed for their Ed25519 signature, `password`
requests for their H.235.1 hash and the network that they come from, `none` requests for the network alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from h323.council import RefusalName
from h323.h235 import (
    Freshness,
    ReplayWindow,
    SignedToken,
    Token,
    TokenError,
    read_hashed_token,
    read_token,
    verify,
    verify_hash,
)
from h323.ras import (
    AdmissionRequest,
    AliasAddress,
    BandwidthRequest,
    DisengageRequest,
    GatekeeperRequest,
    RasMessage,
    RegistrationRequest,
    UnregistrationRequest,
)

from gatekeeper.core.denial import Denial
from gatekeeper.core.received import Received
from gatekeeper.core.state import Registration, State
from gatekeeper.core.terminal_alias import alias_texts
from gatekeeper.core.transport_address import usable_addresses
from gatekeeper.registry import NONE, PASSWORD, SIGNED, Guardian, Registry

_STALE = {
    Freshness.TOO_OLD: ("wrong sync time: the timeStamp is too old", "securityWrongSyncTime"),
    Freshness.TOO_NEW: ("wrong sync time: the timeStamp is in the future", "securityWrongSyncTime"),
    Freshness.REPLAYED: ("replay of an earlier request", "securityReplay"),
    Freshness.FULL: ("too many requests within the replay window", None),
}


_MOST_PROOFS = 500_000
"""To remember at a time: more than one core can verify in the window's 60 seconds. Another one more is not believed."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a message."""

    guardian: Guardian
    token: Token | None
    """What proves it; None by the policy `none`."""
    key_epoch: int | None = None
    """Of the key whose signature holds; None where there is no signature."""

    @property
    def authentication(self) -> str:
        """The policy by which they are believed."""
        return self.guardian.authentication


@dataclass(frozen=True, slots=True)
class Limited:
    """To find out would cost more than this source may cause: it's left open who it was."""


_REGISTER_IN_FULL = Denial(RefusalName.NOT_REGISTERED, "register in full first", reason="fullRegistrationRequired")
_NOT_REGISTERED = Denial(RefusalName.NOT_REGISTERED, "this endpoint is not registered")
INTEGRITY = "securityIntegrityFailed"
"""The SecurityErrors of a proof that doesn't hold: the one refusal that cost cryptography."""


def _invalid(detail: str, security_error: str | None = None) -> Denial:
    return Denial(RefusalName.INVALID_SIGNATURE, detail, security_error)


_UNSIGNED = _invalid("the request is not signed")
"""Also said of a password or network that doesn't count: nobody learns from it whose alias has which policy."""


class Authenticator:
    """Finds out who sent one gatekeeper's requests.

    The cheap refusals come first (a flood of forgeries must not buy cryptography), and only a request whose proof holds
    is remembered, so that nobody can spend another's timeStamp and random.
    """

    def __init__(
        self, gatekeeper_identifier: str, registry: Registry, state: State, window: int, since: float = 0.0
    ) -> None:
        """Take over at the time `since` (Unix seconds) from a gatekeeper whose uncommitted answers aren't known."""
        self.registry = registry
        self._since = since
        self.replay = ReplayWindow(window, _MOST_PROOFS)
        self._gatekeeper_identifier = gatekeeper_identifier
        self.state = state

    def authenticate(
        self, received: Received, asked: Registration | None = None, *, may_cost: bool = True
    ) -> Sender | Denial | Limited:
        """Who sent this, or why it isn't known.

        Args:
            received: the message and what came with it.
            asked: where the message answers a request of the gatekeeper's: who was asked. Such a message doesn't name
                its sender.
            may_cost: whether its source may cause another piece of cryptography.
        """
        claim = self._claim(received, asked)
        if isinstance(claim, Denial) or claim.token is None:
            return claim
        freshness = self.replay.check(claim.token, int(received.now.unix))
        if freshness is Freshness.FRESH and self._may_be_answered(received, claim.guardian, claim.token):
            freshness = Freshness.REPLAYED
        if freshness is not Freshness.FRESH:
            return _invalid(*_STALE[freshness])
        if not may_cost:
            return Limited()
        sender = _proven(received, claim.guardian, claim.token)
        if not isinstance(sender, Denial):
            self.replay.remember(claim.token, int(received.now.unix))
        return sender

    def _may_be_answered(self, received: Received, guardian: Guardian, token: Token) -> bool:
        """Whether the gatekeeper before may have answered it, which this one can't know where nothing was committed.

        From where its sender is registered that does no harm: a retransmission looks the same.
        """
        if token.time_stamp >= int(self._since) or _is_remembered(received.message):
            return False
        registration = self.state.registration_of(guardian.terminal_id)
        return registration is None or registration.source != received.source

    def _claim(self, received: Received, asked: Registration | None) -> Sender | Denial:
        """Who it says that it is by, if their entry's policy admits such a message; the proof isn't looked at yet."""
        try:
            token = read_token(received.message)
        except TokenError as error:
            return self._otherwise(received, asked, error)
        if token is None:
            return self._by_network(received, asked, _UNSIGNED)
        addressee_known = token.general_id is not None or not isinstance(received.message, GatekeeperRequest)
        if addressee_known and not self._is_ours(token.general_id):
            return _invalid("wrong generalID: signed for another gatekeeper", "securityWrongGeneralID")
        guardian = self.registry.by_terminal_id(token.senders_id)
        if guardian is None or guardian.authentication != SIGNED:
            return _invalid("unknown key: the sendersID is not on the registry", "securityWrongSendersID")
        return Sender(guardian, token)

    def _otherwise(self, received: Received, asked: Registration | None, error: TokenError) -> Sender | Denial:
        """There are tokens, but not a signature: a password's, or some that this gatekeeper can't use."""
        not_ours = _invalid(f"not a token of this profile: {error}", "securityWrongOID")
        try:
            token = read_hashed_token(received.message)
        except TokenError:
            token = None
        guardian = self._named(received.message, asked)
        if token is None or guardian is None or guardian.authentication != PASSWORD:
            return self._by_network(received, asked, _UNSIGNED if token is not None else not_ours)
        if not guardian.is_near(received.source[0]):
            return _UNSIGNED
        first = isinstance(received.message, GatekeeperRequest | RegistrationRequest)
        if not (self._is_ours(token.general_id) or (first and token.general_id is None)):
            return _invalid("wrong generalID: meant for another gatekeeper", "securityWrongGeneralID")
        if not self._may_be_called(token.senders_id.rstrip("\0"), guardian, first=first):
            return _invalid("the sendersID is not the endpoint's", "securityWrongSendersID")
        return Sender(guardian, token)

    def _by_network(self, received: Received, asked: Registration | None, denial: Denial) -> Sender | Denial:
        """By the policy `none` it is enough to come from the entry's network; from all others, it is nothing."""
        message, host = received.message, received.source[0]
        guardian = self._named(message, asked)
        if guardian is not None and guardian.authentication == NONE and guardian.is_near(host):
            return Sender(guardian, None)
        if guardian is None and self.registry.has_equipment_near(host):
            return _begin_anew(message) or denial
        return denial

    def _is_ours(self, general_id: str | None) -> bool:
        return general_id is not None and general_id.rstrip("\0") == self._gatekeeper_identifier

    def _may_be_called(self, name: str, guardian: Guardian, *, first: bool) -> bool:
        """Whether a sendersID is the guardian's: an alias, or the endpointIdentifier.

        Who was registered calls itself by that even where the registration has ended meanwhile and it begins anew: in
        such a `first` message nobody's name is as good.
        """
        registration = self.state.registrations.get(name)
        if registration is not None:
            return registration.terminal_id == guardian.terminal_id
        owner = self.registry.by_alias(name)
        return first if owner is None else owner is guardian

    def _named(self, message: RasMessage, asked: Registration | None) -> Guardian | None:
        """Whose entry a message without a signature is about: by an alias where it registers, otherwise by endpoint."""
        if isinstance(message, GatekeeperRequest):
            return alias_owner(message.endpoint_alias, self.registry)
        if isinstance(message, RegistrationRequest) and message.terminal_alias and not message.keep_alive:
            return alias_owner(message.terminal_alias, self.registry)
        registration = asked or self._endpoint(message)
        if registration is not None:
            return self.registry.by_terminal_id(registration.terminal_id)
        # Some name their aliases in a keepAlive too: known by them, they are told to register in full.
        return alias_owner(message.terminal_alias, self.registry) if isinstance(message, RegistrationRequest) else None

    def _endpoint(self, message: RasMessage) -> Registration | None:
        identifier: str | None = getattr(message, "endpoint_identifier", None)
        if identifier is not None:
            return self.state.registrations.get(identifier.rstrip("\0"))
        if isinstance(message, UnregistrationRequest):
            addresses = usable_addresses(message.call_signal_address)
            return next(filter(None, map(self.state.registration_at, addresses)), None)
        return None


def _begin_anew(message: RasMessage) -> Denial | None:
    """What makes equipment register again that doesn't know that its registration has ended."""
    if isinstance(message, RegistrationRequest):
        return _REGISTER_IN_FULL if message.keep_alive else None
    return _NOT_REGISTERED if getattr(message, "endpoint_identifier", None) is not None else None


def _is_remembered(message: RasMessage) -> bool:
    """Whether its answer is committed, so that every gatekeeper knows that it was given."""
    if isinstance(message, RegistrationRequest):
        return not message.keep_alive
    return isinstance(message, AdmissionRequest | BandwidthRequest | DisengageRequest | UnregistrationRequest)


def _proven(received: Received, guardian: Guardian, token: Token) -> Sender | Denial:
    """The guardian, if signature or hash is theirs."""
    if isinstance(token, SignedToken):
        for slot in guardian.usable_keys(received.now.unix):
            if verify(received.datagram, token, slot.public_key):
                return Sender(guardian, token, slot.epoch)
        return _invalid("signature does not match a valid key of this guardian", INTEGRITY)
    key = guardian.password_key
    good = key is not None and verify_hash(received.datagram, token, key)
    return Sender(guardian, token) if good else _invalid("the hash does not match the password", INTEGRITY)


def alias_owner(aliases: tuple[AliasAddress, ...] | None, registry: Registry) -> Guardian | None:
    """The one guardian whose aliases are among these; None where there is none, or more than one."""
    owners = {owner.terminal_id: owner for owner in map(registry.by_alias, filter(None, alias_texts(aliases))) if owner}
    return next(iter(owners.values())) if len(owners) == 1 else None


def permitted(guardian: Guardian) -> Denial | None:
    """What the guardian's status on the registry says against any request of theirs."""
    if guardian.status == "suspended":
        return Denial(RefusalName.SUSPENDED, "this guardian is suspended")
    if guardian.status == "revoked":
        return Denial(RefusalName.REVOKED, "this guardian's access was revoked")
    return None
