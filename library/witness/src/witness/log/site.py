"""Serves the streams' logs to other replicas: what C2SP tlog-tiles names, below /STREAM/.

Archives that are named may say there what they have: POST /STREAM/archived, with their checkpoint.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from aiohttp import web

from witness.errors import WitnessError
from witness.log.archived import OtherLogError, mark_archived
from witness.log.stream_log import RemovedError, StreamLog
from witness.service.listening import listen
from witness.service.settings import Tls
from witness.service.tls import client_name, server_tls
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

LOGGER = logging.getLogger(__name__)
_OCTETS = "application/octet-stream"
_LARGEST_CHECKPOINT = 65_536
_PATIENCE = 5.0
"""Seconds that a body may take."""


class LogSite:
    """The listener. A stream is served while its log fits its checkpoint."""

    def __init__(self, logs: Mapping[str, Callable[[], StreamLog | None]], archives: Collection[str] = ()) -> None:
        """Serve these; each is asked for at each request, and None while nobody vouches for it.

        `archives` are the common names of those that are believed what they have.
        """
        self._logs = logs
        self._archives = archives
        self._marking = asyncio.Lock()
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def open(self, address: str, port: int, tls: Tls) -> None:
        """Listen.

        Raises:
            SettingsError: the address or a certificate can't be used.
        """
        application = web.Application(client_max_size=_LARGEST_CHECKPOINT)
        application.add_routes(
            [
                web.get("/{stream}/checkpoint", self._checkpoint),
                web.get("/{stream}/{path:tile/.*}", self._tile),
                web.post("/{stream}/archived", self._archived),
            ]
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

    async def _archived(self, request: web.Request) -> web.Response:
        name = client_name(request)
        if name not in self._archives:
            LOGGER.warning("%s at %s may not say what is archived", name, request.remote)
            raise web.HTTPForbidden(text=f"{name} is no archive of this log\n")
        log = self._log(request)
        try:
            body = await asyncio.wait_for(request.read(), _PATIENCE)
        except asyncio.TimeoutError as error:
            raise web.HTTPRequestTimeout(text="the request took too long\n") from error
        try:
            async with self._marking:
                size = await asyncio.get_running_loop().run_in_executor(None, mark_archived, log, body)
        except OtherLogError as error:
            LOGGER.critical("what %s has archived of %s is not this log: %s", name, log.name, error)
            raise web.HTTPConflict(text=f"{error}\n") from error
        except WitnessError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n") from error
        return web.Response(text=f"{size}\n")


def _octets(log: StreamLog, tile: Tile) -> bytes:
    if tile.level == ENTRIES:
        return encode_entries(log.entries(tile.index * WIDTH, tile.width))
    return TileReader(log.covered, folder_source(log.folder)).tile(tile)
