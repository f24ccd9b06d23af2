"""Records that left the store before this host had them on disk, from the other replicas.

Only what a cosigned checkpoint covers is taken: first the hashes of the missing leaves, which together with this host's
own records must lead to the checkpoint's root; then the records, each of which must have its hash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from witness.checkpoint import Checkpoint
from witness.day_files.streams import STREAMS
from witness.day_files.writer import WitnessLogError
from witness.log.lines import LinesError
from witness.log.origins import origin_of
from witness.log.peers import Peer, PeerError, checkpoints
from witness.log.stream_log import own_frontier
from witness.policy import Policy, PolicyError, judge_checkpoint
from witness.service.settings import Tls
from witness.service.tls import client_tls
from witness.tiles import WIDTH, BundleError, Tile, TileError
from witness.tree import leaf_hash

_HASHES_AT_ONCE = 16
"""Tiles that are asked for at the same time."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A record from a peer."""

    index: int
    line: bytes


@dataclass(frozen=True, slots=True)
class _Proven:
    """What records must be, as a checkpoint says."""

    start: int
    hashes: Sequence[bytes]

    @property
    def end(self) -> int:
        return self.start + len(self.hashes)


class PeerRefetch:
    """Asks these peers."""

    def __init__(self, directory: Path, policy: Policy, urls: Sequence[str], tls: Tls) -> None:
        """`directory` is the folder above this host's streams' folders."""
        self._directory = directory
        self._policy = policy
        self._urls = urls
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        self._proven: dict[str, _Proven] = {}

    def open(self) -> None:
        """Read the certificates. Raises SettingsError."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client_tls(self._tls)))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def fetch(self, stream: str, start: int, end: int) -> Sequence[Fetched]:
        """Records from index `start` on, before `end`: as many as come at once, and at least one.

        Raises:
            WitnessLogError: nobody has them, or what they have isn't what the checkpoint says.
        """
        if self._session is None:
            raise WitnessLogError("the other replicas can't be asked: this service is ending")
        peers = [Peer(url, self._session) for url in self._urls]
        proven = self._proven.get(stream)
        if proven is None or not proven.start <= start < proven.end:
            proven = self._proven[stream] = await self._prove(peers, stream, start)
        troubles: list[str] = []
        for peer in peers:
            try:
                return await _records(peer, stream, proven, start, end)
            except (PeerError, BundleError) as error:
                troubles.append(str(error))
        raise WitnessLogError(f"records of {stream} from {start} on are missing here: {'; '.join(troubles)}")

    async def _prove(self, peers: Sequence[Peer], stream: str, start: int) -> _Proven:
        """The hashes of the leaves from `start` on, up to the largest checkpoint that a peer has."""
        checkpoint = await self._checkpoint(peers, stream)
        if checkpoint is None or checkpoint.size <= start:
            raise WitnessLogError(
                f"records of {stream} from {start} on are missing here and have left the store, and no peer has a"
                " cosigned checkpoint that covers them; see whether the other hosts' h323-witness-log runs"
            )
        loop = asyncio.get_running_loop()
        try:
            own = await loop.run_in_executor(None, own_frontier, self._directory, STREAMS[stream], start)
        except (LinesError, TileError, OSError) as error:
            raise WitnessLogError(f"this host's records of {stream} can't be read: {error}") from error
        troubles: list[str] = []
        for peer in peers:
            try:
                hashes = await _hashes(peer, stream, start, checkpoint.size)
            except PeerError as error:
                troubles.append(str(error))
                continue
            whole = own.copy()
            whole.extend(hashes)
            if whole.root() == checkpoint.root:
                return _Proven(start, hashes)
            troubles.append(f"{peer.url} has other records, or this host's first {start} are not the checkpoint's")
        raise WitnessLogError(f"records of {stream} from {start} on can't be fetched: {'; '.join(troubles)}")

    async def _checkpoint(self, peers: Sequence[Peer], stream: str) -> Checkpoint | None:
        """The largest that the policy's quorum stands for."""
        best: Checkpoint | None = None
        origin = origin_of(self._policy, stream)
        for octets in await checkpoints(peers, stream):
            try:
                judged = judge_checkpoint(octets, self._policy, origin)
            except PolicyError:
                continue
            if judged.fulfilled and (best is None or judged.checkpoint.size > best.size):
                best = judged.checkpoint
        return best


async def _hashes(peer: Peer, stream: str, start: int, size: int) -> list[bytes]:
    """The leaf hashes [start, size), from tiles of a tree of this size."""
    found: list[bytes] = []
    tiles = [Tile(0, index, min(WIDTH, size - index * WIDTH)) for index in range(start // WIDTH, -(-size // WIDTH))]
    for at in range(0, len(tiles), _HASHES_AT_ONCE):
        part = tiles[at : at + _HASHES_AT_ONCE]
        for hashes in await asyncio.gather(*(peer.hashes(stream, tile) for tile in part)):
            found += hashes
    return found[start % WIDTH :]


async def _records(peer: Peer, stream: str, proven: _Proven, start: int, end: int) -> list[Fetched]:
    """Those of one bundle. Raises PeerError where one isn't what it must be."""
    bundle = start // WIDTH
    width = min(WIDTH, proven.end - bundle * WIDTH)
    entries = await peer.entries(stream, bundle, width)
    last = min(end, bundle * WIDTH + width)
    found = [Fetched(index, entries[index - bundle * WIDTH]) for index in range(start, last)]
    for one in found:
        if leaf_hash(one.line) != proven.hashes[one.index - proven.start]:
            raise PeerError(f"{peer.url}: record {one.index} of {stream} is not the one that the checkpoint covers")
    return found
