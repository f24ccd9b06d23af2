"""The cosigner's real process: HTTPS octets in, statuses out."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from witness.cosigner.request import MAX_OCTETS

from library.witness.tests.log.certificates import Authority

from .house import PROGRAM, Answer, Client, Process
from .submissions import GATEWAY, ORIGIN, Tree, cosigned_at, request

TREE = Tree(60)
FORK = Tree(60, fork="x", forked_at=7)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


@pytest.fixture
def cosigner(tmp_path: Path, authority: Authority) -> Iterator[Process]:
    process = Process(tmp_path, authority, submitters=["gk1", "gk2"])
    process.start()
    yield process
    process.stop()


@pytest.fixture
def gk1(cosigner: Process) -> Iterator[Client]:
    client = cosigner.client("gk1")
    yield client
    client.close()


def test_each_status_as_the_specification_has_it(cosigner: Process, gk1: Client) -> None:
    first = gk1.post(TREE.submission(0, 10))
    assert first.status == 200
    assert cosigned_at(TREE.note(10), first.body) > 1_700_000_000
    conflict = Answer(409, b"10\n", "text/x.tlog.size")
    assert gk1.post(TREE.submission(0, 20)) == conflict
    assert gk1.post(TREE.submission(9, 20)) == conflict
    assert gk1.post(FORK.submission(10, 10)) == conflict
    stranger = request(0, [], Tree(3).note(3).replace(ORIGIN.encode(), b"elsewhere.example/log"))
    for status, body in (
        (422, FORK.submission(10, 20)),
        (422, request(10, [], TREE.note(20))),
        (400, b"old ten\n\n" + TREE.note(20)),
        (400, request(21, [], TREE.note(20))),
        (400, b""),
        (403, request(0, [], Tree(3).note(3).replace(ORIGIN.encode(), b"council.example/gateway", 1))),
        (404, stranger),
        (413, b"x" * (MAX_OCTETS + 1)),
    ):
        assert gk1.post(body).status == status
    assert gk1.post(TREE.submission(10, 20)).status == 200
    assert gk1.post(TREE.submission(20, 20)).status == 200
    assert gk1.post(Tree(4, signer=GATEWAY).submission(0, 4)).status == 200
    metrics = cosigner.metrics()
    assert metrics[f'h323_witness_cosigner_size{{origin="{ORIGIN}"}}'] == 20
    assert metrics[f'h323_witness_cosigner_forks{{origin="{ORIGIN}"}}'] == 3
    assert metrics[f'h323_witness_forks_total{{origin="{ORIGIN}"}}'] == 3
    assert metrics['h323_witness_cosigner_requests_total{status="409"}'] == 3
    assert metrics['h323_witness_cosigner_forks{origin="council.example/gateway"}'] == 0


def test_what_is_packed_is_no_request(gk1: Client) -> None:
    assert gk1.post(TREE.submission(0, 10), **{"Content-Encoding": "gzip"}).status == 200
    assert gk1.post(b"\x1f\x8b\x08", **{"Content-Encoding": "gzip"}).status == 400


def test_other_methods_and_paths(gk1: Client) -> None:
    assert gk1.post(b"", method="GET").status == 405
    assert gk1.post(TREE.submission(0, 10), path="/").status == 404


def test_who_may_submit(cosigner: Process, tmp_path: Path) -> None:
    other = cosigner.client("mcu1")
    assert other.post(TREE.submission(0, 10)).status == 403
    other.close()
    for name in ("gk1", "gk2"):
        client = cosigner.client(name)
        assert client.post(TREE.submission(0, 10)).status in {200, 409}
        client.close()
    stranger = Client(cosigner.port, Authority(tmp_path / "other").issue("gk1"))
    with pytest.raises((ssl.SSLError, OSError)):
        stranger.post(TREE.submission(0, 10))
    stranger.close()
    context = ssl.create_default_context(cafile=str(tmp_path / "pki" / "ca.pem"))
    bare = http.client.HTTPSConnection("127.0.0.1", cosigner.port, context=context, timeout=10)
    with pytest.raises((ssl.SSLError, OSError)):
        submit_bare(bare)
    bare.close()


def submit_bare(connection: http.client.HTTPSConnection) -> None:
    connection.request("POST", "/add-checkpoint", TREE.submission(0, 10))
    connection.getresponse()


def test_the_evidence_says_who_submitted_and_stays(cosigner: Process, gk1: Client) -> None:
    gk1.post(TREE.submission(0, 10))
    gk2 = cosigner.client("gk2")
    assert gk2.post(FORK.submission(0, 10)).status == 409
    gk2.close()
    (path,) = (cosigner.state / "evidence").iterdir()
    told = json.loads(path.read_text())
    assert (told["kind"], told["submitter"], told["address"]) == ("fork", "gk2", "127.0.0.1")
    cosigner.stop()
    cosigner.start()
    assert cosigner.metrics()[f'h323_witness_cosigner_forks{{origin="{ORIGIN}"}}'] == 1
    again = cosigner.client()
    assert again.post(FORK.submission(10, 20)).status == 422
    assert again.post(TREE.submission(10, 20)).status == 200
    again.close()


def test_sigterm_ends_it_and_a_second_one_does_not_start(cosigner: Process) -> None:
    second = subprocess.run([PROGRAM, "--config", cosigner.config], capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert "another cosigner works in" in second.stderr
    assert cosigner.stop() == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, ""),
        ({"key": "/proc/none"}, "key /proc/none: No such file or directory; let it be read"),
        ({"logs": []}, "logs must be texts, at least one"),
        ({"logs": ["council.example/x+1234+AAAA"]}, "write what h323-witness vkey FILE prints"),
        ({"submitters": "gk1"}, "submitters is 'gk1'; write submitters: [gk1, gk2]"),
        ({"wrong": 1}, "wrong is not a setting of this service; remove it"),
        ({"listen": {"address": "here", "port": 1}}, "listen.address is 'here'"),
        ({"metrics": {"address": "192.0.2.13"}}, "metrics leave this host unprotected"),
    ],
)
def test_check_reads_settings_and_touches_nothing(
    tmp_path: Path, authority: Authority, change: dict[str, object], told: str
) -> None:
    process = Process(tmp_path, authority)
    process.config.write_text(yaml.safe_dump(process.values | change))
    checked = subprocess.run(
        [PROGRAM, "--check", "--config", process.config], capture_output=True, text=True, check=False
    )
    assert checked.returncode == (2 if told else 0), checked.stderr
    assert told in checked.stderr
    assert list(process.state.iterdir()) == []


def test_a_log_s_key_is_no_cosigner_s(tmp_path: Path, authority: Authority) -> None:
    process = Process(tmp_path, authority)
    (tmp_path / "key").write_text(GATEWAY.skey)
    checked = subprocess.run(
        [PROGRAM, "--check", "--config", process.config], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 2
    assert "is not one cosigner's" in checked.stderr
