"""Policies (C2SP tlog-policy): what is one, what isn't, and which cosignatures are enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witness.checkpoint import Checkpoint
from witness.note import Cosigner, Note, Signer, add_signatures, cosign_note, sign_note
from witness.policy import JudgedCheckpoint, Policy, PolicyError, fulfilled, judge_checkpoint, parse_policy
from witness.tree import EMPTY_ROOT

ORIGIN = "council.example/h323_ras"
LOG = Signer(ORIGIN, bytes(32))
OTHER_LOG = Signer("council.example/gateway", bytes([9]) * 32)
COSIGNERS = {
    name: Cosigner(f"{name.lower()}.example", name.encode().ljust(32)) for name in ("X1", "X2", "X3", "Y1", "Y2")
}
KEYS = {name: each.verifier.vkey for name, each in COSIGNERS.items()}
TEXT = f"""\
# The specification's example, in short.
log {LOG.verifier.vkey} https://log.council.example/h323_ras

witness X1 {KEYS["X1"]}
witness\tX2   {KEYS["X2"]}
witness X3 {KEYS["X3"]} https://x3.example/
group X-witnesses 2 X1 X2 X3
  witness Y1 {KEYS["Y1"]}\t
witness Y2 {KEYS["Y2"]}
group Y-witnesses any Y1 Y2
\t# both
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
POLICY = parse_policy(TEXT.encode())


def test_what_the_example_says() -> None:
    assert [(each.verifier, each.url) for each in POLICY.logs] == [
        (LOG.verifier, "https://log.council.example/h323_ras")
    ]
    assert list(POLICY.cosigners) == list(COSIGNERS)
    assert POLICY.cosigners["X3"].url == "https://x3.example/"
    assert {name: each.threshold for name, each in POLICY.groups.items()} == {
        "X-witnesses": 2,
        "Y-witnesses": 1,
        "X-and-Y": 2,
    }
    log = POLICY.log(ORIGIN)
    assert log is not None
    assert log.verifier == LOG.verifier
    assert POLICY.log("else") is None
    assert parse_policy(POLICY.render()) == POLICY


@given(st.sets(st.sampled_from(["X1", "X2", "X3", "Y1", "Y2", "stranger", "X-and-Y"])))
def test_which_cosigners_are_enough(cosigned: set[str]) -> None:
    enough = len(cosigned & {"X1", "X2", "X3"}) >= 2 and bool(cosigned & {"Y1", "Y2"})
    assert fulfilled(POLICY, cosigned) is enough


def test_a_quorum_of_one_and_of_none() -> None:
    one = parse_policy(f"witness a {KEYS['X1']}\nwitness b {KEYS['X2']}\nquorum b\n".encode())
    assert [fulfilled(one, names) for names in (set(), {"a"}, {"b"})] == [False, False, True]
    none = parse_policy(b"quorum none\n")
    assert fulfilled(none, set())
    assert none == Policy((), {}, {}, "none")


W1, W2 = f"witness a {KEYS['X1']}\n", f"witness b {KEYS['X2']}\n"
L = f"log {LOG.verifier.vkey}\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no quorum"),
        (b"quorum none", "no end"),
        (b"quorum none\r\n", "control"),
        (b"quorum none\0\n", "control"),
        (b"quorum none\x7f\n", "control"),
        ("quorum\u00a0none\n", "begins with"),
        ("quorum none\nquorum none\n", "one quorum"),
        ("quorum a\n", "not defined"),
        ("quorum a\n" + W1, "not defined"),
        ("quorum\n", "one quorum"),
        ("quorum none none\n", "one quorum"),
        ("what ever\nquorum none\n", "line 1"),
        ("log\nquorum none\n", "log VKEY"),
        (f"log {LOG.verifier.vkey} a b\nquorum none\n", "log VKEY"),
        ("log vkey\nquorum none\n", "verifier key"),
        (f"log {KEYS['X1']}\nquorum none\n", "type 0x04"),
        (f"witness a {LOG.verifier.vkey}\nquorum none\n", "type 0x01"),
        (L + L + "quorum none\n", "two logs"),
        (L + f"log {Signer('other', bytes(32)).verifier.vkey}\nquorum none\n", "two logs"),
        (W1 + W1.replace(" a ", " b ") + "quorum none\n", "two witnesses"),
        (W1 + W2.replace(" b ", " a ") + "quorum none\n", "taken"),
        (W1.replace(" a ", " none ") + "quorum none\n", "taken"),
        (W1 + "group a 1 a\nquorum a\n", "taken"),
        (W1 + "group g 1\nquorum none\n", "a group is written"),
        (W1 + "group g 0 a\nquorum g\n", "takes from 1 to 1"),
        (W1 + "group g 2 a\nquorum g\n", "takes from 1 to 1"),
        (W1 + "group g 01 a\nquorum g\n", "takes from 1 to 1"),
        (W1 + "group g some a\nquorum g\n", "takes from 1 to 1"),
        (W1 + "group g 1 a a\nquorum g\n", "in a group already"),
        (W1 + "group g 1 a\ngroup h 1 a\nquorum g\n", "in a group already"),
        (W1 + "group g 1 b\n" + W2 + "quorum g\n", "not defined"),
        (W1 + "group g 1 g\nquorum g\n", "not defined"),
        (W1 + "group g 1 none\nquorum g\n", "not defined"),
        (b"log \xff\nquorum none\n", "verifier key"),
        (b"log \xff+01234567+AAAA\nquorum none\n", "verifier key"),
        (b"#" * 1_000_001 + b"\n", "more than"),
    ],
)
def test_what_is_no_policy(text: str | bytes, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        parse_policy(text if isinstance(text, bytes) else text.encode())


def test_names_are_opaque_octets() -> None:
    policy = parse_policy(b"witness \xffK " + KEYS["X1"].encode() + b" \xfe\nquorum \xffK\n")
    assert policy.render() == b"witness \xffK " + KEYS["X1"].encode() + b" \xfe\nquorum \xffK\n"


@given(st.binary(max_size=100))
def test_octets_are_a_policy_or_an_error(octets: bytes) -> None:
    for given_octets in (octets, TEXT.encode().replace(b"X-witnesses", octets)):
        try:
            policy = parse_policy(given_octets)
        except PolicyError:
            continue
        assert parse_policy(policy.render()) == policy


CHECKPOINT = Checkpoint(ORIGIN, 0, EMPTY_ROOT)


def signed(*names: str, at: int = 1000, signer: Signer = LOG, origin: str = ORIGIN) -> Note:
    text = Checkpoint(origin, 0, EMPTY_ROOT).text()
    return add_signatures(sign_note(text, signer), [cosign_note(text, COSIGNERS[name], at) for name in names])


def test_a_checkpoint_is_judged() -> None:
    enough = signed("X1", "X3", "Y2").encode()
    assert judge_checkpoint(enough, POLICY, ORIGIN) == JudgedCheckpoint(
        CHECKPOINT, {"X1": 1000, "X3": 1000, "Y2": 1000}, fulfilled=True
    )
    assert not judge_checkpoint(signed("X1", "Y2").encode(), POLICY).fulfilled
    assert not judge_checkpoint(signed().encode(), POLICY).fulfilled


def test_of_two_cosignatures_by_one_cosigner_the_later_counts() -> None:
    note = signed("X1")
    twice = Note(note.text, (*signed("X1", at=2000).signatures, *note.signatures[1:]))
    assert judge_checkpoint(twice.encode(), POLICY).cosigned == {"X1": 2000}


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "without signatures"),
        (sign_note("no checkpoint\n", LOG).encode(), "three lines"),
        (signed("X1", signer=OTHER_LOG).encode(), "not signed"),
        (Note(CHECKPOINT.text(), signed("X1").signatures[1:]).encode(), "not signed"),
        (signed("X1", origin="else").encode(), "not signed"),
        (signed("X1").encode().replace(b"\n0\n", b"\n1\n"), "wrong"),
    ],
)
def test_what_no_policy_stands_for(octets: bytes, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        judge_checkpoint(octets, POLICY)


def test_another_log_s_checkpoint() -> None:
    with pytest.raises(PolicyError, match="not of"):
        judge_checkpoint(signed().encode(), POLICY, "council.example/gateway")
