"""The mirror as a real process beside a real etcd, and a peer's log service from which it gets what it missed."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml
from gatekeeper.store import Batch, Record
from gatekeeper.store.etcd import EtcdStore
from gatekeeper.store.trimming import Trimming
from witness.day_files.streams import RAS_STREAM, STREAMS
from witness.day_files.writer import WitnessLogError
from witness.log.refetch import PeerRefetch
from witness.log.site import LogSite
from witness.log.stream_log import StreamLog

from library.gatekeeper.tests.store.etcd_cluster import EtcdCluster, etcd_cluster
from library.witness.tests.log.council import free_ports, until
from library.witness.tests.log.scene import STREAM, Keys, day_file, published, record, write

PROGRAM = Path(sys.executable).with_name("h323-witness-mirror")
TWO_OF_THREE = Trimming(3, bound=1_000)


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    with etcd_cluster(tmp_path_factory.mktemp("etcd"), members=1) as made:
        yield made


@pytest.fixture
def cluster(etcd: EtcdCluster) -> EtcdCluster:
    """An empty one."""
    etcd.clear()
    return etcd


def records(start: int, count: int, stream: str = RAS_STREAM) -> tuple[Record, ...]:
    return tuple(Record(stream, index, record(index).line) for index in range(start, start + count))


class Witness:
    """The witness host's mirror."""

    def __init__(self, folder: Path, cluster: EtcdCluster, peers: list[str], keys: Keys) -> None:
        self.folder = folder / "wit1"
        self.folder.mkdir()
        (self.folder / "policy").write_text(keys.policy_text())
        tls = cluster.tls
        files = {"ca": str(tls.ca), "certificate": str(tls.certificate), "private_key": str(tls.private_key)}
        store = {"kind": "etcd", "endpoints": list(cluster.endpoints), "nodes": 3, "outbox_bound": 1_000, **files}
        self._port = free_ports(1)[0]
        settings = {
            "node": "wit1",
            "log_directory": str(self.folder / "logs"),
            "store": store,
            "refetch": {"peers": peers, "policy": str(self.folder / "policy")},
            "metrics": {"port": self._port},
        }
        self.config = self.folder / "mirror.yaml"
        self.config.write_text(yaml.safe_dump(settings))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "journal").open("ab") as journal:
            command = [PROGRAM, "--config", self.config]
            self.process = subprocess.Popen(command, stdout=journal, stderr=subprocess.STDOUT)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def lines(self, stream: str = RAS_STREAM) -> list[bytes]:
        path = STREAMS[stream].day_file(self.folder / "logs", "20270115")
        return path.read_bytes().splitlines() if path.exists() else []

    @property
    def journal(self) -> str:
        return (self.folder / "journal").read_text()

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
            text: str = answer.read().decode()
        return text


@contextlib.asynccontextmanager
async def served(log: StreamLog, cluster: EtcdCluster) -> AsyncIterator[str]:
    """A peer's log service that has this log; its URL."""
    site = LogSite({log.name: lambda: log})
    await site.open("127.0.0.1", 0, cluster.tls)
    try:
        yield f"https://127.0.0.1:{site.port}"
    finally:
        await site.close()


def reopened(folder: Path, keys: Keys) -> StreamLog:
    log = StreamLog(folder, STREAM, keys.policy())
    log.open()
    while log.read_on():
        pass
    return log


def test_the_mirror_is_the_third_that_has_every_record(tmp_path: Path, cluster: EtcdCluster) -> None:
    async def scenario() -> None:
        store = EtcdStore(cluster.endpoints, cluster.tls, TWO_OF_THREE)
        await store.open()
        witness = Witness(tmp_path, cluster, ["https://127.0.0.1:1"], Keys())
        try:
            await store.take_over("gk1", 100.0)
            for stream in STREAMS:
                await store.commit(1, Batch((), records(0, 5, stream)))
            witness.start()
            expected = [one.line for one in records(0, 5)]
            for stream in STREAMS:
                await until(lambda stream=stream: witness.lines(stream) == expected, f"the records of {stream}")
            for node in ("gk1", "gk2"):
                assert await store.acknowledge(node, RAS_STREAM, 5) in (0, 5)
            await store.commit(1, Batch((), records(5, 1)))
            await until(lambda: len(witness.lines()) == 6, "the next record")
            assert 'h323_witness_mirror_records{stream="h323_ras"} 6.0' in witness.metrics()
            assert 'h323_witness_mirror_failing{stream="h323_ras"} 0.0' in witness.metrics()
            witness.stop()
            with STREAM.day_file(witness.folder / "logs", "20270115").open("ab") as torn:
                torn.write(b'{"index": 6, "ti')
            await store.commit(1, Batch((), records(6, 1)))
            witness.start()
            whole = [one.line for one in records(0, 7)]
            await until(lambda: witness.lines() == whole, "it goes on where the last whole line ends")
        finally:
            witness.stop()
            await store.close()

    asyncio.run(scenario())


def test_what_it_missed_comes_from_a_peer(tmp_path: Path, cluster: EtcdCluster) -> None:
    keys = Keys()

    async def scenario() -> None:
        store = EtcdStore(cluster.endpoints, cluster.tls, TWO_OF_THREE)
        await store.open()
        write(tmp_path / "gk1", 0, 2_700)
        published(tmp_path / "gk1", keys)
        peer = reopened(tmp_path / "gk1", keys)
        try:
            await store.take_over("gk1", 100.0)
            for start in range(0, 2_700, 300):
                await store.commit(1, Batch((), records(start, 300)))
            async with served(peer, cluster) as url:
                witness = Witness(tmp_path, cluster, ["https://127.0.0.1:1", url], keys)
                write(witness.folder / "logs", 0, 100)
                # Known, and then away for long: two others are enough.
                await store.acknowledge("wit1", RAS_STREAM, 100)
                await store.acknowledge("gk1", RAS_STREAM, 2_700)
                assert await store.acknowledge("gk2", RAS_STREAM, 2_700) == 1_000
                assert (await store.records(RAS_STREAM, 0, 1))[0].index == 1_500
                witness.start()
                try:
                    await until(lambda: len(witness.lines()) == 2_700, "it has everything")
                    assert witness.lines() == day_file(tmp_path / "gk1").read_bytes().splitlines()
                    await until(lambda: "got records 100 to 1499 from another replica" in witness.journal, "it says so")
                finally:
                    witness.stop()
        finally:
            peer.close()
            await store.close()

    asyncio.run(scenario())


async def fetched(tmp_path: Path, cluster: EtcdCluster, keys: Keys, peer: StreamLog, own: int) -> list[bytes]:
    """All that a host which has its first records gets from a peer."""
    lines: list[bytes] = []
    async with served(peer, cluster) as url:
        refetch = PeerRefetch(tmp_path / "own", keys.policy(), [url], cluster.tls)
        refetch.open()
        try:
            while own + len(lines) < peer.covered:
                part = await refetch.fetch(RAS_STREAM, own + len(lines), peer.covered)
                assert [one.index for one in part] == list(range(own + len(lines), own + len(lines) + len(part)))
                lines += [one.line for one in part]
        finally:
            await refetch.close()
    return lines


@pytest.mark.parametrize("own", [0, 1, 255, 256, 300, 599])
def test_from_any_place_on(tmp_path: Path, cluster: EtcdCluster, own: int) -> None:
    keys = Keys()
    lines = write(tmp_path / "peer", 0, 600)
    published(tmp_path / "peer", keys)
    write(tmp_path / "own", 0, own) if own else None
    peer = reopened(tmp_path / "peer", keys)
    assert asyncio.run(fetched(tmp_path, cluster, keys, peer, own)) == lines[own:]
    peer.close()


def test_a_peer_that_changed_a_record_is_not_believed(tmp_path: Path, cluster: EtcdCluster) -> None:
    """Its tiles and its checkpoint are good, and its day file isn't."""
    keys = Keys()
    write(tmp_path / "peer", 0, 300)
    published(tmp_path / "peer", keys)
    peer = reopened(tmp_path / "peer", keys)
    path = day_file(tmp_path / "peer")
    path.write_bytes(path.read_bytes().replace(b'{"index": 270, "time": "2027', b'{"index": 270, "time": "2026'))
    with pytest.raises(WitnessLogError, match="record 270 of h323_ras is not the one that the checkpoint covers"):
        asyncio.run(fetched(tmp_path, cluster, keys, peer, 0))
    peer.close()


def test_a_peer_whose_checkpoint_is_of_other_records_is_not_believed(tmp_path: Path, cluster: EtcdCluster) -> None:
    keys = Keys()
    write(tmp_path / "peer", 0, 300)
    published(tmp_path / "peer", keys)
    write(tmp_path / "own", 0, 10, text="ACF")
    peer = reopened(tmp_path / "peer", keys)
    with pytest.raises(WitnessLogError, match="has other records, or this host's first 10 are not the checkpoint's"):
        asyncio.run(fetched(tmp_path, cluster, keys, peer, 10))
    peer.close()


def test_what_no_checkpoint_covers_is_not_taken(tmp_path: Path, cluster: EtcdCluster) -> None:
    keys = Keys()
    write(tmp_path / "peer", 0, 300)
    log = reopened(tmp_path / "peer", keys)
    octets = keys.sign(log, cosigned=False)
    log.publish(octets, log.judge(octets))

    async def scenario() -> None:
        async with served(log, cluster) as url:
            refetch = PeerRefetch(tmp_path / "own", keys.policy(), [url], cluster.tls)
            refetch.open()
            try:
                with pytest.raises(WitnessLogError, match="no peer has a cosigned checkpoint that covers them"):
                    await refetch.fetch(RAS_STREAM, 0, 300)
            finally:
                await refetch.close()

    asyncio.run(scenario())
    log.close()


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("store", {"kind": "sqlite", "path": "/x"}, "refetch needs store's certificates"),
        ("node", "", "node is empty; write node: wit1"),
        ("refetch", {"peers": ["https://127.0.0.1:1"], "policy": "/nowhere"}, "policy /nowhere: No such file"),
        ("metrics", {"address": "192.0.2.1"}, "metrics leave this host unprotected"),
        ("more", 1, "more is not a setting of this service"),
    ],
)
def test_settings_that_cannot_be_used_are_told(
    tmp_path: Path, cluster: EtcdCluster, key: str, value: object, sentence: str
) -> None:
    witness = Witness(tmp_path, cluster, ["https://127.0.0.1:1"], Keys())
    command = [PROGRAM, "--check", "--config", witness.config]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    settings = yaml.safe_load(witness.config.read_text())
    settings[key] = value
    witness.config.write_text(yaml.safe_dump(settings))
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert sentence in ended.stderr
