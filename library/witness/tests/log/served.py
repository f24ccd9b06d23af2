"""What a log service shows, asked over mutual TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from witness.log.site import LogSite
from witness.log.stream_log import StreamLog
from witness.service.settings import Tls
from witness.service.tls import client_tls

from .certificates import make_certificates
from .scene import STREAM, Keys, published, read_all, write

Ask = Callable[[str], Awaitable[tuple[int, bytes]]]


class Served:
    """A host with 300 covered records and ten more, before a site that shows them."""

    def __init__(self, folder: Path) -> None:
        self.keys = Keys()
        self.lines = write(folder, 0, 120)
        self.older = published(folder, self.keys).published
        self.lines += write(folder, 120, 180)
        self.checkpoint = published(folder, self.keys).published
        write(folder, 300, 10)
        self.folder = folder
        self.log: StreamLog | None = StreamLog(folder, STREAM, self.keys.policy())
        read_all(self.log)
        self.tls = make_certificates(folder / "pki")
        self.url = ""

    def run(self, scenario: Callable[[Ask], Awaitable[None]], tls: Tls | None = None) -> None:
        kept = self.log

        async def served() -> None:
            site = LogSite({STREAM.name: lambda: self.log})
            await site.open("127.0.0.1", 0, self.tls)
            self.url = f"https://127.0.0.1:{site.port}"
            connector = aiohttp.TCPConnector(ssl=client_tls(tls or self.tls))
            async with aiohttp.ClientSession(connector=connector) as session:

                async def ask(path: str) -> tuple[int, bytes]:
                    async with session.get(f"{self.url}/{path}") as answer:
                        return answer.status, await answer.read()

                try:
                    await scenario(ask)
                finally:
                    await site.close()

        asyncio.run(served())
        assert kept is not None
        kept.close()
