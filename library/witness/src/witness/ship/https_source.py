"""A replica's log service as a source."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import aiohttp

from witness.log.peers import Peer, PeerError
from witness.service.settings import Tls
from witness.service.tls import client_tls
from witness.ship.source import parts
from witness.tiles import WIDTH, Tile

_AT_ONCE = 4
"""Bundles that are asked for at the same time."""
_NOT_FOUND, _NONE_NOW = 404, 503
AnswerT = TypeVar("AnswerT")


class HttpsSource:
    """Asked over mutual TLS, synchronously."""

    def __init__(self, url: str, session: aiohttp.ClientSession, loop: asyncio.AbstractEventLoop) -> None:
        self._peer = Peer(url, session)
        self._loop = loop

    def __str__(self) -> str:
        return self._peer.url

    def checkpoint(self, stream: str) -> bytes | None:
        """The last one, unchecked; None if there is none now."""
        try:
            return self._ask(self._peer.checkpoint(stream))
        except PeerError as error:
            if error.status == _NONE_NOW:
                return None
            raise

    def tile(self, stream: str, tile: Tile) -> bytes | None:
        """A tile's octets, unchecked; None if it isn't there."""
        try:
            return b"".join(self._ask(self._peer.hashes(stream, tile)))
        except PeerError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def records(self, stream: str, start: int, end: int) -> Iterator[list[bytes]]:
        """The records from `start` to `end`, unchecked, in parts that end where a full bundle of entries does."""
        wanted = parts(start, end)
        while ranges := list(itertools.islice(wanted, _AT_ONCE)):
            bundles = self._ask(self._bundles(stream, ranges))
            for (first, _), bundle in zip(ranges, bundles, strict=True):
                yield bundle[first % WIDTH :]

    def mark_shipped(self, stream: str, size: int) -> None:
        """Nothing is told before the archive was verified as a whole: then `h323-witness tell` says it."""

    def say_archived(self, stream: str, checkpoint: bytes) -> None:
        """Say what an archive has for good. Raises PeerError."""
        self._ask(self._peer.say_archived(stream, checkpoint))

    async def _bundles(self, stream: str, ranges: list[tuple[int, int]]) -> list[list[bytes]]:
        asked = [self._peer.entries(stream, first // WIDTH, stop - first // WIDTH * WIDTH) for first, stop in ranges]
        return list(await asyncio.gather(*asked))

    def _ask(self, question: Coroutine[Any, Any, AnswerT]) -> AnswerT:
        return self._loop.run_until_complete(question)


@contextmanager
def https_source(url: str, tls: Tls) -> Iterator[HttpsSource]:
    """A source at this address, with the files of this host's certificate.

    Raises:
        SettingsError: a file can't be used.
    """
    context = client_tls(tls)
    loop = asyncio.new_event_loop()
    try:
        session = loop.run_until_complete(_session(context))
        try:
            yield HttpsSource(url, session, loop)
        finally:
            loop.run_until_complete(session.close())
            loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


async def _session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
