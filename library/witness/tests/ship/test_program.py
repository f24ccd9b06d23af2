"""The program itself: from a folder, and from a real log service over mutual TLS; killed at any sync."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from witness.cli import main
from witness.day_files.markers import SHIPPED, read_marker
from witness.ship import FolderArchive

from library.witness.tests.log.council import Council, Host, council, until
from library.witness.tests.log.scene import STREAM, Keys, day_file, published, write

KEYS = Keys()
PROGRAM = Path(sys.executable).with_name("h323-witness")
_KILL_AT_SYNC = """
import os, signal, sys
from witness.cli import main
left, sync = int(sys.argv[1]), os.fsync
def dying(descriptor):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(descriptor)
os.fsync = dying
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def replica(tmp_path: Path) -> Path:
    folder = tmp_path / "gk1"
    write(folder, 0, 300)
    published(folder, KEYS)
    (tmp_path / "policy").write_text(KEYS.policy_text())
    return folder


def arguments(replica: Path, *more: str) -> list[str]:
    folder = replica.parent
    return ["ship", str(replica), str(folder / "archive"), "--policy", str(folder / "policy"), "--wait", "0", *more]


def ship(capsys: pytest.CaptureFixture[str], replica: Path, *more: str, code: int = 0) -> Any:
    assert main([*arguments(replica, "--json"), *more]) == code
    return json.loads(capsys.readouterr().out)


def test_json_says_what_was_sent_in_each_stream(replica: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = {"before": 0, "after": 0, "sent": 0}
    streams = {"h323_ras": {"before": 0, "after": 300, "sent": 300}, "gateway": nothing, "failover": nothing}
    assert ship(capsys, replica, "--check") == {"check": True, "sent": 300, "streams": streams, "errors": []}
    assert not (replica.parent / "archive").exists()
    assert ship(capsys, replica) == {"check": False, "sent": 300, "streams": streams, "errors": []}
    streams["h323_ras"] = {"before": 300, "after": 300, "sent": 0}
    assert ship(capsys, replica) == {"check": False, "sent": 0, "streams": streams, "errors": []}
    assert read_marker(replica / STREAM.folder, SHIPPED, STREAM.name) == 300


def test_an_archive_of_a_log_with_empty_streams_verifies(replica: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ship(capsys, replica)
    assert main(["verify", str(replica.parent / "archive"), "--policy", str(replica.parent / "policy")]) == 0


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_no_refusal_and_hides_none(
    replica: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = replica.parent / "ship.prom"
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        told = ship(capsys, replica, "--no-mark", code=2)
    assert {each["kind"] for each in told["errors"]} == {"archive"}
    ship(capsys, replica, "--no-mark")
    other = replica.parent / "other"
    write(other, 0, 301, text="BRQ")
    published(other, KEYS)
    command = arguments(replica, "--json", "--no-mark", "--stream", "h323_ras", "--metrics", str(path))
    command[1] = str(other)
    with monkeypatch.context() as patched:
        patched.setattr(FolderArchive, "_replace", full)
        assert main(command) == 1
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert error["kind"] == "fork"
    assert "by hand" in error["text"]
    assert 'refused{stream="h323_ras"} 1' in path.read_text()


def test_people_are_told_too(replica: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(replica, "--stream", "h323_ras", "--no-mark")) == 0
    assert capsys.readouterr().out == "h323_ras  300 records, 300 of them new\n"
    assert not (replica / STREAM.folder / SHIPPED).exists()


def test_prometheus_is_told_when_and_how_far_behind(replica: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = replica.parent / "ship.prom"

    def told() -> dict[str, float]:
        lines = [line for line in path.read_text().splitlines() if 'stream="h323_ras"' in line]
        return {line.partition("{")[0].removeprefix("h323_witness_"): float(line.split()[1]) for line in lines}

    ship(capsys, replica, "--check", "--metrics", str(path))
    assert not path.exists()
    ship(capsys, replica, "--metrics", str(path))
    shipped = told().pop("shipped_timestamp_seconds")
    assert told() == {"shipped_timestamp_seconds": shipped, "ship_lag_records": 0, "ship_refused": 0}
    (replica / STREAM.folder / "checkpoint").write_bytes(b"no checkpoint\n")
    ship(capsys, replica, "--metrics", str(path), code=2)
    assert told() == {"shipped_timestamp_seconds": shipped, "ship_refused": 0}
    (replica.parent / "archive" / STREAM.folder / "checkpoint").write_bytes(b"no checkpoint\n")
    ship(capsys, replica, "--metrics", str(path), code=1)
    assert told() == {"shipped_timestamp_seconds": shipped, "ship_refused": 1}


def test_a_fork_in_one_stream_is_an_exit_code_of_its_own_and_leaves_the_others(
    replica: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = FolderArchive(replica.parent / "archive")
    ship(capsys, replica)
    day_file(replica).unlink()
    (replica / STREAM.folder / "checkpoint").write_bytes(b"no checkpoint\n")
    told = ship(capsys, replica, code=2)
    assert sorted(told["streams"]) == ["failover", "gateway"]
    assert [(each["stream"], each["kind"]) for each in told["errors"]] == [("h323_ras", "source")]
    archive.put(f"{STREAM.folder}/checkpoint", [b"no checkpoint\n"])
    told = ship(capsys, replica, code=1)
    assert [(each["stream"], each["kind"]) for each in told["errors"]] == [("h323_ras", "archive")]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("http://127.0.0.1:1", "an https address"),
        ("/nowhere", "is no folder"),
        ("https://127.0.0.1:1", "cannot be used"),
    ],
)
def test_a_source_that_is_none_is_said_so(
    replica: Path, capsys: pytest.CaptureFixture[str], source: str, told: str
) -> None:
    command = arguments(replica, "--ca", "/nowhere/ca.pem")
    command[1] = source
    assert main(command) == 2
    assert told in capsys.readouterr().err


def test_who_finds_another_writing_waits_for_it(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    first = archive.locked()
    first.__enter__()
    waits = 0

    def until_it_ends() -> bool:
        nonlocal waits
        waits += 1
        if waits == 3:
            first.__exit__(None, None, None)
        return True

    with archive.locked(until_it_ends):
        assert waits == 3


def test_two_at_once_are_one_too_many(replica: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FolderArchive(replica.parent / "archive").locked():
        assert main(arguments(replica)) == 2
    assert "another process is writing there" in capsys.readouterr().err


def test_killed_at_any_sync_it_ships_the_rest_when_it_is_run_again(replica: Path) -> None:
    archive = replica.parent / "archive"
    for syncs in range(0, 100, 2):
        command = [sys.executable, "-c", _KILL_AT_SYNC, str(syncs), *arguments(replica)]
        done = subprocess.run(command, check=False, capture_output=True)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
    assert 10 < syncs < 90
    assert subprocess.run([PROGRAM, *arguments(replica)], check=False).returncode == 0
    assert day_file(archive).read_bytes() == day_file(replica).read_bytes()
    assert (archive / STREAM.folder / "checkpoint").read_bytes() == (
        replica / STREAM.folder / "checkpoint"
    ).read_bytes()
    assert not list(archive.rglob(".*"))


def test_a_replica_is_marked_by_what_an_archive_elsewhere_has(
    replica: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = replica.parent
    ship(capsys, replica, "--no-mark")
    command = ["shipped", str(replica), str(folder / "archive"), "--policy", str(folder / "policy"), "--json"]
    for more, marked, sent in ((["--check"], 0, 300), ([], 300, 300), ([], 300, 0)):
        assert main([*command, *more]) == 0
        assert json.loads(capsys.readouterr().out)["sent"] == sent
        assert read_marker(replica / STREAM.folder, SHIPPED, STREAM.name) == marked


@pytest.mark.parametrize("to", ["https://127.0.0.1:1", "http://127.0.0.1:1"])
def test_who_has_nothing_to_tell_has_told_nobody(replica: Path, capsys: pytest.CaptureFixture[str], to: str) -> None:
    folder = replica.parent
    command = ["tell", str(folder / "nowhere"), "--policy", str(folder / "policy"), "--to", to]
    assert main(command) == 2
    told = "no checkpoint" if to.startswith("https") else "an https address"
    assert told in capsys.readouterr().err


async def told_by_the_archive(made: Council, archive: Path) -> None:
    """Two replicas are told: one believes this certificate, the other doesn't, and a third isn't there."""
    gk1, gk2, _ = made.hosts
    gk2.start()
    await until(lambda: gk2.covered() == gk1.covered(), "both have the checkpoint")

    async def tell(*hosts: Host, more: tuple[str, ...] = ()) -> int | None:
        tls = [f"--ca={made.tls.ca}", f"--certificate={made.tls.certificate}", f"--private-key={made.tls.private_key}"]
        command = [PROGRAM, "tell", archive, "--policy", made.folder / "policy", *tls, *more]
        command += [word for host in hosts for word in ("--to", host.url)]
        process = await asyncio.create_subprocess_exec(*map(str, command))
        return await process.wait()

    assert await tell(gk2) == 2
    assert read_marker(gk2.folder / STREAM.folder, SHIPPED, STREAM.name) == 0
    gk1.stop()
    gk1.change(archives=["host"])
    gk1.start()
    await until(lambda: gk1.metric("checkpoint_size") == gk1.covered(), "it is ready again")
    assert await tell(gk1) == 0
    assert read_marker(gk1.folder / STREAM.folder, SHIPPED, STREAM.name) == gk1.covered()
    gk2.stop()
    assert await tell(gk2, gk1) == 2
    checkpoint = archive / STREAM.folder / "checkpoint"
    kept = checkpoint.read_bytes()
    checkpoint.write_bytes(b"no checkpoint\n")
    assert await tell(gk1) == 1
    checkpoint.write_bytes(kept)


def test_a_log_service_is_a_source_over_mutual_tls(tmp_path: Path) -> None:
    async def scenario(made: Council) -> None:
        gk1, gk2, _ = made.hosts
        archive = tmp_path / "archive"
        tls = [f"--{name}={path}" for name, path in (("ca", made.tls.ca), ("certificate", made.tls.certificate))]
        command = [PROGRAM, "ship", gk1.url, archive, "--policy", made.folder / "policy", "--json", *tls]
        command.append(f"--private-key={made.tls.private_key}")

        async def ship(*more: str) -> tuple[int, Any]:
            process = await asyncio.create_subprocess_exec(*map(str, command), *more, stdout=subprocess.PIPE)
            out, _ = await process.communicate()
            assert process.returncode is not None
            return process.returncode, json.loads(out)

        for size, count in ((0, 1_100), (1_100, 300)):
            for host in (gk1, gk2):
                write(host.folder, size, count)
            if not size:
                gk1.start()
            await until(lambda end=size + count: gk1.covered() == end, "all are covered")
            await until(lambda end=size + count: gk1.metric("checkpoint_size") == end, "and it says so")
            assert (await ship("--check"))[1]["sent"] == count
            code, told = await ship()
            assert (code, told["sent"], told["errors"]) == (0, count, [])
            assert day_file(archive).read_bytes() == day_file(gk1.folder).read_bytes()
        await told_by_the_archive(made, archive)
        gk1.stop()
        code, told = await ship("--wait=0")
        assert code == 2
        assert [each["kind"] for each in told["errors"]] == ["source"] * 3

    async def with_council() -> None:
        async with council(tmp_path / "council") as made:
            await scenario(made)

    (tmp_path / "council").mkdir()
    asyncio.run(with_council())
