"""Real log services on three hosts, with a cosigner, over mutual TLS."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import yaml
from witness.day_files.streams import STREAMS
from witness.policy import judge_checkpoint, parse_policy

from .council import PROGRAM, Council, council, real_cosigner, until
from .scene import STREAM, Keys, day_file, write

Scenario = Callable[[Council], Awaitable[None]]


def run(folder: Path, scenario: Scenario) -> None:
    async def with_council() -> None:
        async with council(folder) as made:
            await scenario(made)

    asyncio.run(with_council())


async def covered(made: Council, size: int, hosts: str = "gk1 gk2 wit1") -> None:
    """Wait until these hosts' checkpoints are of this size, and the services think so, too."""
    for host in made.hosts:
        if host.name in hosts.split():
            await until(lambda host=host: host.covered() == size, f"{host.name} has a checkpoint of {size}")
            await until(lambda host=host: host.metric("checkpoint_size") == size, f"{host.name} says so")


def write_everywhere(made: Council, start: int, count: int, node: str = "gk1") -> None:
    for host in made.hosts:
        write(host.folder, start, count, node=node)


def checkpoints(made: Council) -> set[bytes]:
    return {(host.folder / STREAM.folder / "checkpoint").read_bytes() for host in made.hosts}


def test_each_host_publishes_what_the_one_in_office_has_had_cosigned(tmp_path: Path) -> None:
    async def scenario(made: Council) -> None:
        gk1, gk2, wit1 = made.hosts
        write_everywhere(made, 0, 300)
        for host in made.hosts:
            host.start()
        await covered(made, 300)
        assert len(checkpoints(made)) == 1
        assert [host.metric("log_signing") for host in made.hosts] == [1, 0, 0]
        # The other one takes office: its first record says so.
        write_everywhere(made, 300, 5, node="gk2")
        await covered(made, 305)
        await until(lambda: gk2.metric("log_signing") == 1, "the new one in office signs")
        assert gk1.metric("cosignature_age_seconds") == 0
        assert wit1.metric("log_records") == 305
        assert set(made.cosigner.answers) <= {200, 409}
        assert (gk1.folder / STREAM.folder / "policy").read_bytes() == made.policy.render()

    run(tmp_path, scenario)


def test_one_who_stands_by_signs_if_the_one_in_office_does_not(tmp_path: Path) -> None:
    async def scenario(made: Council) -> None:
        _, gk2, wit1 = made.hosts
        write_everywhere(made, 0, 10)
        gk2.start()
        wit1.start()
        await covered(made, 10, "gk2 wit1")

    run(tmp_path, scenario)


def test_a_changed_octet_below_the_checkpoint_stops_the_log(tmp_path: Path) -> None:
    async def scenario(made: Council) -> None:
        gk1, gk2, _ = made.hosts
        write_everywhere(made, 0, 300)
        for host in made.hosts:
            host.start()
        await covered(made, 300)
        gk1.stop()
        octets = bytearray(day_file(gk1.folder).read_bytes())
        octets[5_000] ^= 1
        day_file(gk1.folder).write_bytes(octets)
        gk1.start()
        await until(lambda: gk1.metric("log_failed") == 1, "the metric says it")
        write_everywhere(made, 300, 10)
        # It doesn't sign any more, and so the one that stands by does.
        await covered(made, 310, "gk2 wit1")
        assert gk1.covered() == 300
        assert gk2.metric("log_failed") == 0
        assert "ERROR witness log h323_ras: failed: " in gk1.journal.read_text()

    run(tmp_path, scenario)


def test_who_is_behind_signs_nothing_until_it_has_everything(tmp_path: Path) -> None:
    async def scenario(made: Council) -> None:
        gk1, *others = made.hosts
        write_everywhere(made, 0, 300)
        for host in made.hosts:
            host.start()
        await covered(made, 300)
        gk1.stop()
        whole = day_file(gk1.folder).read_bytes()
        lines = whole.splitlines(keepends=True)
        day_file(gk1.folder).write_bytes(b"".join(lines[:120]) + lines[120][:30])
        asked = len(made.cosigner.answers)
        gk1.start()
        await until(lambda: gk1.metric("replica_behind_records") == 180, "it knows what it lacks")
        await until(lambda: "behind: it has 120 of 300 records" in gk1.journal.read_text(), "it says so")
        assert len(made.cosigner.answers) == asked
        for host in others:
            host.stop()
        # What its gatekeeper fetches.
        write(gk1.folder, 120, 180)
        assert day_file(gk1.folder).read_bytes() == whole
        write(gk1.folder, 300, 7)
        await covered(made, 307, "gk1")

    run(tmp_path, scenario)


def test_a_log_that_was_written_anew_is_refused_and_told(tmp_path: Path) -> None:
    """Somebody with the key and the host: nothing on its disk speaks against it, but the cosigner does."""

    async def scenario(made: Council) -> None:
        gk1, gk2, _ = made.hosts
        write_everywhere(made, 0, 40)
        gk1.start()
        await covered(made, 40, "gk1")
        gk1.stop()
        for path in sorted((gk1.folder / STREAM.folder).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        write(gk1.folder, 0, 50, text="ACF")
        gk1.start()
        await until(lambda: gk1.metric("log_failed") == 1, "the metric says it")
        assert "has cosigned a tree of 40 records that this one of 50 does not continue" in gk1.journal.read_text()
        assert not (gk1.folder / STREAM.folder / "checkpoint").exists()
        assert made.cosigner.sizes == [("council.example/h323_ras", 40)]
        # And the others, whose records are the right ones, go on.
        write(gk2.folder, 40, 5, node="gk2")
        gk2.start()
        await covered(made, 45, "gk2")

    run(tmp_path, scenario)


def test_it_goes_on_wherever_it_was_killed(tmp_path: Path) -> None:
    async def scenario(made: Council) -> None:
        gk1, gk2, _ = made.hosts
        gk2.start()
        size = 0
        for count in (1, 255, 1, 300, 7, 513):
            write_everywhere(made, size, count)
            size += count
            gk1.start()
            await until(lambda: made.cosigner.answers.count(200) > 0, "the cosigner is asked")
            asked = len(made.cosigner.answers)
            write_everywhere(made, size, 1)
            size += 1
            await until(lambda asked=asked: len(made.cosigner.answers) > asked, "it is asked again")
            gk1.stop(kill=True)
        gk1.start()
        await covered(made, size, "gk1 gk2")
        assert 422 not in made.cosigner.answers
        assert gk1.metric("log_failed") == gk2.metric("log_failed") == 0

    run(tmp_path, scenario)


def test_a_cosigner_that_is_away_leaves_the_records_uncovered_until_it_is_back(tmp_path: Path) -> None:
    async def scenario(made: Council) -> None:
        gk1, gk2, _ = made.hosts
        write_everywhere(made, 0, 10)
        made.cosigner.closed = True
        gk1.start()
        gk2.start()
        await until(lambda: (gk1.metric("cosignature_age_seconds") or 0) > 0.5, "the metric grows")
        await until(lambda: "not cosigned: wit1 at " in gk1.journal.read_text(), "the journal says so")
        assert not (gk1.folder / STREAM.folder / "checkpoint").exists()
        made.cosigner.closed = False
        await covered(made, 10, "gk1 gk2")
        await until(lambda: gk1.metric("cosignature_age_seconds") == 0, "the metric is well again")

    run(tmp_path, scenario)


def test_the_councils_own_cosigner_keeps_it_from_forking(tmp_path: Path) -> None:
    async def scenario(made: Council) -> None:
        await made.cosigner.close()
        gk1, gk2, wit1 = made.hosts
        async with real_cosigner(made) as folder:
            for host in made.hosts:
                host.start()
            write_everywhere(made, 0, 300)
            await covered(made, 300)
            write_everywhere(made, 300, 5, node="gk2")
            await covered(made, 305)
            gk1.stop()
            for path in sorted((gk1.folder / STREAM.folder).rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            write(gk1.folder, 0, 320, text="ACF")
            gk1.start()
            await until(lambda: gk1.metric("log_failed") == 1, "gk1 has failed")
            # Either a peer's checkpoint or the cosigner said so; alone with the cosigner, it is the cosigner.
            for host in made.hosts:
                host.stop()
            gk1.start()
            await until(lambda: gk1.journal.read_text().count("failed: ") == 2, "gk1 has failed again")
            assert "failed: wit1 has cosigned a tree of 305 records that this one of 320" in gk1.journal.read_text()
            assert [path for path in (folder / "evidence").rglob("*") if path.is_file()] != []
            assert [host.covered() for host in (gk2, wit1)] == [305, 305]

    run(tmp_path, scenario)


def test_a_single_host_signs_by_itself(tmp_path: Path) -> None:
    """As with the embedded store: no peers, no cosigners, no certificates."""

    async def scenario(made: Council) -> None:
        gk1 = made.hosts[0]
        policy = tmp_path / "policy-of-one"
        policy.write_text(made.keys.policy_text(None))
        gk1.alone(policy)
        for name in STREAMS:
            write(gk1.folder, 0, 20, name, node="another")
        gk1.start()
        for name in STREAMS:
            await until(lambda name=name: gk1.metric("checkpoint_size", name) == 20, f"{name} is covered")
            octets = (gk1.folder / STREAMS[name].folder / "checkpoint").read_bytes()
            assert judge_checkpoint(octets, parse_policy(policy.read_bytes()), f"council.example/{name}").fulfilled
        assert made.cosigner.answers == []

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("policy", "/nowhere", "policy /nowhere: No such file"),
        ("signing_keys", "/nowhere", "signing_keys /nowhere: No such file"),
        ("tls", {"ca": "/x", "certificate": "/x", "private_key": "/x"}, "/x, /x, /x: cannot be used"),
        ("tls", None, "listen and peers need certificates; write tls:"),
        ("peers", ["http://127.0.0.1:1"], "peers must be https addresses"),
        ("node", "a b", "node is 'a b'; write letters"),
        ("more", 1, "more is not a setting of this service"),
    ],
)
def test_settings_that_cannot_be_used_are_told(tmp_path: Path, key: str, value: object, sentence: str) -> None:
    made = Council(tmp_path)
    file = made.hosts[0].folder / "log.yaml"
    command = [PROGRAM, "--check", "--config", file]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    settings = {**yaml.safe_load(file.read_text()), key: value}
    file.write_text(yaml.safe_dump({name: one for name, one in settings.items() if one is not None}))
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert sentence in ended.stderr


def test_keys_that_the_policy_does_not_have_are_refused(tmp_path: Path) -> None:
    made = Council(tmp_path)
    command = [PROGRAM, "--check", "--config", made.hosts[0].folder / "log.yaml"]
    for text in (Keys().text, made.keys.text.splitlines()[0] + "\n", "PRIVATE+KEY+x\n", "\xff"):
        (tmp_path / "keys").write_text(text)
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert "signing_keys" in ended.stderr
        assert "PRIVATE+KEY" not in ended.stderr.replace("PRIVATE+KEY+NAME", "")
