"""Answers of others, which may be no longer than they have to be."""

from __future__ import annotations

import aiohttp


async def read_bounded(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body.

    Raises:
        aiohttp.ClientPayloadError: it is longer than so many octets.
    """
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > most:
            raise aiohttp.ClientPayloadError(f"an answer of more than {most} octets")
        pieces.append(piece)
    return b"".join(pieces)
