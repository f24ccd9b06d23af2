"""What is said of real exchanges: pairs, times, refusals, signatures and why they fail."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from h323.council import CallProfile
from h323.h235 import challenge_of, sign
from h323.ras import (
    DisengageConfirm,
    DisengageReject,
    DisengageRequest,
    InfoRequest,
    InfoRequestAck,
    InfoRequestResponse,
    RequestInProgress,
    UnregistrationRequest,
    encode,
)

from .captures import GATEKEEPER, TERMINAL, Sent, capture, ipv4, pcap
from .conftest import Decode, Files, Result, key_entry, write_registry
from .council import ANSWER_TIME, IDENTIFIER, PURPOSE, SETUP, SIP, START, Evening, Terminal, evening, private_key

MILLISECOND = 1_000_000


NOW = START * 10**9


@pytest.fixture
def alice() -> Terminal:
    return Terminal("alice")


def confirmed(message: DisengageRequest) -> bytes:
    return encode(DisengageConfirm(request_seq_num=message.request_seq_num))


def verdicts(result: Result) -> list[object]:
    return [one["signature"]["verdict"] for one in result.messages if "signature" in one]


def problem(result: Result, index: int = 0) -> str:
    signature = result.messages[index]["signature"]
    assert isinstance(signature, dict)
    return str(signature["problems"][0]["detail"])


def test_all_is_well_among_guardians(decode: Decode, files: Files) -> None:
    one, alice = Evening(), Terminal("alice")
    one.register(alice)
    one.ask(alice, alice.admission())
    one.ask(alice, alice.disengagement())
    one.ask(alice, alice.unregistration())
    result = decode(files.capture(capture(one.sent)), *files.options, "--json")
    assert result.code == 0
    assert [m["message"] for m in result.messages] == ["RRQ", "RCF", "ARQ", "ACF", "DRQ", "DCF", "URQ", "UCF"]
    assert verdicts(result) == ["good"] * 8
    assert {m["terminal"] for m in result.messages} == {"if://guardian/alice"}
    assert [m.get("answers") for m in result.messages] == [None, 1, None, 3, None, 5, None, 7]
    assert {m["round_trip_ms"] for m in result.messages if "answers" in m} == {ANSWER_TIME / MILLISECOND}


def test_without_keys_nothing_is_bad_about_signatures(decode: Decode, files: Files) -> None:
    readable = [one for one in evening() if len(one.octets) not in (120, len(SIP), len(SETUP))]
    result = decode(files.capture(capture(readable)), "--json")
    assert result.code == 0
    assert set(verdicts(result)) == {"not checked", "none"}


def test_only_what_there_is_a_key_for_is_checked(decode: Decode, files: Files) -> None:
    result = decode(files.capture(capture(evening()[2:4])), "--registry", str(files.registry), "--json")
    assert verdicts(result) == ["good", "not checked"]
    assert result.code == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"not_after": "2026-06-01T00:00:00Z"}, "was valid until 2026-06-01T00:00:00Z"),
        ({"not_before": "2027-06-01T00:00:00Z"}, "is not valid before 2027-06-01T00:00:00Z"),
        ({"state": "retired"}, "is retired on the registry"),
    ],
)
def test_a_key_that_counts_no_more(
    decode: Decode, files: Files, alice: Terminal, changes: dict[str, object], words: str
) -> None:
    old, new = key_entry("alice", **changes), key_entry("alice-2", epoch=2)
    write_registry(files.registry, {"alice": [old, new]})
    datagram = alice.signed(alice.registration())
    result = decode(files.capture(capture([Sent(datagram, time=NOW)])), *files.options, "--json")
    assert (result.code, verdicts(result)) == (1, ["expired key"])
    assert problem(result) == f"made with key epoch 1, which {words}"


def test_someone_elses_key_is_named(decode: Decode, files: Files) -> None:
    forger = Terminal("alice", key=private_key("bob"))
    datagram = forger.signed(forger.registration())
    result = decode(files.capture(capture([Sent(datagram, time=NOW)])), *files.options, "--json")
    assert verdicts(result) == ["bad signature"]
    assert problem(result) == "made with a key of if://guardian/bob, not of if://guardian/alice"


def test_a_changed_octet_is_seen(decode: Decode, files: Files, alice: Terminal) -> None:
    datagram = bytearray(alice.signed(alice.registration()))
    place = datagram.index("alice".encode("utf-16-be"))
    datagram[place + 1] ^= 1
    result = decode(files.capture(capture([Sent(bytes(datagram), time=NOW)])), *files.options, "--json")
    assert (result.code, verdicts(result)) == (1, ["bad signature"])


@pytest.mark.parametrize(("age", "good"), [(30, True), (31, False), (-30, True), (-31, False)])
def test_the_window_is_the_gatekeepers(decode: Decode, files: Files, alice: Terminal, age: int, good: bool) -> None:
    datagram = alice.signed(alice.registration(), START - age)
    # The gatekeeper compares whole seconds.
    path = files.capture(capture([Sent(datagram, time=NOW + 900 * MILLISECOND)]))
    assert verdicts(decode(path, *files.options, "--json")) == ["good" if good else "wrong time"]
    assert decode(path, *files.options, "--signature-window", "60").code == 0


def test_an_answer_for_somebody_else(decode: Decode, files: Files, alice: Terminal) -> None:
    message = alice.disengagement()
    request = alice.signed(message)
    answer = sign(
        DisengageConfirm(request_seq_num=message.request_seq_num),
        key=private_key(IDENTIFIER),
        senders_id=IDENTIFIER,
        general_id="if://guardian/bob",
        time_stamp=START,
        random=1,
        challenge=challenge_of(request),
    )
    sent = [Sent(request, time=NOW), Sent(answer, GATEKEEPER, TERMINAL, NOW + MILLISECOND)]
    result = decode(files.capture(capture(sent)), *files.options, "--json")
    assert verdicts(result) == ["good", "wrong generalID"]
    assert problem(result, 1) == "signed for 'if://guardian/bob', not for 'if://guardian/alice'"


@pytest.mark.parametrize(
    ("challenge", "words"), [(None, "it has no challenge"), (bytes(16), "another datagram than #1")]
)
def test_an_answer_to_another_datagram(
    decode: Decode, files: Files, alice: Terminal, challenge: bytes | None, words: str
) -> None:
    message = alice.disengagement()
    answer = sign(
        DisengageConfirm(request_seq_num=message.request_seq_num),
        key=private_key(IDENTIFIER),
        senders_id=IDENTIFIER,
        general_id="if://guardian/alice",
        time_stamp=START,
        random=1,
        challenge=challenge,
    )
    sent = [Sent(alice.signed(message), time=NOW), Sent(answer, GATEKEEPER, TERMINAL, NOW)]
    result = decode(files.capture(capture(sent)), *files.options, "--json")
    assert verdicts(result) == ["good", "wrong challenge"]
    assert words in problem(result, 1)


def test_another_gatekeepers_answer(decode: Decode, files: Files, alice: Terminal) -> None:
    answer = Evening().ask(alice, alice.registration())
    capture_file = files.capture(capture([Sent(answer, GATEKEEPER, TERMINAL, NOW)]))
    unknown = decode(capture_file, "--registry", str(files.registry), "--gatekeeper-identifier", "other", "--json")
    assert verdicts(unknown) == ["wrong generalID"]
    assert "answers" not in unknown.messages[0]
    assert unknown.messages[0]["request_missing"] is True


def test_a_replay_stays_one_when_it_is_sent_again(decode: Decode, files: Files, alice: Terminal) -> None:
    datagram = alice.signed(alice.registration())
    other = ("192.0.2.166", 1719)
    sent = [Sent(datagram, time=NOW), Sent(datagram, other, time=NOW), Sent(datagram, other, time=NOW + MILLISECOND)]
    result = decode(files.capture(capture(sent)), *files.options, "--json")
    assert verdicts(result) == ["good", "replay", "replay"]


def test_nobody_can_spend_a_number_for_somebody_else(decode: Decode, files: Files, alice: Terminal) -> None:
    datagram = alice.signed(alice.registration())
    forged = bytearray(datagram)
    forged[datagram.index("alice".encode("utf-16-be")) + 1] ^= 1
    sent = [Sent(bytes(forged), ("192.0.2.166", 1719), time=NOW), Sent(datagram, time=NOW)]
    result = decode(files.capture(capture(sent)), *files.options, "--json")
    assert verdicts(result) == ["bad signature", "good"]


# Pairing


def numbers(result: Result, field: str) -> list[object]:
    return [one.get(field) for one in result.messages]


def exchange(*times: int) -> bytes:
    """A DRQ at these milliseconds, and its answer one behind the last."""
    message = Terminal("alice").disengagement()
    sent = [Sent(encode(message), time=time * MILLISECOND) for time in times]
    return capture([*sent, Sent(confirmed(message), GATEKEEPER, TERMINAL, (times[-1] + 1) * MILLISECOND)])


def test_a_retransmission_counts_from_the_first(decode: Decode, files: Files) -> None:
    result = decode(files.capture(exchange(0, 200, 600)), "--json")
    assert numbers(result, "retransmission_of") == [None, 1, 1, None]
    assert result.messages[3]["round_trip_ms"] == 601
    assert "after 3 attempts" in decode(files.capture(exchange(0, 200, 600))).out
    assert result.summary["retransmissions"] == 2


def cooked(sent: Sent, interface: int) -> bytes:
    """A frame of `tcpdump -i any`."""
    return b"\x08\x00\0\0" + interface.to_bytes(4, "big") + bytes(12) + ipv4(sent)


@pytest.mark.parametrize(("other", "milliseconds", "again"), [(3, 1, True), (2, 1, False), (3, 200, False)])
def test_the_same_packet_on_two_interfaces_is_no_retransmission(
    decode: Decode, files: Files, other: int, milliseconds: int, again: bool
) -> None:
    sent = Sent(encode(Terminal("alice").disengagement()))
    frames = [(NOW, cooked(sent, 2)), (NOW + milliseconds * MILLISECOND, cooked(sent, other))]
    path = files.capture(pcap(frames, 276))
    result = decode(path, "--json")
    assert numbers(result, "captured_again") == [None, 1 if again else None]
    assert numbers(result, "retransmission_of") == [None, None if again else 1]
    assert result.summary["retransmissions"] == (0 if again else 1)
    assert ("#1 on another interface" in decode(path, "--brief").out) == again


def test_a_number_is_used_again_for_another_request(decode: Decode, files: Files) -> None:
    terminal = Terminal("alice")
    first, second = (encode(replace(terminal.disengagement(call), request_seq_num=1)) for call in (1, 2))
    answer = Sent(encode(DisengageConfirm(request_seq_num=1)), GATEKEEPER, TERMINAL, 3 * MILLISECOND)
    octets = capture([Sent(first, time=MILLISECOND), Sent(second, time=2 * MILLISECOND), answer])
    result = decode(files.capture(octets), "--json")
    assert numbers(result, "answers") == [None, None, 2]
    (silence,) = (line for line in result.lines if line["event"] == "unanswered")
    assert (silence["frame"], silence["message"], silence["requestSeqNum"]) == (1, "DRQ", 1)


def test_two_different_answers_contradict(decode: Decode, files: Files) -> None:
    message = Terminal("alice").disengagement()
    reject = DisengageReject(request_seq_num=message.request_seq_num, reject_reason=("notRegistered", None))
    octets = [encode(message), confirmed(message), encode(reject)]
    sent = [Sent(octets[0])] + [Sent(one, GATEKEEPER, TERMINAL) for one in octets[1:]]
    result = decode(files.capture(capture(sent)), "--json")
    assert numbers(result, "contradicts") == [None, None, 2]
    assert result.messages[2]["reason"] == "notRegistered"


def test_a_request_in_progress_is_not_yet_the_answer(decode: Decode, files: Files) -> None:
    message = Terminal("alice").disengagement()
    progress = encode(RequestInProgress(request_seq_num=message.request_seq_num, delay=500))
    octets = capture([Sent(encode(message)), Sent(progress, GATEKEEPER, TERMINAL)])
    result = decode(files.capture(octets), "--json")
    assert numbers(result, "answers") == [None, 1]
    assert result.summary["unanswered"] == 1


def test_both_sides_ask(decode: Decode, files: Files) -> None:
    """The gatekeeper asks, the terminal answers; an IRR that wants to be acknowledged is a request besides."""
    ask = InfoRequest(request_seq_num=9, call_reference_value=0)
    registration = Terminal("alice").registration()
    tell = InfoRequestResponse(
        request_seq_num=9,
        endpoint_type=registration.terminal_type,
        endpoint_identifier="A",
        ras_address=registration.ras_address[0],
        call_signal_address=(),
        need_response=True,
    )
    ends = UnregistrationRequest(request_seq_num=10, call_signal_address=())
    down, up = (GATEKEEPER, TERMINAL), (TERMINAL, GATEKEEPER)
    sent = [(ask, down), (tell, up), (InfoRequestAck(request_seq_num=9), down), (ends, down)]
    result = decode(files.capture(capture([Sent(encode(one), *way) for one, way in sent])), "--json")
    assert numbers(result, "message") == ["IRQ", "IRR", "IACK", "URQ"]
    assert numbers(result, "answers") == [None, 1, 2, None]
    assert result.summary["unanswered"] == 1


def test_digits_without_addresses_are_paired_by_number(decode: Decode) -> None:
    message = Terminal("alice").disengagement()
    text = f"{encode(message).hex()}\n{confirmed(message).hex()}\n"
    result = decode("-", "--json", stdin=text.encode())
    assert numbers(result, "answers") == [None, 1]
    assert "round_trip_ms" not in result.messages[1]


# Filters


def test_filters_find_answers_by_their_requests(decode: Decode, files: Files) -> None:
    path = files.capture(capture(evening()))
    whole = decode(path, "--json").messages
    call = whole[4]["fields"]["callIdentifier"]
    found = decode(path, "--json", "--call", str(call)[:10].upper()).messages
    assert numbers_of(found) == [5, 6, 7, 8, 11, 12, 24, 25]
    bob = decode(path, "--json", "--terminal", "bob").messages
    assert numbers_of(bob) == [17, 18, 19, 20]
    assert numbers_of(decode(path, "--json", "--terminal", "if://guardian/bob").messages) == [17, 18, 19, 20]
    assert numbers_of(decode(path, "--json", "--only", "dcf, URQ").messages) == [25]
    assert decode(path, *files.options, "--only", "DRQ,DCF").code == 0


def numbers_of(messages: list[dict[str, object]]) -> list[object]:
    return [one["frame"] for one in messages]


def test_bad_shows_the_request_of_a_refusal_too(decode: Decode, files: Files) -> None:
    result = decode(files.capture(capture(evening())), "--json", "--bad")
    assert numbers_of(result.messages)[:4] == [9, 10, 11, 12]
    assert result.summary["not_shown"] == len(evening()) - len(result.messages)
    refusals = decode(files.capture(capture(evening())), "--json", "--bad", "--only", "ARJ")
    assert {one["message"] for one in refusals.messages} == {"ARJ"}


# Personal data


def test_personal_data_is_shown_only_when_asked_for(decode: Decode, files: Files, alice: Terminal) -> None:
    named = replace(
        alice.admission(1, CallProfile(purpose=PURPOSE)),
        src_info=(("h323-ID", "Anna Example"), ("email-ID", "anna@example.org")),
    )
    path = files.capture(capture([Sent(encode(named))]))
    for options in ([], ["--json"]):
        said = decode(path, *options).out
        assert "nna" not in said
        assert "nna" in decode(path, *options, "--show-personal").out
    assert "purpose (hidden, 22 characters; --show-personal shows it)" in decode(path).out
    assert f"purpose {PURPOSE}" in decode(path, "--show-personal").out


def test_every_vector_can_be_shown(decode: Decode) -> None:
    """What the standard has, the tool can show: each of the shared vectors, in both forms."""
    data = Path(__file__).parents[3] / "h323" / "tests" / "data" / "h225_ras.json"
    vectors = json.loads(data.read_text())
    text = "\n".join(f"{digits} # {name}" for name, digits in vectors.items())
    result = decode("-", "--json", "--show-personal", stdin=text.encode())
    assert (result.code, len(result.messages)) == (0, len(vectors))
    readable = decode("-", stdin=text.encode())
    assert readable.out.count("\n\n") == len(vectors)
