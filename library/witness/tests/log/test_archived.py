"""What an archive says that it has is marked if the archive is one that is named, and has this very log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from witness.day_files.markers import SHIPPED, read_marker
from witness.log.archived import NotYetError, OtherLogError, mark_archived
from witness.log.peers import Peer, PeerError
from witness.log.site import LogSite
from witness.log.stream_log import StreamLog
from witness.service.settings import Tls
from witness.service.tls import client_tls

from .certificates import Authority
from .scene import STREAM, Keys, day_file, published, read_all, write

KEYS = Keys()


def grown(folder: Path) -> tuple[StreamLog, list[bytes]]:
    """A log of 700 records, all of them covered, and its checkpoints at 300 and 700."""
    checkpoints = []
    for start, count in ((0, 300), (300, 400)):
        write(folder, start, count)
        octets = published(folder, KEYS).published
        assert octets is not None
        checkpoints.append(octets)
    log = StreamLog(folder, STREAM, KEYS.policy())
    read_all(log)
    log.close()
    return log, checkpoints


def mark(folder: Path) -> int:
    return read_marker(folder / STREAM.folder, SHIPPED, STREAM.name)


def test_a_mark_goes_on_and_never_back(tmp_path: Path) -> None:
    log, (old, new) = grown(tmp_path)
    for octets, size in ((old, 300), (new, 700), (old, 700), (new, 700)):
        assert mark_archived(log, octets) == size
        assert mark(tmp_path) == size


def test_what_is_no_checkpoint_of_this_very_log_marks_nothing(tmp_path: Path) -> None:
    log, (old, new) = grown(tmp_path / "log")
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", 0, 300, text="RRQ")
    forked = published(tmp_path / "other", KEYS).published
    # The log's key has signed it, and nobody has cosigned it.
    alone = StreamLog(tmp_path / "log", STREAM, KEYS.policy())
    read_all(alone)
    uncosigned = KEYS.sign(alone, cosigned=False)
    alone.close()
    for octets in (b"", b"no checkpoint\n", old[:-30], old.replace(b"\n300\n", b"\n301\n"), forked, uncosigned):
        assert octets is not None
        with pytest.raises(OtherLogError):
            mark_archived(log, octets)
    assert mark(tmp_path / "log") == 0
    assert mark_archived(log, new) == 700


def test_a_host_that_lacks_what_the_archive_has_marks_nothing_yet(tmp_path: Path) -> None:
    _, (_, new) = grown(tmp_path / "ahead")
    write(tmp_path / "behind", 0, 300)
    published(tmp_path / "behind", KEYS)
    log = StreamLog(tmp_path / "behind", STREAM, KEYS.policy())
    read_all(log)
    log.close()
    with pytest.raises(NotYetError, match="300 of 700"):
        mark_archived(log, new)
    assert mark(tmp_path / "behind") == 0


def test_a_disk_that_refuses_leaves_the_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, (old, new) = grown(tmp_path)
    mark_archived(log, old)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("witness.log.archived.write_marker", refuse)
    with pytest.raises(NotYetError, match="shipped: Operation not permitted; remove it"):
        mark_archived(log, new)
    assert mark(tmp_path) == 300


class Site:
    """The log's site, for which arc1 is an archive and gk2 is not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "log"
        self.log, self.checkpoints = grown(self.folder)
        self._authority = Authority(folder / "pki")
        self._served: StreamLog | None = self.log

    def ask(self, name: str, scenario: Callable[[Peer], Awaitable[None]]) -> None:
        certificate, own = self._authority.issue(name), self._authority.issue("gk1")
        asyncio.run(self._run(certificate, own, scenario))

    async def _run(self, certificate: Tls, own: Tls, scenario: Callable[[Peer], Awaitable[None]]) -> None:
        site = LogSite({STREAM.name: lambda: self._served}, frozenset({"arc1"}))
        await site.open("127.0.0.1", 0, own)
        connector = aiohttp.TCPConnector(ssl=client_tls(certificate))
        async with aiohttp.ClientSession(connector=connector) as session:
            try:
                await scenario(Peer(f"https://127.0.0.1:{site.port}", session))
            finally:
                await site.close()


def status(error: pytest.ExceptionInfo[PeerError]) -> int | None:
    return error.value.status


def test_only_a_named_archive_is_believed(tmp_path: Path) -> None:
    site = Site(tmp_path)
    (old, new) = site.checkpoints

    async def stranger(peer: Peer) -> None:
        with pytest.raises(PeerError, match="gk2 is no archive") as error:
            await peer.say_archived(STREAM.name, new)
        assert status(error) == 403

    async def archive(peer: Peer) -> None:
        await peer.say_archived(STREAM.name, old)
        # At once, and neither disturbs the other.
        await asyncio.gather(*(peer.say_archived(STREAM.name, octets) for octets in (new, old, new, old)))
        for stream, octets, code in (
            ("nonsense", new, 404),
            (STREAM.name, b"no checkpoint\n", 409),
            (STREAM.name, bytes(65_537), 413),
        ):
            with pytest.raises(PeerError) as error:
                await peer.say_archived(stream, octets)
            assert status(error) == code

    site.ask("gk2", stranger)
    assert mark(site.folder) == 0
    site.ask("arc1", archive)
    assert mark(site.folder) == 700
    assert json.loads((site.folder / STREAM.folder / SHIPPED).read_text()) == {STREAM.name: 700}
    assert day_file(site.folder).exists()
