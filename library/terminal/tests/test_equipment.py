"""Equipment that can't sign, against a running gatekeeper with the registry entries and passwords for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from h323.h235 import password_key, sign_hash
from h323.ras import RegistrationConfirm, encode
from terminal.cli import main
from terminal.core import Confirmed, Endpoint, Equipment, Finished, Ignored, Prepared

from .conftest import Service
from .pair import START, random_source

ENTRIES = """\
  - terminal_id: if://guardian/room
    aliases: [room]
    role: guardian
    status: active
    registered_at: "2026-01-01T00:00:00Z"
    authentication: password
    networks: [127.0.0.0/8]
  - terminal_id: if://guardian/phone
    aliases: [phone]
    role: guardian
    status: active
    registered_at: "2026-01-01T00:00:00Z"
    authentication: none
    networks: [127.0.0.0/8]
"""
PASSWORD = "four words nobody guesses"


@pytest.fixture(scope="module")
def equipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("equipment")
    service = Service(folder)
    with service.registry.open("a") as registry:
        registry.write(ENTRIES)
    passwords = folder / "passwords.yaml"
    passwords.write_text(f"if://guardian/room: {PASSWORD}\n")
    passwords.chmod(0o600)
    (folder / "password").write_text(PASSWORD + "\n")
    service.start("--passwords", str(passwords))
    yield service
    service.stop()


def run(service: Service, capsys: pytest.CaptureFixture[str], what: str, *more: str) -> tuple[int, dict[str, Any]]:
    state = str(service.registry.parent / f"{more[1]}.json".replace("/", "_"))
    arguments = [what, "--gatekeeper", f"127.0.0.1:{service.port}", "--state", state, *more, "--json"]
    code = main(arguments)
    fields: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, fields


def test_rooms_and_phones_live_with_guardians(equipped: Service, capsys: pytest.CaptureFixture[str]) -> None:
    folder = equipped.registry.parent
    for who in (
        ("--id", "if://guardian/room", "--password-file", str(folder / "password")),
        ("--id", "if://guardian/phone", "--unsigned"),
    ):
        for what in ("discover", "register", "keepalive", "admit", "disengage", "unregister"):
            code, fields = run(equipped, capsys, what, *who)
            assert (code, fields["result"]) == (0, "Confirmed"), f"{what} {fields}"
    assert main(equipped.council_arguments("smoke", "--guardians", "2")) == 0


@pytest.mark.parametrize("who", ["room", "guardian-01", "nobody"])
def test_who_proves_nothing_is_refused_where_something_is_asked_for(
    equipped: Service, capsys: pytest.CaptureFixture[str], who: str
) -> None:
    code, fields = run(equipped, capsys, "register", "--id", f"if://guardian/{who}", "--unsigned")
    assert (code, fields["result"], fields["refusal"]) == (1, "Refused", "INVALID_SIGNATURE")
    assert fields["reason"] == "securityDenial"


def test_who_signs_needs_the_gatekeepers_key(equipped: Service, capsys: pytest.CaptureFixture[str]) -> None:
    key = str(equipped.keys / "guardian-01.pem")
    code, fields = run(equipped, capsys, "register", "--id", "if://guardian/guardian-01", "--key", key)
    assert code == 2
    assert "give --gatekeeper-key" in fields["problem"]


# Datagrams that don't count


def equipment(key: bytes | None) -> Equipment:
    return Equipment("if://guardian/room", "guardian-council", key, ("192.0.2.101", 1719), random_source("room"))


def rcf(prepared: Prepared[RegistrationConfirm]) -> RegistrationConfirm:
    return RegistrationConfirm(
        request_seq_num=prepared.request_seq_num,
        protocol_identifier="0.0.8.2250.0.7",
        call_signal_address=(),
        endpoint_identifier="0123456789ABCDEF",
        will_respond_to_irr=False,
        maintain_connection=False,
    )


GOOD: dict[str, Any] = {
    "key": password_key(PASSWORD),
    "senders_id": "guardian-council",
    "general_id": "room",
    "time_stamp": int(START.unix),
    "random": 1,
}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"key": password_key("a guess")}, Ignored.BAD_SIGNATURE),
        ({"senders_id": "elsewhere"}, Ignored.OTHER_GATEKEEPER),
        ({"general_id": "hall"}, Ignored.OTHER_ADDRESSEE),
        ({"time_stamp": int(START.unix) - 31}, Ignored.STALE),
    ],
)
def test_an_answer_with_another_hash_is_ignored(changed: dict[str, Any], why: Ignored) -> None:
    endpoint = equipment(GOOD["key"])
    prepared = endpoint.prepare(endpoint.registration(), START.unix)
    endpoint.send(prepared, START)
    assert endpoint.receive(sign_hash(rcf(prepared), **(GOOD | changed)), START) == []
    assert endpoint.receive(encode(rcf(prepared)), START) == []
    assert endpoint.ignored == {why: 1, Ignored.UNSIGNED: 1}
    (finished,) = endpoint.receive(sign_hash(rcf(prepared), **GOOD), START)
    assert isinstance(finished, Finished)
    assert isinstance(finished.outcome, Confirmed)
    assert endpoint.endpoint_identifier == "0123456789ABCDEF"


@pytest.mark.parametrize("key", [None, GOOD["key"]])
def test_noise_is_ignored(key: bytes | None) -> None:
    endpoint: Endpoint = equipment(key)
    assert endpoint.receive(b"\xff" * 20, START) == []
    assert endpoint.ignored == {Ignored.MALFORMED: 1}
