"""Terminal aliases (AliasAddress, H.225.0 7.5) to and from the text that the registry writes."""

from __future__ import annotations

from collections.abc import Iterable

from h323.asn1.types import PrivatePartyNumber, PublicPartyNumber
from h323.council import RefusalName
from h323.ras import AliasAddress, RegistrationRequest

from gatekeeper.core.denial import Denial
from gatekeeper.core.request import Request

_TEXTS = ("h323-ID", "dialledDigits", "url-ID", "email-ID")
_SCHEME = "h323:"


def alias_text(alias: AliasAddress) -> str | None:
    """The terminal alias as the registry writes it, or None for kinds that it doesn't know.

    Some stacks end a BMPString with a NUL; a URL may name the h323 scheme; a party number stands for its digits.
    """
    kind, value = alias
    text = _party_digits(value) if kind == "partyNumber" else value if kind in _TEXTS else None
    return text.rstrip("\0").removeprefix(_SCHEME) if isinstance(text, str) else None


def _party_digits(number: object) -> str | None:
    value = number[1] if isinstance(number, tuple) else None
    if isinstance(value, PublicPartyNumber):
        return value.public_number_digits
    return value.private_number_digits if isinstance(value, PrivatePartyNumber) else None


def alias_texts(aliases: Iterable[AliasAddress] | None) -> tuple[str | None, ...]:
    """The texts of a list of aliases."""
    return tuple(alias_text(alias) for alias in aliases or ())


def to_alias_address(alias: str) -> AliasAddress:
    """The AliasAddress of a terminal alias from the registry: digits are dialled, the rest is an H.323 ID."""
    return ("dialledDigits", alias) if alias.isdigit() else ("h323-ID", alias)


def refused_alias(request: Request[RegistrationRequest]) -> Denial | None:
    """A guardian may use the aliases that the registry gives them, no others (H.225.0 7.9.3)."""
    foreign = []
    for alias in request.message.terminal_alias or ():
        text = alias_text(alias)
        owner = request.registry.by_alias(text) if text is not None else None
        if text is None or owner is None:
            return Denial(RefusalName.UNKNOWN_ALIAS, "an alias is not on the registry", reason="invalidAlias")
        if owner.terminal_id != request.guardian.terminal_id or _taken(request, text):
            foreign.append(alias)
    if foreign:
        detail = "an alias is another guardian's"
        return Denial(RefusalName.DUPLICATE_ALIAS, detail, reason="duplicateAlias", reason_value=tuple(foreign))
    return None


def _taken(request: Request[RegistrationRequest], alias: str) -> bool:
    """Whether another registration still has it, from the time before the registry gave it to this guardian."""
    holder = request.state.registration_by_alias(alias)
    return holder is not None and holder.terminal_id != request.guardian.terminal_id


def granted_aliases(request: Request[RegistrationRequest]) -> tuple[str, ...]:
    """The aliases of a full registration: those asked for, in the registry's order.

    Where none is asked for all that the registry has are assigned, and where no dialled digits are, those
    (H.225.0 7.9.1, terminalAlias).
    """
    guardian = request.guardian
    asked = set(alias_texts(request.message.terminal_alias))
    numbered = any(alias.isdigit() for alias in asked if alias is not None)
    aliases = tuple(
        alias
        for alias in guardian.aliases
        if alias in asked or ((not asked or (not numbered and alias.isdigit())) and not _taken(request, alias))
    )
    # One tuple for the registry's entry and the registration, in the usual case.
    return guardian.aliases if len(aliases) == len(guardian.aliases) else aliases


def added_aliases(request: Request[RegistrationRequest], present: tuple[str, ...]) -> tuple[str, ...]:
    """The aliases after an additive registration (H.225.0 7.9.1, additiveRegistration)."""
    asked = {*alias_texts(request.message.terminal_alias), *present}
    return tuple(alias for alias in request.guardian.aliases if alias in asked)
