"""Other replicas' log services, asked over mutual TLS: checkpoints, tiles and entries (C2SP tlog-tiles)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp

from witness.errors import WitnessError
from witness.log.bounded import read_bounded
from witness.tiles import ENTRIES, MAX_ENTRY_OCTETS, Tile, decode_entries
from witness.tree import HASH_OCTETS

_PATIENCE = 2.0
"""Seconds for an answer."""
_LARGEST_CHECKPOINT = 65_536
_LARGEST_ANSWER = 1_000
_OK = 200


class PeerError(WitnessError):
    """A peer did not answer, or not with what was asked for."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        """Of the answer (HTTP), if that is what was wrong."""


class Peer:
    """One replica's log service."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url.rstrip("/")
        self._session = session

    async def checkpoint(self, stream: str) -> bytes:
        """Its last checkpoint, which nobody has checked yet. Raises PeerError."""
        return await self._get(stream, "checkpoint", _LARGEST_CHECKPOINT)

    async def hashes(self, stream: str, tile: Tile) -> list[bytes]:
        """The hashes of a tile, unchecked. Raises PeerError."""
        octets = await self._get(stream, tile.path, tile.width * HASH_OCTETS)
        if len(octets) != tile.width * HASH_OCTETS:
            raise PeerError(f"{self.url}: {tile.path} of {stream} has {len(octets)} octets")
        return [octets[at : at + HASH_OCTETS] for at in range(0, len(octets), HASH_OCTETS)]

    async def entries(self, stream: str, index: int, width: int) -> list[bytes]:
        """The records of a bundle, unchecked. Raises PeerError, BundleError."""
        tile = Tile(ENTRIES, index, width)
        octets = await self._get(stream, tile.path, width * (MAX_ENTRY_OCTETS + 2))
        return decode_entries(octets, width)

    async def say_archived(self, stream: str, checkpoint: bytes) -> None:
        """Say what an archive has for good. Raises PeerError, with the answer's status."""
        url = f"{self.url}/{stream}/archived"
        try:
            async with self._session.post(
                url, data=checkpoint, timeout=aiohttp.ClientTimeout(total=_PATIENCE)
            ) as response:
                if response.status != _OK:
                    text = (await read_bounded(response, _LARGEST_ANSWER)).decode("ascii", "replace")
                    raise PeerError(f"{url} answers {response.status} ({text.strip()!a})", response.status)
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            raise PeerError(f"{url}: {error or 'no answer in time'}") from error

    async def _get(self, stream: str, path: str, most: int) -> bytes:
        url = f"{self.url}/{stream}/{path}"
        try:
            async with self._session.get(url, timeout=aiohttp.ClientTimeout(total=_PATIENCE)) as response:
                if response.status != _OK:
                    raise PeerError(f"{url} answers {response.status}", response.status)
                return await read_bounded(response, most)
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            raise PeerError(f"{url}: {error or 'no answer in time'}") from error


async def checkpoints(peers: Sequence[Peer], stream: str) -> list[bytes]:
    """The checkpoints of those peers that answer."""
    answers = await asyncio.gather(*(peer.checkpoint(stream) for peer in peers), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, PeerError):
            raise answer
    return [answer for answer in answers if isinstance(answer, bytes)]
