"""Whether a signature or password hash holds: for which key, and if for none, for whose it does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from h323.h235 import HashedToken, SignedToken, Token, verify, verify_hash

from gatekeeper.decode.capture import NANOSECONDS
from gatekeeper.decode.keys import Keys, Problem, quoted
from gatekeeper.decode.packets import Datagram
from gatekeeper.registry import PASSWORD, SIGNED, Guardian, KeySlot, Registry

_MOST_STRANGERS = 64
"""Other guardians' keys that are tried to say whose a proof is."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it."""

    key: str | None = None
    """What the proof holds for, for people."""
    problems: tuple[Problem, ...] = ()
    not_checked: str | None = None
    """Why there was no check."""


def verified(keys: Keys, token: Token, datagram: Datagram, terminal: str | None) -> Verdict:
    """Check the token of a datagram; `terminal` is the guardian whose exchange it is."""
    if datagram.missing or datagram.fragment:
        return Verdict(not_checked="the capture doesn't have the whole datagram")
    if isinstance(token, HashedToken):
        return _password(keys, token, datagram, terminal)
    if token.senders_id == keys.gatekeeper_identifier:
        return _gatekeeper(keys, token, datagram)
    return _guardian(keys.registry, token, datagram)


def _failed(name: str, detail: str) -> Verdict:
    return Verdict(problems=(Problem(name, detail),))


def _gatekeeper(keys: Keys, token: SignedToken, datagram: Datagram) -> Verdict:
    if keys.gatekeeper is None:
        return Verdict(not_checked="no --gatekeeper-key")
    if verify(datagram.octets, token, keys.gatekeeper):
        return Verdict("the gatekeeper's key")
    return _failed("bad signature", "it doesn't hold for --gatekeeper-key: another gatekeeper's key, or altered")


def _guardian(registry: Registry | None, token: SignedToken, datagram: Datagram) -> Verdict:
    if registry is None:
        return Verdict(not_checked="no --registry")
    guardian = registry.by_terminal_id(token.senders_id)
    if guardian is None:
        hint = "" if token.senders_id.startswith("if://") else "; a gatekeeper is named by --gatekeeper-identifier"
        return _failed("unknown key", f"{quoted(token.senders_id)} is not on the registry{hint}")
    if guardian.authentication != SIGNED:
        return _failed("unknown key", f"the registry wants authentication: {guardian.authentication} of this sender")
    slot = _slot(guardian, token, datagram)
    if slot is None:
        return _failed("bad signature", _whose_signature(registry, guardian, token, datagram))
    name = f"key epoch {slot.epoch}"
    unix = token.time_stamp if datagram.time is None else datagram.time / NANOSECONDS
    why = _not_usable(slot, unix)
    return Verdict(name, (Problem("expired key", f"made with {name}, which {why}"),) if why else ())


def _whose_signature(registry: Registry, guardian: Guardian, token: SignedToken, datagram: Datagram) -> str:
    if datagram.octets.count(token.signature) != 1:
        return "the signature's octets stand in the datagram more than once"
    for other in registry.guardians[:_MOST_STRANGERS]:
        if other is not guardian and _slot(other, token, datagram) is not None:
            return f"made with a key of {other.terminal_id}, not of {guardian.terminal_id}"
    epochs = ", ".join(str(slot.epoch) for slot in guardian.keys)
    return f"it holds for no key that the registry has for {guardian.terminal_id} (epoch {epochs}), or was altered"


def _slot(guardian: Guardian, token: SignedToken, datagram: Datagram) -> KeySlot | None:
    return next((slot for slot in guardian.keys if verify(datagram.octets, token, slot.public_key)), None)


def _not_usable(slot: KeySlot, unix: float) -> str | None:
    if slot.state != "active":
        return f"is {slot.state} on the registry"
    if unix < slot.not_before:
        return f"is not valid before {_utc(slot.not_before)}"
    if slot.not_after is not None and unix >= slot.not_after:
        return f"was valid until {_utc(slot.not_after)}"
    return None


def _utc(unix: float) -> str:
    return datetime.fromtimestamp(unix, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _password(keys: Keys, token: HashedToken, datagram: Datagram, terminal: str | None) -> Verdict:
    """The hash of either side: both have the same password."""
    registry = keys.registry or Registry(())
    having = [one for one in registry.guardians if one.password_key is not None]
    if not having:
        return Verdict(not_checked="no --passwords")
    guardian = registry.by_terminal_id(terminal) if terminal is not None else None
    if guardian is not None and guardian.authentication != PASSWORD:
        return _failed("wrong policy", f"the registry wants authentication: {guardian.authentication} of this sender")
    holder = next((one for one in having[:_MOST_STRANGERS] if _hash_holds(one, token, datagram)), None)
    if holder is None:
        return _failed("wrong password", f"the hash holds for no password{_of(guardian)}, or the message was altered")
    if guardian is not None and holder is not guardian:
        return _failed("wrong password", f"made with the password of {holder.terminal_id}, not{_of(guardian)}")
    return Verdict(f"the password of {holder.terminal_id}")


def _hash_holds(guardian: Guardian, token: HashedToken, datagram: Datagram) -> bool:
    return guardian.password_key is not None and verify_hash(datagram.octets, token, guardian.password_key)


def _of(guardian: Guardian | None) -> str:
    return "" if guardian is None else f" of {guardian.terminal_id}"
