"""witness_ship and witness_log_info, by their own main(), the real program and real logs on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from library.witness.tests.log.scene import STREAM, Keys, day_file, published, write

from .running import PROGRAM, run

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("witness_ship", "witness_log_info")


class Host:
    """A replica's folder, an archive's and a policy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.replica, self.archive, self.policy = folder / "gk1", folder / "archive", folder / "policy"
        self.keys = Keys()
        self.policy.write_text(self.keys.policy_text())
        self.size = 0
        self.grow(300)

    def grow(self, count: int) -> None:
        write(self.replica, self.size, count)
        self.size += count
        published(self.replica, self.keys)

    @property
    def ship(self) -> dict[str, Any]:
        """The module's parameters."""
        return {"source": self.replica, "archive": self.archive, "policy": self.policy, "wait": 0.0}

    @property
    def info(self) -> dict[str, Any]:
        # Records of this log are from a day on which nobody has cosigned it yet.
        return {"directory": self.archive / STREAM.folder, "policy": self.policy, "max_age": 1e9}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


class TestShip:
    def test_changed_is_records_sent(self, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
        first = run(capsys, "witness_ship", **host.ship)
        assert (first["changed"], first["sent"]) == (True, 300)
        assert first["diff"]["before"] == {"h323_ras": 0, "gateway": 0, "failover": 0}
        assert first["diff"]["after"] == {"h323_ras": 300, "gateway": 0, "failover": 0}
        second = run(capsys, "witness_ship", **host.ship)
        assert (second["changed"], second["sent"]) == (False, 0)
        assert second["diff"]["before"] == second["diff"]["after"]
        host.grow(7)
        third = run(capsys, "witness_ship", **host.ship, streams=["h323_ras"])
        assert third["streams"] == {"h323_ras": {"before": 300, "after": 307, "sent": 7}}
        assert day_file(host.archive).read_bytes() == day_file(host.replica).read_bytes()

    def test_check_mode_foretells_it_and_writes_nothing(self, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
        foretold = run(capsys, "witness_ship", check=True, **host.ship)
        assert not host.archive.exists()
        assert not (host.replica / STREAM.folder / "shipped").exists()
        done = run(capsys, "witness_ship", **host.ship)
        assert {key: done[key] for key in ("changed", "sent", "streams", "diff")} == {
            key: foretold[key] for key in ("changed", "sent", "streams", "diff")
        }
        assert run(capsys, "witness_ship", check=True, **host.ship)["changed"] is False

    @pytest.mark.parametrize("mark", [True, False])
    def test_a_mark_is_left_if_it_is_wanted(self, host: Host, capsys: pytest.CaptureFixture[str], mark: bool) -> None:
        run(capsys, "witness_ship", **host.ship, mark=mark)
        assert (host.replica / STREAM.folder / "shipped").exists() is mark

    def test_a_fork_fails_and_says_where_the_evidence_is(self, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
        run(capsys, "witness_ship", **host.ship)
        (host.folder / "other").mkdir()
        other = Host(host.folder / "other")
        other.keys = host.keys
        write(other.folder / "gk2", 0, 400, text="DRQ")
        published(other.folder / "gk2", host.keys)
        failed = run(capsys, "witness_ship", **{**host.ship, "source": other.folder / "gk2"})
        assert failed["failed"]
        assert failed["changed"] is False
        assert [each["kind"] for each in failed["errors"]] == ["fork"]
        assert "both checkpoints are kept in evidence/h323_witness/fork-" in failed["msg"]
        assert len(list((host.archive / "evidence").rglob("*.checkpoint"))) == 2

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"executable": "/nowhere/h323-witness"}, "install the release"),
            ({"policy": "/nowhere/policy"}, "/nowhere/policy: cannot be read"),
            ({"source": "/nowhere"}, "/nowhere is no folder"),
            ({"source": "http://127.0.0.1:1"}, "an https address"),
            ({"source": "https://127.0.0.1:1", "ca": "/nowhere/ca.pem"}, "/nowhere/ca.pem: cannot be used"),
            ({"source": "-x"}, "-x is no folder"),
            ({"executable": "/bin/true"}, "does not answer in JSON"),
            ({"streams": ["nothing"]}, "value of streams must be one or more of"),
        ],
    )
    def test_errors_say_what_to_do(
        self, host: Host, capsys: pytest.CaptureFixture[str], changed: dict[str, Any], told: str
    ) -> None:
        failed = run(capsys, "witness_ship", **{**host.ship, **changed})
        assert failed["failed"]
        assert told in failed["msg"]
        assert not host.archive.exists()


class TestInfo:
    def test_it_says_what_an_archive_has(self, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
        run(capsys, "witness_ship", **host.ship)
        for check in (False, True):
            answer = run(capsys, "witness_log_info", check=check, **host.info)
            stream = answer["streams"]["h323_ras"]
            assert (answer["changed"], answer["verdict"]) == (False, "good")
            assert {key: stream[key] for key in ("records", "first", "uncovered", "verdict", "findings")} == {
                "records": 300,
                "first": 0,
                "uncovered": 0,
                "verdict": "good",
                "findings": [],
            }
            assert stream["origin"] == "council.example/h323_ras"
            assert stream["checkpoint"]["size"] == 300
            assert stream["checkpoint"]["cosigned"] == {"wit1": "2027-01-15T12:00:00Z"}
            assert isinstance(stream["age"], int)

    def test_what_is_wrong_is_an_answer(self, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
        run(capsys, "witness_ship", **host.ship)
        path = day_file(host.archive)
        path.write_bytes(path.read_bytes().replace(b"ARQ", b"ARK", 1))
        answer = run(capsys, "witness_log_info", **host.info)
        assert answer["verdict"] == "tampered"
        assert "record 0 is not the one signed" in answer["streams"]["h323_ras"]["findings"][0]["text"]

    def test_a_folder_that_is_none_fails(self, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
        assert "/nowhere" in run(capsys, "witness_log_info", **{**host.info, "directory": "/nowhere"})["msg"]


@pytest.fixture(scope="module")
def documentation() -> dict[str, Any]:
    command = [Path(sys.executable).with_name("ansible-doc"), "--type", "module", "--json", *MODULES]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", MODULES)
class TestDocumentation:
    def test_ansible_doc_shows_it(self, documentation: dict[str, Any], name: str) -> None:
        found = documentation[name]
        assert found["doc"]["short_description"]
        assert yaml.safe_load(found["examples"])
        assert found["return"]

    def test_options_are_those_that_main_takes(self, documentation: dict[str, Any], name: str) -> None:
        module = __import__(f"plugins.modules.{name}", fromlist=["SPEC"])
        kinds = ("type", "required", "default", "choices", "elements")
        told = {
            option: {kind: value[kind] for kind in kinds if value.get(kind) is not None and value[kind] is not False}
            for option, value in documentation[name]["doc"]["options"].items()
        }
        assert told == {
            option: {kind: value for kind, value in spec.items() if value is not False}
            for option, spec in module.SPEC.items()
        }


def test_ansible_runs_it_from_this_folder(host: Host) -> None:
    """With ansible.cfg's paths: the module and what it shares with others are found and sent."""
    given = json.dumps({**{key: str(value) for key, value in host.ship.items()}, "executable": str(PROGRAM)})
    command = [Path(sys.executable).with_name("ansible"), "localhost", "-i", "localhost,", "-c", "local", "-e"]
    # The hosts' own; ansible can't run one in a folder with a blank in its name, which this environment's may have.
    command += ["ansible_python_interpreter=/usr/bin/python3", "-m", "witness_ship", "-a", given, "--check"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sent: 300" in done.stdout
