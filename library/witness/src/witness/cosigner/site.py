"""Where checkpoints are submitted: POST /add-checkpoint, by mutual TLS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from aiohttp import web

from witness.cosigner.evidence import Submitter
from witness.cosigner.judgement import Judgement
from witness.cosigner.request import MAX_OCTETS
from witness.service.listening import listen
from witness.service.settings import Tls
from witness.service.tls import client_name, server_tls

LOGGER = logging.getLogger(__name__)
_PATIENCE = 5.0
"""Seconds that a body may take."""
_KEEP_ALIVE = 75.0
"""Seconds for which a connection may be silent: the log services ask each second while there is traffic."""


class CosignerSite:
    """The listener."""

    def __init__(
        self, submit: Callable[[bytes, Submitter], Judgement], submitters: Collection[str] | None = None
    ) -> None:
        """`submitters` are the common names that may submit; None: whoever has a certificate of our authority."""
        self._submit = submit
        self._submitters = submitters
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def open(self, address: str, port: int, tls: Tls) -> None:
        """Listen.

        Raises:
            SettingsError: the address or a certificate can't be used.
        """
        application = web.Application(client_max_size=MAX_OCTETS)
        application.add_routes([web.post("/add-checkpoint", self._add_checkpoint)])
        # What is packed stays packed, and is no request.
        self._runner = web.AppRunner(
            application, access_log=None, keepalive_timeout=_KEEP_ALIVE, auto_decompress=False, shutdown_timeout=1.0
        )
        self.port = await listen(self._runner, "listen", address, port, server_tls(tls))

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _add_checkpoint(self, request: web.Request) -> web.Response:
        submitter = Submitter(client_name(request), request.remote or "")
        if self._submitters is not None and submitter.name not in self._submitters:
            LOGGER.warning("%s at %s may not submit", submitter.name, submitter.address)
            raise web.HTTPForbidden(text=f"{submitter.name} may not submit here\n")
        try:
            body = await asyncio.wait_for(request.read(), _PATIENCE)
        except asyncio.TimeoutError as error:
            raise web.HTTPRequestTimeout(text="the request took too long\n") from error
        judgement = self._submit(body, submitter)
        # Exactly this type: text/x.tlog.size has no charset.
        headers = {"Content-Type": judgement.content_type}
        return web.Response(status=judgement.status, body=judgement.body.encode(), headers=headers)
