"""Who has only the newer day files begins at a moment of which the log tells all there was; others compare it."""

from __future__ import annotations

import copy

import pytest
from gatekeeper.core.calls import Call
from gatekeeper.core.effects import Instant
from gatekeeper.core.inventory import Inventory
from gatekeeper.core.registration_index import Registration
from gatekeeper.core.state import State
from gatekeeper.registry import Registry
from gatekeeper.replay.fields import Fields
from gatekeeper.replay.inventory import Item, Pages, history_of, stock_of
from witness.tiles.bundle import MAX_ENTRY_OCTETS

from library.gatekeeper.tests.core.zone import Terminal, guardian

from .replayed import OpenZone, judge, lines_of

Records = list[dict[str, object]]
REGISTRY = Registry((guardian("alice"), guardian("bob"), guardian("carol")))
_DAY = 86_400


def council_of_two_days() -> Records:
    """Two takeovers and a midnight, each with endpoints registered and in calls; decisions between sums and pages."""
    zone = OpenZone(*REGISTRY.guardians)
    alice, bob, carol = (Terminal(zone, name, 101 + at) for at, name in enumerate(("alice", "bob", "carol")))
    alice.register()
    bob.register()
    alice.ask(alice.admission(1))
    zone.fail_over()
    bob.ask(bob.admission(1))
    alice.ask(alice.disengagement(1))
    zone.wait(1)
    carol.register()
    carol.ask(carol.admission(1))
    zone.now = Instant(zone.now.monotonic + 1, (zone.now.unix // _DAY + 1) * _DAY)
    zone.wait(0)
    carol.ask(carol.bandwidth(64_000, 1))
    zone.wait(1)
    bob.ask(bob.disengagement(1))
    zone.fail_over()
    zone.wait(1)
    bob.ask(bob.unregistration())
    return lines_of(zone)


@pytest.fixture
def records() -> Records:
    return council_of_two_days()


def kinds(records: Records) -> list[object]:
    return [one["msg_type"] for one in records]


def test_a_replay_begins_wherever_all_is_told(records: Records) -> None:
    assert kinds(records).count("STATE") == 1
    assert kinds(records).count("ITEMS") == 3
    last = max(at for at, kind in enumerate(kinds(records)) if kind == "TERM")
    for start in range(len(records)):
        walk = judge(records[start:], REGISTRY)
        assert walk.summary.findings == []
        assert walk.summary.unjudged == []
        assert walk.begun == (start <= last)
        assert walk.begun or walk.summary.before == len(records) - start
    whole = judge(records, REGISTRY)
    requests = [one for one in records if "request_digest" in one]
    assert (whole.summary.before, whole.summary.judged) == (0, len(requests))


def test_a_clock_that_was_days_ahead_keeps_no_day_from_its_record() -> None:
    zone = OpenZone(*REGISTRY.guardians)
    right = zone.now.unix
    for days in (0, 7, 0, 0, 1):
        zone.now = Instant(zone.now.monotonic + 1, right + days * _DAY)
        zone.wait(0)
    told = [str(one["time"])[:10] for one in lines_of(zone) if one["msg_type"] == "STATE"]
    assert told == ["2027-01-22", "2027-01-15", "2027-01-16"]


def test_what_was_before_the_beginning_is_counted(records: Records) -> None:
    state = kinds(records).index("STATE")
    walk = judge(records[state - 2 :], REGISTRY)
    assert (walk.begun, walk.summary.before, walk.summary.terms) == (True, 2, 2)
    term = kinds(records).index("TERM", 1)
    # Its pages aren't there: the next moment counts.
    walk = judge([one for one in records[term:state] if one["msg_type"] != "ITEMS"] + records[state:], REGISTRY)
    assert (walk.begun, walk.summary.before) == (True, state - term - 1)


@pytest.mark.parametrize("start", ["the beginning", "a later term", "a day"])
def test_a_decision_is_judged_from_wherever_the_replay_began(records: Records, start: str) -> None:
    at = {"the beginning": 0, "a later term": kinds(records).index("TERM", 1), "a day": kinds(records).index("STATE")}
    forged = next(one for one in records if one["msg_type"] == "BCF")
    forged["bandwidth_bps"] = 4_000_000
    found = judge(records[at[start] :], REGISTRY).summary.findings
    assert found[0].index == forged["index"]


def items(records: Records, which: int, name: str) -> list[dict[str, object]]:
    """A list of one of the pages."""
    page = [one for one in records if one["msg_type"] == "ITEMS"][which]
    found = page[name]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("in_calls", "bandwidth_bps", 1),
        ("in_calls", "destination", "203.0.113.66:1720"),
        ("in_calls", "terminal_id", "if://guardian/mallory"),
        ("in_calls", "call_identifier", "00" * 16),
        ("registered", "source", "203.0.113.66:1719"),
        ("registered", "aliases", ["the-chair"]),
        ("registered", "endpoint_types", ["mcu"]),
        ("registered", "authentication", "none"),
        ("registered", "time_to_live", "long"),
    ],
)
def test_a_changed_item(records: Records, which: int, name: str, field: str, value: object) -> None:
    items(records, which, name)[0][field] = value
    found = judge(records, REGISTRY).summary.findings
    assert found
    assert {records[one.index]["msg_type"] for one in found} == {"ITEMS"}


def test_items_that_are_missing_or_too_many(records: Records) -> None:
    gone = items(records, 0, "registered").pop()
    items(records, 1, "in_calls").append({**items(records, 1, "in_calls")[0], "call_identifier": "00" * 16})
    page = next(one for one in reversed(records) if one["msg_type"] == "ITEMS")
    registered = items(records, -1, "registered")[0]
    page["almost_out"] = [registered["endpoint_identifier"]]
    missing, further, almost_out = judge(records, REGISTRY).summary.findings
    assert str(gone["endpoint_identifier"]) in missing.expected
    assert further.expected.startswith("no call")
    assert almost_out.expected == f"no endpoint {registered['endpoint_identifier']} almost out of resources"


def test_pages_that_belong_nowhere(records: Records) -> None:
    at = kinds(records).index("ITEMS")
    doubled = [*records[: at + 1], copy.deepcopy(records[at]), *records[at + 1 :]]
    assert [one.rule for one in judge(doubled, REGISTRY).summary.findings] == ["the form of records"]
    records[at]["of_index"] = 0
    assert [one.rule for one in judge(records, REGISTRY).summary.findings] == ["the form of records"]
    late = judge(records[kinds(records).index("TERM", 1) :], REGISTRY)
    # It is said, and the next moment counts.
    assert (late.begun, [one.index for one in late.summary.findings]) == (True, [records[at]["index"]])


def test_items_that_are_not_what_their_sums_say(records: Records) -> None:
    """Found also by who begins there, and has nothing else to compare with."""
    term = kinds(records).index("TERM", 1)
    items(records, 0, "in_calls")[0]["bandwidth_bps"] = 1
    assert judge(records[term:], REGISTRY).summary.findings[0].index == records[term]["index"]


def test_items_that_cannot_be_there_at_once(records: Records) -> None:
    first, second = items(records, 0, "registered")
    second["terminal_id"] = first["terminal_id"]
    at = kinds(records).index("TERM", 1)
    assert judge(records[at:], REGISTRY).summary.findings[0].rule == "the form of records"


def test_a_day_with_other_settings_than_its_term(records: Records) -> None:
    stated = records[kinds(records).index("STATE")]
    settings = stated["settings"]
    assert isinstance(settings, dict)
    settings["conference_capacity"] = 1
    (found,) = judge(records, REGISTRY).summary.findings
    assert (found.index, found.rule) == (stated["index"], "settings change between terms")


def test_a_log_whose_items_never_come_is_not_held_for_ever(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper.replay.opening.MOST_HELD", 5)
    at = kinds(records).index("TERM", 1)
    old = [one for one in records[at:] if one["msg_type"] not in ("ITEMS", "STATE")]
    walk = judge(old, REGISTRY)
    assert (walk.begun, walk.summary.findings) == (False, [])
    assert walk.summary.before == len(old)


def endpoint(number: int) -> Registration:
    addresses = tuple((f"2001:db8:ffff:ffff:ffff:ffff:{number:x}:{at:x}", 65_535) for at in range(16))
    return Registration(
        endpoint_identifier=f"{number:016X}",
        terminal_id=f"if://guardian/{number}",
        aliases=tuple(f"{number}-{at}-{'x' * 128}" for at in range(16)),
        call_signal_addresses=addresses,
        ras_address=addresses[0],
        source=addresses[0],
        time_to_live=60,
        endpoint_types=("terminal", "gateway"),
        prefixes=tuple(f"{number}{at}" for at in range(16)),
        pre_granted_arq=("make_call",),
    )


def leg(number: int) -> Call:
    return Call(
        endpoint_identifier=f"{number:016X}",
        terminal_id=f"if://guardian/{number}",
        call_identifier=f"{number:032x}",
        conference_id=f"{number:032x}",
        bandwidth_bps=number,
        destination=("192.0.2.1", 1720),
        mcu="mcu1" if number % 3 else None,
        answer_call=True,
        participant=bool(number % 2),
    )


def test_all_of_a_moment_is_told_page_by_page_whatever_happens_meanwhile() -> None:
    state = State()
    for number in range(100):
        state.add_registration(endpoint(number))
        state.calls.add(leg(number), 0.0)
    state.almost_out |= {f"{number:016X}" for number in range(0, 100, 9)}
    stock = stock_of(state)
    inventory, pages = Inventory(state, 7), Pages(7)
    told: list[Item] = []
    while inventory.left:
        page = inventory.next_page()
        assert len(str(page)) < MAX_ENTRY_OCTETS - 1_000
        told += pages.items(Fields(page))
        assert pages.complete == (not inventory.left)
        call = next(iter(state.calls))
        state.calls.remove(call)
        state.remove_registration(state.registrations[call.endpoint_identifier])
        state.almost_out.clear()
    assert {item.key: item for item in told} == stock
    assert len(told) == len(stock)
    assert stock_of(history_of(stock).state) == stock
