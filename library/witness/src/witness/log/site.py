"""Serves the streams' logs to other replicas: what C2SP tlog-tiles names, below /STREAM/."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from aiohttp import web

from witness.errors import WitnessError
from witness.log.stream_log import RemovedError, StreamLog
from witness.service.listening import listen
from witness.service.settings import Tls
from witness.service.tls import server_tls
from witness.tiles import (
    ENTRIES,
    WIDTH,
    Tile,
    TileError,
    TilePathError,
    TileReader,
    encode_entries,
    folder_source,
    parse_tile_path,
)

_OCTETS = "application/octet-stream"


class LogSite:
    """The listener. A stream is served while its log fits its checkpoint."""

    def __init__(self, logs: Mapping[str, Callable[[], StreamLog | None]]) -> None:
        """Serve these; each is asked for at each request, and None while nobody vouches for it."""
        self._logs = logs
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def open(self, address: str, port: int, tls: Tls) -> None:
        """Listen.

        Raises:
            SettingsError: the address or a certificate can't be used.
        """
        application = web.Application()
        application.add_routes(
            [web.get("/{stream}/checkpoint", self._checkpoint), web.get("/{stream}/{path:tile/.*}", self._tile)]
        )
        self._runner = web.AppRunner(application, access_log=None)
        self.port = await listen(self._runner, "listen", address, port, server_tls(tls))

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _log(self, request: web.Request) -> StreamLog:
        stream = request.match_info["stream"]
        if stream not in self._logs:
            raise web.HTTPNotFound(text="there is no such stream\n")
        log = self._logs[stream]()
        if log is None or log.published is None:
            raise web.HTTPServiceUnavailable(text="there is no checkpoint of this stream here now\n")
        return log

    async def _checkpoint(self, request: web.Request) -> web.Response:
        log = self._log(request)
        return web.Response(body=log.published, content_type="text/plain", headers={"Cache-Control": "no-store"})

    async def _tile(self, request: web.Request) -> web.Response:
        log = self._log(request)
        try:
            tile = parse_tile_path(request.match_info["path"])
        except TilePathError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        if tile.end > log.covered:
            raise web.HTTPNotFound(text="no checkpoint covers this yet\n")
        try:
            octets = await asyncio.get_running_loop().run_in_executor(None, _octets, log, tile)
        except (TileError, RemovedError) as error:
            raise web.HTTPNotFound(text=f"{error}\n") from error
        except WitnessError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n") from error
        return web.Response(body=octets, content_type=_OCTETS)


def _octets(log: StreamLog, tile: Tile) -> bytes:
    if tile.level == ENTRIES:
        return encode_entries(log.entries(tile.index * WIDTH, tile.width))
    return TileReader(log.covered, folder_source(log.folder)).tile(tile)
