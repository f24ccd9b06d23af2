"""A connection to etcd through somebody in between, who cuts it, or loses an answer."""

from __future__ import annotations

import asyncio
import contextlib

from .etcd_cluster import HOST

_TURNS = 3
"""Of the loop, in which asyncio tells of an accepted connection, and of an aborted one."""


async def _turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class Link:
    """Carries connections to etcd, and cuts them when told to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def endpoint(self) -> str:
        assert self._server is not None
        return f"https://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, 0)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        # The loop hands over in later turns what it accepted before, and closes in a later turn what was aborted.
        await _turns()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await _turns()

    def cut(self) -> None:
        """Break every connection there is."""
        for writer in self._writers:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Already before the other side is connected, and if that never begins.
        self._writers.add(writer)
        task = asyncio.ensure_future(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        both = {writer}
        try:
            there_reader, there_writer = await asyncio.open_connection(HOST, self._port)
            both.add(there_writer)
            self._writers.add(there_writer)
            await asyncio.gather(self._pump(reader, there_writer), self._answers(there_reader, writer))
        finally:
            self._writers -= both
            for one in both:
                one.transport.abort()

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while octets := await reader.read(65_536):
                writer.write(octets)
                await writer.drain()
        writer.close()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._pump(reader, writer)


class LossyLink(Link):
    """When told to, it delivers the next request and loses the answer."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._lose = False
        self.lost = 0

    def lose_next_answer(self) -> None:
        self._lose = True

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        losing = False
        with contextlib.suppress(OSError):
            while octets := await reader.read(65_536):
                if self._lose:
                    losing, self._lose = True, False
                    self.lost += 1
                if not losing:
                    writer.write(octets)
                    await writer.drain()
        writer.close()
