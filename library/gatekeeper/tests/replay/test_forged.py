"""Each decision that the policies would not have made is found, and only that one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
from gatekeeper.core import Mcu
from gatekeeper.registry import Registry
from gatekeeper.replay import Finding
from h323.asn1.types import GatewayInfo, SupportedPrefix, VoiceCaps
from h323.council import CallProfile, CallType
from h323.ras import CallIdentifier, EndpointType

from library.gatekeeper.tests.core.zone import CONFERENCE, SETTINGS, Terminal, guardian

from .replayed import OpenZone, judge, lines_of

Records = list[dict[str, object]]
ALICE, BOB, CAROL = guardian("alice"), replace(guardian("bob"), bandwidth_quota_bps=128_000), guardian("carol")
REGISTRY = Registry((ALICE, BOB, CAROL))
SUSPENDED = Registry((ALICE, BOB, replace(CAROL, status="suspended")))
LIMITS = replace(SETTINGS, mcus=(Mcu("mcu1", ("192.0.2.21", 1720), 3),), conference_capacity=2)
OTHER = bytes(15) + b"\7"


@pytest.fixture
def records() -> Records:
    return morning()


def morning() -> Records:
    """A council's morning: everything that can be refused is, once, and two takeovers are in between."""
    zone = OpenZone(*REGISTRY.guardians, settings=LIMITS)
    alice, bob, carol = (Terminal(zone, name, 101 + at) for at, name in enumerate(("alice", "bob", "carol")))
    for terminal in (alice, bob):
        terminal.register()
    alice.ask(alice.admission(1))
    bob.ask(bob.admission(1, bandwidth_bps=128_000))
    zone.fail_over()
    carol.ask(carol.admission(1))  # NOT_REGISTERED
    carol.register()
    carol.ask(carol.admission(2))  # CAPACITY_EXCEEDED: the conference
    bob.ask(replace(bob.admission(2), conference_id=OTHER))  # BANDWIDTH_EXCEEDED
    alice.ask(replace(alice.admission(3, CallProfile(CallType.ESCALATE, pii=True)), conference_id=OTHER))
    alice.ask(replace(alice.admission(4), conference_id=OTHER))
    carol.ask(replace(carol.admission(5), conference_id=OTHER))  # CAPACITY_EXCEEDED: the MCU
    bob.ask(bob.bandwidth(64_000, 1))
    bob.ask(bob.bandwidth(128_000, 1))
    zone.fail_over()
    alice.ask(alice.disengagement(1))
    zone.use(SUSPENDED)
    carol.ask(carol.registration())  # SUSPENDED
    bob.ask(bob.disengagement(1))
    bob.ask(bob.unregistration())
    return lines_of(zone)


def gateway_type(*prefixes: str) -> EndpointType:
    supported = tuple(SupportedPrefix(prefix=("dialledDigits", prefix)) for prefix in prefixes)
    gateway = GatewayInfo(protocol=(("voice", VoiceCaps(supported_prefixes=supported)),))
    return EndpointType(mc=False, undefined_node=False, gateway=gateway)


def answers(records: Records, kind: str, **wanted: object) -> dict[str, object]:
    """The one record of this kind that says so."""
    (found,) = [one for one in records if one["msg_type"] == kind and wanted.items() <= one.items()]
    return found


def findings(records: Records) -> list[Finding]:
    walk = judge(records, REGISTRY, SUSPENDED)
    assert walk.begun
    assert walk.summary.unjudged == []
    return walk.summary.findings


def test_nothing_is_found_in_what_was_decided(records: Records) -> None:
    assert findings(records) == []
    reasons = {one["reason"] for one in records if "reason" in one}
    capacity = [one["detail"] for one in records if one.get("reason") == "CAPACITY_EXCEEDED"]
    assert reasons == {
        "NOT_REGISTERED",
        "CAPACITY_EXCEEDED",
        "BANDWIDTH_EXCEEDED",
        "PII_POLICY_VIOLATION",
        "SUSPENDED",
    }
    assert len(set(capacity)) == 2


def admitted(refused: dict[str, object]) -> None:
    """Forge: what was refused was admitted."""
    for name in ("reason", "detail"):
        del refused[name]
    refused |= {"msg_type": "ACF", "bandwidth_bps": 64_000, "destination": "192.0.2.21:1720", "mcu": "mcu1"}


@pytest.mark.parametrize("reason", ["NOT_REGISTERED", "BANDWIDTH_EXCEEDED", "PII_POLICY_VIOLATION"])
def test_an_admission_against_a_policy(records: Records, reason: str) -> None:
    forged = answers(records, "ARJ", reason=reason)
    admitted(forged)
    first = findings(records)[0]
    assert (first.index, reason in first.expected) == (forged["index"], True)


@pytest.mark.parametrize("which", [0, 1])
def test_an_admission_beyond_a_capacity(records: Records, which: int) -> None:
    forged = [one for one in records if one.get("reason") == "CAPACITY_EXCEEDED"][which]
    admitted(forged)
    first = findings(records)[0]
    assert (first.index, first.rule) == (forged["index"], "capacity")


def test_a_registration_of_who_is_suspended(records: Records) -> None:
    forged = answers(records, "RRJ")
    granted = [one for one in records if one["msg_type"] == "RCF"][-1]
    for name in ("reason", "detail"):
        del forged[name]
    forged |= {name: granted[name] for name in ("msg_type", "time_to_live", "aliases", "endpoint_types")}
    forged["endpoint_identifier"] = "00112233445566FF"
    (found, *_) = findings(records)
    assert (found.index, found.rule) == (forged["index"], "status on the registry")


def test_a_refusal_of_what_the_policies_admit(records: Records) -> None:
    forged = answers(records, "ACF", bandwidth_bps=128_000)
    for name in ("bandwidth_bps", "destination", "mcu"):
        del forged[name]
    forged |= {"msg_type": "ARJ", "reason": "CAPACITY_EXCEEDED", "detail": "full"}
    first = findings(records)[0]
    assert first.index == forged["index"]
    assert "a confirmation" in first.expected


def raised(record: dict[str, object]) -> None:
    record["bandwidth_bps"] = 2_000_000


def elsewhere(record: dict[str, object]) -> None:
    record["destination"] = "203.0.113.66:1720"


def by_an_old_key(record: dict[str, object]) -> None:
    record["key_epoch"] = 2


def by_network(record: dict[str, object]) -> None:
    record["authentication"] = "none"


def unproven(record: dict[str, object]) -> None:
    record["authentication"] = "unproven"


def by_somebody_else(record: dict[str, object]) -> None:
    record["terminal_id"] = "if://guardian/mallory"


def by_another_registry(record: dict[str, object]) -> None:
    record["registry"] = "0" * 12


def in_another_epoch(record: dict[str, object]) -> None:
    record["epoch"] = 77


CHANGES = [raised, elsewhere, by_an_old_key, by_network, unproven, by_somebody_else, by_another_registry]


@pytest.mark.parametrize("change", [*CHANGES, in_another_epoch])
def test_a_changed_admission(records: Records, change: Callable[[dict[str, object]], None]) -> None:
    told = answers(records, "ACF", bandwidth_bps=128_000)
    asked = records[records.index(told) - 1]
    change(told)
    if change not in (raised, elsewhere):
        change(asked)
    assert findings(records)[0].index in (told["index"], asked["index"])


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("BCF", "bandwidth_bps", 1_000_000),
        ("BCF", "bandwidth_before_bps", 1),
        ("DCF", "bandwidth_bps", 1),
        ("EXPIRED", "calls_ended", 5),
        ("EXPIRED", "terminal_id", None),
        ("TERM", "calls", 1),
        ("TERM", "registrations", 77),
        ("TERM", "epoch", 1),
        ("RCF", "aliases", ["alice", "the-chair"]),
        ("RCF", "time_to_live", 86_400),
        ("RCF", "answers_index", 0),
        ("ACF", "mcu", 7),
        ("ACF", "bandwidth_bps", "much"),
        ("ACF", "time", "yesterday"),
    ],
)
def test_a_changed_field(records: Records, kind: str, field: str, value: object) -> None:
    forged = [one for one in records if one["msg_type"] == kind][-1]
    forged[field] = value
    if field == "time":
        records[records.index(forged) - 1]["time"] = value
    (index, *_) = [one.index for one in findings(records)]
    assert records[index]["msg_type"] in (kind, "ARQ")
    assert records.index(forged) - index in (0, 1)


def test_a_decision_that_was_removed_or_added(records: Records) -> None:
    told = answers(records, "ACF", bandwidth_bps=128_000)
    at = records.index(told)
    assert findings(records[:at] + records[at + 1 :])
    assert findings([*records[: at - 1], *records[at + 1 :]])
    assert findings([*records[: at + 1], copy.deepcopy(told), *records[at + 1 :]])
    assert findings([*records[:at], records[-1]])


def test_a_call_under_way_that_the_gatekeeper_clears_by_itself(records: Records) -> None:
    """Of a call that isn't there."""
    told = answers(records, "ACF", bandwidth_bps=128_000)
    asked = records[records.index(told) - 1]
    names = ("terminal_id", "endpoint_identifier", "conference_id", "registry", "node", "epoch", "time")
    cleared = {name: asked[name] for name in names} | {"msg_type": "CLEARED", "detail": "cleared by an operator"}
    cleared |= {"call_identifier": "00" * 16, "bandwidth_bps": 1, "index": told["index"]}
    at = records.index(told) + 1
    assert [one.expected for one in findings([*records[:at], cleared, *records[at:]])] == [
        "no end: there is no such call"
    ]


def test_a_registry_that_nobody_has_is_told_and_never_passed(records: Records) -> None:
    walk = judge(records, REGISTRY)
    assert walk.summary.findings == []
    unjudged = [one.index for one in walk.summary.unjudged]
    expired = answers(records, "EXPIRED")
    refused = answers(records, "RRJ")
    assert unjudged[:2] == [expired["index"], refused["index"]]
    everything = judge(records)
    assert everything.summary.judged == 0
    assert len(everything.summary.unjudged) > 10


def test_a_log_from_before_the_terms_is_not_judged(records: Records) -> None:
    old = [one for one in records if one["msg_type"] not in ("TERM", "REGISTRY")]
    walk = judge(old, REGISTRY, SUSPENDED)
    assert not walk.begun
    late = records[next(at for at, one in enumerate(records) if one["msg_type"] == "TERM" and one["index"] != 0) :]
    assert not judge(late, REGISTRY, SUSPENDED).begun


def test_calls_of_one_identifier_and_every_way_to_name_a_called_party() -> None:
    """What the records say of the called party is enough to find it again."""
    gateway = replace(
        guardian("bridge"), endpoint_types=("gateway",), prefixes=("0", "00"), aliases=("bridge", "1001"), role="expert"
    )
    registry = Registry((ALICE, CAROL, gateway))
    zone = OpenZone(*registry.guardians)
    alice, carol = Terminal(zone, "alice", 101), Terminal(zone, "carol", 103)
    bridge = Terminal(zone, "bridge", 105)
    alice.register()
    carol.register()
    bridge.register(terminal_type=gateway_type("00", "0", "77"), terminal_alias=(("h323-ID", "1001"),))
    named = [
        ("h323-ID", "carol"),
        ("url-ID", "h323:carol@192.0.2.10"),
        ("url-ID", "h323:carol@elsewhere.example"),
        ("url-ID", "h323:192.0.2.103"),
        ("url-ID", "h323:192.0.2.103:1720"),
        ("url-ID", "h323:somebody@[2001:db8::1]"),
        ("dialledDigits", "00491234567"),
        ("dialledDigits", "01234"),
        ("dialledDigits", "00"),
        ("dialledDigits", "5551"),
        ("email-ID", "council@guardian-council"),
        ("transportID", carol.address(1720)),
        ("transportID", ("netBios", bytes(16))),
    ]
    for number, alias in enumerate(named):
        alice.ask(replace(alice.admission(number + 1), destination_info=(alias,)))
    alice.ask(replace(alice.admission(50), destination_info=None, dest_call_signal_address=carol.address(1720)))
    alice.ask(replace(alice.admission(51), destination_info=(named[0], named[6])))
    for number in (1, 2):
        answering = replace(
            carol.admission(number, to="carol"),
            answer_call=True,
            src_info=(("h323-ID", "alice"), ("h323-ID", "A. Person")),
            src_call_signal_address=alice.address(1720),
            call_identifier=CallIdentifier(guid=alice.call_identifier(number)),
        )
        carol.ask(answering)
    carol.ask(replace(carol.admission(60), answer_call=True, src_info=(("h323-ID", "alice"),)))
    carol.ask(carol.unregistration(endpoint_alias=(("h323-ID", "carol"),)))
    bridge.ask(bridge.unregistration(supported_prefixes=(SupportedPrefix(prefix=("dialledDigits", "00")),)))
    alice.ask(replace(alice.admission(70), destination_info=(named[6],), conference_id=CONFERENCE))
    walk = judge(lines_of(zone), registry)
    assert walk.summary.findings == []
    kinds = [one["msg_type"] for one in lines_of(zone)]
    assert kinds.count("ACF") >= 9
    assert kinds.count("ARJ") >= 4
    text = "\n".join(map(str, lines_of(zone)))
    assert "1234" not in text
    assert "Person" not in text
