"""The registry's rules, and what an operator reads when one is broken."""

from __future__ import annotations

import base64

import pytest
from gatekeeper.registry import RegistryError, parse_registry

from .zone import private_key


def public(name: str) -> str:
    return base64.b64encode(private_key(name).public_key().public_bytes_raw()).decode()


GOOD = f"""version: 1
guardians:
  - terminal_id: if://guardian/alice
    aliases: [alice, "1001"]
    role: chair
    status: active
    registered_at: "2026-01-01T00:00:00Z"
    keys:
      - {{epoch: 1, public_key: {public("alice")}, state: active, not_before: "2026-01-01T00:00:00Z"}}
  - terminal_id: if://guardian/bob
    aliases: [bob]
    role: guardian
    status: suspended
    bandwidth_quota_bps: 2000000
    registered_at: "2026-01-01T00:00:00Z"
    keys:
      - {{epoch: 1, public_key: {public("bob")}, state: active, not_before: "2026-01-01T00:00:00Z", not_after: null}}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        parse_registry(text.encode(), "r.yaml")
    return caught.value.problems


def test_a_good_registry() -> None:
    registry = parse_registry(GOOD.encode(), "r.yaml")
    alice = registry.by_alias("1001")
    assert alice is not None
    assert alice is registry.by_terminal_id("if://guardian/alice")
    assert alice.bandwidth_quota_bps == 10_000_000
    assert len(alice.usable_keys(1_800_000_000)) == 1
    assert not alice.usable_keys(0)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("version: 1", "version: 2", 1, "write version: 1"),
        ("if://guardian/alice", "alice", 3, "write terminal_id: if://guardian/NAME"),
        ("role: chair", "role: boss", 5, "write role: chair | guardian"),
        ("status: active", "status: Active", 6, "write status: active | suspended | revoked"),
        ("    role: chair\n", "", 3, "has no role; write role:"),
        ("    role: chair\n", "    role: chair\n    colour: red\n", 6, "no field 'colour'"),
        ("    role: chair\n", "    role: chair\n    role: chair\n", 6, "role stands twice"),
        ("aliases: [bob]", "aliases: [alice]", 10, "has the same alias as if://guardian/alice"),
        ("if://guardian/bob", "if://guardian/alice", 10, "has the same terminal_id"),
        (public("bob"), public("alice"), 10, "has the same public key"),
        (public("alice"), "AAAA", 9, "what 'guardian-terminal keygen' printed"),
        ("state: active, not_before", "state: retired, not_before", 3, "active without an active key"),
        ("2000000", "-5", 14, "write bandwidth_quota_bps: 10000000"),
        ('"2026-01-01T00:00:00Z"', "yesterday", 7, "(UTC)"),
        (
            "role: chair",
            "role: chair\n    endpoint_types: [phone]",
            6,
            "endpoint_types has 'phone'; write endpoint_types: a list of terminal, gateway, mcu, gatekeeper",
        ),
        ("role: chair", "role: chair\n    endpoint_types: []", 6, "no list of endpoint_types"),
        ("role: chair", "role: chair\n    endpoint_types: [mcu, mcu]", 6, "endpoint_types has mcu twice"),
        ("role: chair", "role: chair\n    endpoint_types: [[mcu]]", 6, "something that is no single value"),
        ("role: chair", 'role: chair\n    prefixes: ["00"]', 3, "is no gateway; write endpoint_types: [gateway]"),
        ("role: chair", "role: chair\n    endpoint_types: [gateway]\n    prefixes: [+49]", 7, "prefixes has '+49'"),
        (
            "role: chair",
            "role: chair\n    pre_granted_arq: yes",
            6,
            "write pre_granted_arq: a list of",
        ),
        ("version: 1", "version: 1\n- x", 2, "not YAML"),
        ("aliases: [bob]", "aliases: " + "[" * 40, 11, "not a registry: lists in lists"),
        ("aliases: [bob]", "aliases: &a [bob]\n    role: *a", 12, "instead of *alias"),
    ],
)
def test_a_problem_names_its_line_and_says_what_to_write(old: str, new: str, line: int, words: str) -> None:
    found = problems(GOOD.replace(old, new, 1))
    assert any(problem.startswith(f"r.yaml:{line}: ") and words in problem for problem in found), found


def test_what_an_entry_may_register_as() -> None:
    more = 'endpoint_types: [gateway, mcu]\n    prefixes: ["00", "*9"]\n    pre_granted_arq: [answer_call]\n    '
    registry = parse_registry(GOOD.replace("role: chair", more + "role: chair", 1).encode(), "r.yaml")
    alice, bob = registry.guardians
    assert (alice.endpoint_types, alice.prefixes) == (("gateway", "mcu"), ("00", "*9"))
    assert alice.pre_granted_arq == ("answer_call",)
    assert (bob.endpoint_types, bob.prefixes, bob.pre_granted_arq) == (("terminal",), (), ())


def test_all_problems_are_reported_at_once() -> None:
    assert len(problems(GOOD.replace("role: chair", "role: x").replace("role: guardian", "role: y"))) == 2


@pytest.mark.parametrize("octets", [b"", b"\xff\xfe", b"[", b"a: " + b"[" * 5_000, b"x" * 2_000_000, b"- 1", b"7"])
def test_what_is_no_registry_at_all(octets: bytes) -> None:
    with pytest.raises(RegistryError):
        parse_registry(octets, "r.yaml")
