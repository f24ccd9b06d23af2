"""What a cosigner answers (C2SP tlog-witness, add-checkpoint), by the rules alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witness.checkpoint import Checkpoint
from witness.cosigner.cosigned import Cosigned, parse_cosigned
from witness.cosigner.judgement import SIZE, TEXT, Judge, Judgement, Kind
from witness.cosigner.request import MAX_OCTETS, MAX_PROOF
from witness.errors import WitnessError
from witness.note import Cosigner, Note, Signature, Signer, add_signatures, parse_note, sign_note

from .submissions import GATEWAY, KEY, LOG, NOW, ORIGIN, Tree, cosigned_at, request

LOG_TREE = Tree(100)
JUDGE = Judge(KEY, [LOG.verifier, GATEWAY.verifier])


def judge(body: bytes, kept: int | None = None, now: int = NOW, tree: Tree = LOG_TREE) -> Judgement:
    """With what was cosigned of the log up to some size."""
    return JUDGE.judge(body, {} if kept is None else {ORIGIN: cosigned(kept, tree)}, now)


def cosigned(size: int, tree: Tree = LOG_TREE) -> Cosigned:
    made = JUDGE.judge(tree.submission(0, size), {}, NOW - 60).cosigned
    assert made is not None
    return made


def test_the_first_checkpoint_of_a_log_is_cosigned() -> None:
    judgement = judge(LOG_TREE.submission(0, 10))
    assert (judgement.status, judgement.content_type, judgement.origin) == (200, TEXT, ORIGIN)
    assert cosigned_at(LOG_TREE.note(10), judgement.body) == NOW
    assert judgement.cosigned is not None
    assert judgement.cosigned.checkpoint == LOG_TREE.checkpoint(10)
    assert parse_cosigned(judgement.cosigned.octets, ORIGIN, KEY.verifier) == judgement.cosigned


@pytest.mark.parametrize(("old", "size"), [(1, 2), (10, 11), (10, 100), (64, 100), (99, 100), (0, 0), (0, 5)])
def test_a_log_that_grows_is_cosigned(old: int, size: int) -> None:
    judgement = judge(LOG_TREE.submission(old, size), old)
    assert judgement.status == 200
    assert cosigned_at(LOG_TREE.note(size), judgement.body) == NOW


def test_the_same_tree_is_cosigned_again_with_the_new_time() -> None:
    judgement = judge(LOG_TREE.submission(10, 10), 10)
    assert judgement.status == 200
    assert cosigned_at(LOG_TREE.note(10), judgement.body) == NOW
    assert judgement.cosigned is not None


def test_a_clock_that_was_set_back_contradicts_nothing() -> None:
    judgement = judge(LOG_TREE.submission(10, 20), 10, NOW - 3_600)
    assert cosigned_at(LOG_TREE.note(20), judgement.body) == NOW - 60


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        LOG_TREE.note(10),
        b"old\n\n" + LOG_TREE.note(10),
        request("00", [], LOG_TREE.note(10)),
        request("+1", [], LOG_TREE.note(10)),
        request(" 0", [], LOG_TREE.note(10)),
        request("0 ", [], LOG_TREE.note(10)),
        request("0\r", [], LOG_TREE.note(10)),
        request("\u0661", [], LOG_TREE.note(10)),
        request(2**63, [], LOG_TREE.note(10)),
        request(10**30, [], LOG_TREE.note(10)),
        request(0, [b"x" * 31], LOG_TREE.note(10)),
        request(0, [b"x" * 33], LOG_TREE.note(10)),
        request(0, [b"x" * 32] * (MAX_PROOF + 1), LOG_TREE.note(10)),
        b"old 0\nno base64\n\n" + LOG_TREE.note(10),
        b"OLD 0\n\n" + LOG_TREE.note(10),
        b"old 0\r\n\r\n" + LOG_TREE.note(10),
        request(0, [], LOG_TREE.note(10).removesuffix(b"\n")),
        request(0, [], b"council.example/h323_ras\n10\n\n"),
        request(0, [], sign_note(f"{ORIGIN}\n010\n{'A' * 43}=\n", LOG).encode()),
        request(0, [], sign_note(f"{ORIGIN}\n10\n{'A' * 42}==\n", LOG).encode()),
        b"old 0\n\n" + b"x" * MAX_OCTETS,
        LOG_TREE.submission(0, 10) + b"\xff",
    ],
)
def test_what_is_no_request_is_refused_with_400(body: bytes) -> None:
    judgement = judge(body, 10)
    assert judgement.status == 400
    assert judgement.body.endswith("\n")


def test_the_longest_proof_that_may_be_is_read() -> None:
    assert judge(request(10, [b"x" * 32] * MAX_PROOF, LOG_TREE.note(20)), 10).status == 422


def test_an_old_size_above_the_checkpoint_s_is_refused_with_400() -> None:
    assert judge(request(11, [], LOG_TREE.note(10)), 11).status == 400
    assert judge(request(11, [], LOG_TREE.note(10)), 5).status == 400


def test_an_unknown_log_is_refused_with_404() -> None:
    stranger = Tree(10, signer=Signer("elsewhere.example/log", bytes(32)))
    assert judge(stranger.submission(0, 10)).status == 404


@pytest.mark.parametrize(
    "signer",
    [Signer(ORIGIN, bytes(32)), Signer("council.example/other", bytes(32)), GATEWAY],
    ids=["key", "name", "log"],
)
def test_a_checkpoint_that_no_key_of_its_log_has_signed_is_refused_with_403(signer: Signer) -> None:
    note = sign_note(LOG_TREE.checkpoint(10).text(), signer).encode()
    assert judge(request(0, [], note)).status == 403


def test_a_wrong_signature_under_the_key_s_name_and_id_is_refused_with_403() -> None:
    note = parse_note(LOG_TREE.note(10))
    (own,) = note.signatures
    wrong = Signature(own.name, own.key_id, bytes(64))
    assert judge(request(0, [], Note(note.text, (wrong,)).encode())).status == 403
    short = Signature(own.name, own.key_id, b"x")
    assert judge(request(0, [], Note(note.text, (short,)).encode())).status == 403


def test_signatures_by_others_mean_nothing_and_are_not_kept() -> None:
    """Among them one by our own key, which must not be taken for what is answered now."""
    text = LOG_TREE.checkpoint(10).text()
    other = Signer("elsewhere.example/log", bytes(32))
    forged = Signature(KEY.verifier.name, KEY.verifier.key_id, bytes(72))
    note = add_signatures(sign_note(text, other), [*parse_note(LOG_TREE.note(10)).signatures, forged])
    judgement = judge(request(0, [], note.encode()))
    assert judgement.status == 200
    assert judgement.cosigned is not None
    names = [each.name for each in parse_note(judgement.cosigned.octets).signatures]
    assert names == [ORIGIN, KEY.verifier.name]


def test_while_a_log_s_key_is_replaced_both_are_good_and_the_memory_stays() -> None:
    new = Signer(ORIGIN, bytes(range(7, 39)))
    both = Judge(KEY, [LOG.verifier, new.verifier])
    kept = {ORIGIN: cosigned(10)}
    note = sign_note(LOG_TREE.checkpoint(20).text(), new).encode()
    assert both.judge(request(10, LOG_TREE.proof(10, 20), note), kept, NOW).status == 200
    assert parse_cosigned(kept[ORIGIN].octets, ORIGIN, KEY.verifier).checkpoint.size == 10


@pytest.mark.parametrize(
    ("kept", "old", "size", "told"),
    [(None, 5, 10, 0), (10, 0, 20, 10), (10, 9, 20, 10), (10, 11, 20, 10), (10, 5, 8, 10)],
)
def test_another_old_size_is_told_the_right_one_with_409(kept: int | None, old: int, size: int, told: int) -> None:
    judgement = judge(LOG_TREE.submission(old, size), kept)
    assert (judgement.status, judgement.content_type, judgement.body) == (409, SIZE, f"{told}\n")
    assert SIZE == "text/x.tlog.size"
    assert judgement.charge is None


@pytest.mark.parametrize("old", [10, 0, 4])
def test_two_trees_of_one_size_are_a_fork_that_is_proved_whatever_old_size_is_said(old: int) -> None:
    fork = Tree(10, fork="fork", forked_at=5)
    judgement = judge(fork.submission(old, 10), 10)
    assert (judgement.status, judgement.content_type, judgement.body) == (409, SIZE, "10\n")
    assert judgement.cosigned is None
    charge = judgement.charge
    assert charge is not None
    assert charge.kind is Kind.FORK
    assert charge.submitted.encode() == fork.note(10)
    assert charge.cosigned == cosigned(10)


def test_a_larger_tree_that_does_not_continue_ours_is_refused_with_422() -> None:
    fork = Tree(20, fork="fork", forked_at=5)
    judgement = judge(fork.submission(10, 20), 10)
    assert (judgement.status, judgement.cosigned) == (422, None)
    assert judgement.charge is not None
    assert judgement.charge.kind is Kind.UNPROVED


@pytest.mark.parametrize(
    ("kept", "body"),
    [
        (None, request(0, [b"x" * 32], LOG_TREE.note(10))),
        (10, request(10, [b"x" * 32], LOG_TREE.note(10))),
        (None, request(0, [], sign_note(Checkpoint(ORIGIN, 0, bytes(32)).text(), LOG).encode())),
    ],
)
def test_a_proof_where_there_is_none_and_an_empty_tree_with_another_root_are_refused_with_422(
    kept: int | None, body: bytes
) -> None:
    judgement = judge(body, kept)
    assert (judgement.status, judgement.charge) == (422, None)


@given(st.data())
def test_a_proof_with_any_change_is_refused(data: st.DataObject) -> None:
    proof = LOG_TREE.proof(10, 77)
    which = data.draw(st.integers(0, len(proof) - 1))
    changed = [*proof]
    octets = bytearray(changed[which])
    octets[data.draw(st.integers(0, 31))] ^= data.draw(st.integers(1, 255))
    changed[which] = bytes(octets)
    shorter, longer = [*proof[:which], *proof[which + 1 :]], [*proof[:which], *proof[which:], proof[which]]
    for wrong in (changed, shorter, longer):
        assert judge(request(10, wrong, LOG_TREE.note(77)), 10).status == 422


def test_logs_have_nothing_to_do_with_each_other() -> None:
    other = Tree(5, signer=GATEWAY)
    assert judge(other.submission(0, 5), 10).status == 200


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda octets: b"old 0\n\n" + octets))
def test_any_octets_get_a_status(body: bytes) -> None:
    assert judge(body, 10).status in {400, 403, 404}


@given(st.integers(0, 10_000), st.binary(max_size=3))
def test_a_request_with_any_change_is_cosigned_only_as_what_the_log_has_signed(at: int, octets: bytes) -> None:
    body = LOG_TREE.submission(10, 77)
    at %= len(body)
    judgement = judge(body[:at] + octets + body[at + 1 :], 10)
    assert judgement.cosigned is None or judgement.cosigned.checkpoint == LOG_TREE.checkpoint(77)


@pytest.mark.parametrize("change", ["origin", "key", "signature"])
def test_what_was_kept_is_believed_only_if_this_key_has_cosigned_it(change: str) -> None:
    octets = cosigned(10).octets
    if change == "origin":
        with pytest.raises(WitnessError):
            parse_cosigned(octets, "council.example/gateway", KEY.verifier)
    elif change == "key":
        with pytest.raises(WitnessError):
            parse_cosigned(octets, ORIGIN, Cosigner(KEY.verifier.name, bytes(32)).verifier)
    else:
        with pytest.raises(WitnessError):
            parse_cosigned(octets.replace(b"\n10\n", b"\n11\n"), ORIGIN, KEY.verifier)
