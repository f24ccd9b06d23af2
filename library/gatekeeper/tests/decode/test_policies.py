"""Equipment that doesn't sign: password tokens (H.235.1) and the network alone, as the registry's policies have it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from gatekeeper.registry import Registry, parse_registry
from h323.h235 import password_key, sign_hash
from h323.ras import RasMessage, RegistrationConfirm, encode
from h323.ras import decode as decode_message

from .captures import Sent, capture
from .conftest import Decode, Files, Result, key_entry
from .council import IDENTIFIER, START, Evening, Terminal, registry

PASSWORDS = {"if://guardian/room": "correct horse battery", "if://guardian/hall": "staple correct horse"}
NOW = START * 10**9


def entry(name: str, authentication: str, **fields: object) -> dict[str, object]:
    return {
        "terminal_id": f"if://guardian/{name}",
        "aliases": [name],
        "role": "guardian",
        "status": "active",
        "registered_at": "2026-01-01T00:00:00Z",
        "authentication": authentication,
        **fields,
    }


REGISTRY = yaml.safe_dump(
    {
        "version": 1,
        "guardians": [
            entry("alice", "signed", keys=[key_entry("alice")]),
            entry("room", "password", networks=["192.0.2.0/24"]),
            entry("hall", "password", networks=["192.0.2.0/24"]),
            entry("kiosk", "none", networks=["192.0.2.200/32"]),
        ],
    }
)


@pytest.fixture
def keys(files: Files) -> list[str]:
    files.registry.write_text(REGISTRY, encoding="utf-8")
    passwords = files.folder / "passwords.yaml"
    passwords.write_text(yaml.safe_dump(PASSWORDS), encoding="utf-8")
    passwords.chmod(0o600)
    return [*files.options, "--passwords", str(passwords)]


def council() -> Registry:
    keys = {name: password_key(password) for name, password in PASSWORDS.items()}
    return parse_registry(REGISTRY.encode(), "registry.yaml", keys)


class Room:
    """A room system that knows a password, and no more of us than H.235.1."""

    def __init__(self, evening: Evening, name: str = "room", knows: str | None = None) -> None:
        self.terminal = Terminal(name, 110)
        self._evening = evening
        self._sender = name
        self._key = password_key(PASSWORDS[f"if://guardian/{knows or name}"])

    def hashed(self, message: RasMessage, general_id: str | None = IDENTIFIER) -> bytes:
        unix = self._evening.unix + 1
        return sign_hash(
            message, key=self._key, senders_id=self._sender, general_id=general_id, time_stamp=unix, random=unix % 1_000
        )

    def register(self) -> None:
        answer = decode_message(self._evening.carry(self.terminal, self.hashed(self.terminal.registration())))
        assert isinstance(answer, RegistrationConfirm)
        # From now on the endpointIdentifier is its name (H.235.1).
        self._sender = self.terminal.endpoint.endpoint_identifier = answer.endpoint_identifier


def verdicts(result: Result) -> list[tuple[object, object]]:
    signatures = [one["signature"] for one in result.messages]
    return [(one["verdict"], one["key"]) for one in signatures if isinstance(one, dict)]


def test_a_room_and_the_gatekeeper_prove_themselves_by_its_password(
    decode: Decode, files: Files, keys: list[str]
) -> None:
    evening = Evening(council())
    room = Room(evening)
    room.register()
    evening.carry(room.terminal, room.hashed(room.terminal.admission()))
    evening.carry(room.terminal, room.hashed(room.terminal.disengagement()))
    path = files.capture(capture(evening.sent))
    result = decode(path, *keys, "--json")
    assert [one["message"] for one in result.messages] == ["RRQ", "RCF", "ARQ", "ACF", "DRQ", "DCF"]
    assert verdicts(result) == [("good", "the password of if://guardian/room")] * 6
    assert {one["terminal"] for one in result.messages} == {"if://guardian/room"}
    assert result.code == 0
    assert "token                     of H.235.1, sendersID room, generalID guardian-council" in decode(path, *keys).out
    unchecked = decode(path, *files.options, "--json")
    assert (unchecked.code, verdicts(unchecked)) == (0, [("not checked", None)] * 6)


def test_a_wrong_password(decode: Decode, files: Files, keys: list[str]) -> None:
    evening = Evening(council())
    wrong = Room(evening, "room", knows="hall")
    evening.carry(wrong.terminal, wrong.hashed(wrong.terminal.registration()))
    result = decode(files.capture(capture(evening.sent)), *keys, "--only", "RRQ", "--json")
    assert (result.code, verdicts(result)) == (1, [("wrong password", None)])
    text = decode(files.capture(capture(evening.sent)), *keys, "--only", "RRQ").out
    assert "made with the password of if://guardian/hall, not of if://guardian/room" in text
    changed = bytearray(evening.sent[0].octets)
    changed[-1] ^= 1
    result = decode(files.capture(capture([Sent(bytes(changed), time=NOW)])), *keys)
    assert (
        "WRONG PASSWORD: the hash holds for no password of if://guardian/room, or the message was altered" in result.out
    )


def test_a_password_where_a_signature_is_due(decode: Decode, files: Files, keys: list[str]) -> None:
    evening = Evening(council())
    alice = Room(evening, "alice", knows="room")
    evening.send(alice.terminal, alice.hashed(alice.terminal.registration()))
    result = decode(files.capture(capture(evening.sent)), *keys, "--json")
    assert verdicts(result) == [("wrong policy", None)]


def test_a_signature_where_a_password_is_due(decode: Decode, files: Files, keys: list[str]) -> None:
    room = Terminal("room")
    datagram = room.signed(room.registration())
    result = decode(files.capture(capture([Sent(datagram, time=NOW)])), *keys)
    assert "UNKNOWN KEY: the registry wants authentication: password of this sender" in result.out


def test_the_network_alone(decode: Decode, files: Files, keys: list[str]) -> None:
    kiosk = Terminal("kiosk", 200)
    sent = Sent(encode(kiosk.registration()), kiosk.source, time=NOW)
    result = decode(files.capture(capture([sent])), *keys, "--json")
    assert (result.code, verdicts(result)) == (0, [("good", "its network alone")])
    elsewhere = replace(sent, source=("192.0.2.7", 1719))
    result = decode(files.capture(capture([elsewhere])), *keys)
    assert result.code == 1
    assert "WRONG NETWORK: 192.0.2.7 is in none of the networks of if://guardian/kiosk" in result.out


def test_answers_to_strangers_need_no_signature(decode: Decode, files: Files, keys: list[str]) -> None:
    evening = Evening(registry())
    alice = Terminal("alice")
    evening.carry(alice, encode(alice.admission()))
    result = decode(files.capture(capture(evening.sent)), *keys, "--only", "ARJ", "--json")
    assert result.code == 0
    assert result.messages[0]["refusal"] is not None


def test_passwords_that_cannot_be_used(decode: Decode, keys: list[str]) -> None:
    passwords = Path(keys[-1])
    assert decode("00", "--passwords", str(passwords)).err == (
        "--passwords FILE needs --registry FILE, which says whose they are\n"
    )
    passwords.write_text("if://guardian/room: short\n")
    result = decode("00", *keys)
    assert result.code == 2
    assert "has not 12 to 128 characters" in result.err
    assert "short" not in result.err
