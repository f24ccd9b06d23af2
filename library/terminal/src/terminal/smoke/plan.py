"""The steps in their order. What fills a conference comes late: it may leave the MCU no free port."""

from __future__ import annotations

from h323.council import RefusalName

from terminal.smoke import calls, membership, refusals
from terminal.smoke.step import Step

_INVALID_SIGNATURE = RefusalName.INVALID_SIGNATURE.value
_NOT_REGISTERED = RefusalName.NOT_REGISTERED.value
_UNKNOWN_CALL = RefusalName.UNKNOWN_CALL.value


def plan(guardians: int) -> tuple[Step, ...]:
    """The test's steps for so many guardians."""
    return (
        Step("discover", f"GCF x{guardians}, Ed25519", membership.discover, essential=True),
        Step("ARQ before registering", _NOT_REGISTERED, refusals.not_registered),
        Step("suspended guardian", RefusalName.SUSPENDED.value, membership.suspended),
        Step("register", f"RCF x{guardians}", membership.register, essential=True),
        Step("keepAlive", f"RCF x{guardians}", membership.keep_alive),
        Step("retransmitted ARQ", "the identical ACF, one call", calls.admitted_again_identically),
        Step("above the quota", RefusalName.BANDWIDTH_EXCEEDED.value, calls.quota),
        Step("admit to one conference", f"ACF x{guardians}", calls.admit, essential=True),
        Step("unsigned ARQ", _INVALID_SIGNATURE, refusals.unsigned),
        Step("bad signature", _INVALID_SIGNATURE, refusals.bad_signature),
        Step("unknown guardian", _INVALID_SIGNATURE, refusals.unknown_guardian),
        Step("replay from elsewhere", f"{_INVALID_SIGNATURE} (securityReplay)", refusals.replayed),
        Step("another's endpoint", _NOT_REGISTERED, refusals.anothers_endpoint),
        Step("PII in ESCALATE", RefusalName.PII_POLICY_VIOLATION.value, calls.personal_data),
        Step("26th in the conference", RefusalName.CAPACITY_EXCEEDED.value, calls.one_too_many),
        Step("end an unknown call", _UNKNOWN_CALL, calls.drop_unknown),
        Step("end another's call", _UNKNOWN_CALL, calls.drop_anothers),
        Step("disengage all", f"DCF x{calls.CONFERENCE_CAPACITY}", calls.disengage),
        Step("unregister", f"UCF x{guardians}", membership.unregister),
        Step("ARQ after leaving", _NOT_REGISTERED, refusals.not_registered),
    )
