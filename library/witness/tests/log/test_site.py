"""What a log service serves: what C2SP tlog-tiles names, up to the checkpoint, to hosts of the council alone."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from pathlib import Path

import aiohttp
import pytest
from witness.log.peers import Peer, PeerError, checkpoints
from witness.log.site import LogSite
from witness.service.settings import SettingsError, Tls
from witness.service.tls import client_tls
from witness.tiles import Tile, decode_entries
from witness.tree import leaf_hashes

from .certificates import make_certificates
from .scene import STREAM, day_file
from .served import Ask, Served

NAME = STREAM.name


def test_checkpoint_tiles_and_entries(tmp_path: Path) -> None:
    scene = Served(tmp_path)

    async def scenario(ask: Ask) -> None:
        assert await ask(f"{NAME}/checkpoint") == (200, scene.checkpoint)
        hashes = leaf_hashes(scene.lines)
        assert await ask(f"{NAME}/tile/0/000") == (200, b"".join(hashes[:256]))
        assert await ask(f"{NAME}/tile/0/001.p/44") == (200, b"".join(hashes[256:]))
        assert (await ask(f"{NAME}/tile/1/000.p/1"))[0] == 200
        status, bundle = await ask(f"{NAME}/tile/entries/000")
        assert (status, decode_entries(bundle, 256)) == (200, scene.lines[:256])
        status, bundle = await ask(f"{NAME}/tile/entries/001.p/44")
        assert (status, decode_entries(bundle, 44)) == (200, scene.lines[256:])
        # Fewer than there are now, as somebody with an older checkpoint asks for.
        status, bundle = await ask(f"{NAME}/tile/entries/001.p/7")
        assert (status, decode_entries(bundle, 7)) == (200, scene.lines[256:263])

    scene.run(scenario)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{NAME}/tile/0/001.p/45", 404),
        (f"{NAME}/tile/0/001", 404),
        (f"{NAME}/tile/entries/001.p/45", 404),
        (f"{NAME}/tile/entries/002.p/1", 404),
        (f"{NAME}/tile/2/000.p/1", 404),
        (f"{NAME}/tile/0/1", 400),
        (f"{NAME}/tile/0/%2e%2e/%2e%2e/policy", 404),
        (f"{NAME}/tile/0/" + "x001/" * 40 + "001", 400),
        (f"{NAME}/policy", 404),
        (f"{NAME}/h323_ras_20270115.jsonl", 404),
        ("gateway/checkpoint", 404),
        ("", 404),
    ],
)
def test_what_is_not_there_is_not_served(tmp_path: Path, path: str, status: int) -> None:
    async def scenario(ask: Ask) -> None:
        assert (await ask(path))[0] == status

    Served(tmp_path).run(scenario)


def test_a_log_that_nobody_vouches_for_is_not_served(tmp_path: Path) -> None:
    scene = Served(tmp_path)

    async def scenario(ask: Ask) -> None:
        kept, scene.log = scene.log, None
        for path in ("checkpoint", "tile/0/000", "tile/entries/000"):
            assert (await ask(f"{NAME}/{path}"))[0] == 503
        scene.log = kept

    scene.run(scenario)


def test_a_day_that_was_packed_meanwhile_is_served(tmp_path: Path) -> None:
    scene = Served(tmp_path)
    path = day_file(tmp_path)
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()

    async def scenario(ask: Ask) -> None:
        status, bundle = await ask(f"{NAME}/tile/entries/000")
        assert (status, decode_entries(bundle, 256)) == (200, scene.lines[:256])

    scene.run(scenario)


def test_records_that_can_be_read_no_more_are_not_served(tmp_path: Path) -> None:
    scene = Served(tmp_path)
    octets = day_file(tmp_path).read_bytes()
    day_file(tmp_path).write_bytes(octets.replace(b'{"index": 20,', b'{"index": 90,'))

    async def scenario(ask: Ask) -> None:
        assert (await ask(f"{NAME}/tile/entries/000"))[0] == 503

    scene.run(scenario)


def test_a_stranger_is_not_let_in(tmp_path: Path) -> None:
    scene = Served(tmp_path)
    stranger = make_certificates(tmp_path / "stranger")
    mixed = Tls(scene.tls.ca, stranger.certificate, stranger.private_key)

    async def scenario(ask: Ask) -> None:
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await ask(f"{NAME}/checkpoint")

    scene.run(scenario, mixed)


def test_peers_that_do_not_answer_are_left_out(tmp_path: Path) -> None:
    scene = Served(tmp_path)

    async def scenario(_: Ask) -> None:
        connector = aiohttp.TCPConnector(ssl=client_tls(scene.tls))
        async with aiohttp.ClientSession(connector=connector) as session:
            peers = [Peer("https://127.0.0.1:1/", session), Peer(scene.url + "/", session)]
            assert await checkpoints(peers, NAME) == [scene.checkpoint]
            assert await checkpoints(peers, "gateway") == []
            with pytest.raises(PeerError, match="answers 404"):
                await peers[1].entries(NAME, 1, 45)
            with pytest.raises(PeerError, match="https://127"):
                await peers[0].hashes(NAME, Tile(0, 0))

    scene.run(scenario)


def test_certificates_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        nowhere = tmp_path / "nowhere"
        with pytest.raises(SettingsError, match="cannot be used"):
            await LogSite({}).open("127.0.0.1", 0, Tls(nowhere, nowhere, nowhere))

    asyncio.run(scenario())
