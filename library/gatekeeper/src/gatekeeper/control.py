"""HTTP for machines and operators: health and status on a Unix socket, metrics for Prometheus by mutual TLS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from aiohttp import web
from witness.service.settings import MetricsSettings, SettingsError
from witness.service.tls import server_tls

from gatekeeper.metrics import Metrics, Status
from gatekeeper.operation import LARGEST_BODY, CallOperator, CallRoutes

_METRICS_TYPE = "text/plain; version=0.0.4"


class Control:
    """Both listeners."""

    def __init__(
        self, status: Callable[[], Status], metrics: Metrics, operator: CallOperator, more: Sequence[web.RouteDef] = ()
    ) -> None:
        """Answer by these; `more` is what else is at the control socket."""
        self._status = status
        self._metrics = metrics
        self._operations = [*CallRoutes(operator).routes, *more]
        self._runners: list[web.AppRunner] = []
        self._socket: Path | None = None

    async def open(self, socket: Path, settings: MetricsSettings) -> None:
        """Listen.

        Raises:
            SettingsError: the socket or the address can't be used.
        """
        tls = server_tls(settings.tls) if settings.tls else None
        local = web.Application(client_max_size=LARGEST_BODY)
        local.add_routes(
            [
                web.get("/status", self._show_status),
                web.get("/health", self._show_health),
                web.get("/active", self._show_active),
                web.get("/metrics", self._show_metrics),
                *self._operations,
            ]
        )
        scraped = web.Application()
        scraped.add_routes([web.get("/metrics", self._show_metrics)])
        try:
            if socket.is_socket():
                socket.unlink()
            await web.UnixSite(await self._runner(local), str(socket)).start()
            socket.chmod(0o660)
            self._socket = socket
        except OSError as error:
            raise SettingsError(f"control_socket {socket}: {error.strerror or error}") from error
        try:
            runner = await self._runner(scraped)
            await web.TCPSite(runner, settings.address, settings.port, ssl_context=tls).start()
        except OSError as error:
            where = f"{settings.address} port {settings.port}"
            raise SettingsError(f"metrics {where}: {error.strerror or error}; write another metrics.port") from error

    async def _runner(self, application: web.Application) -> web.AppRunner:
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        self._runners.append(runner)
        return runner

    async def close(self) -> None:
        """Stop listening."""
        for runner in self._runners:
            await runner.cleanup()
        if self._socket is not None:
            # asyncio removes it from Python 3.13 on only; a socket left behind looks like a gatekeeper that hangs.
            self._socket.unlink(missing_ok=True)

    async def _show_status(self, _request: web.Request) -> web.Response:
        return web.json_response(asdict(self._status()))

    async def _show_health(self, _request: web.Request) -> web.Response:
        status = self._status()
        return web.json_response({"healthy": status.healthy}, status=200 if status.healthy else 503)

    async def _show_active(self, _request: web.Request) -> web.Response:
        status = self._status()
        return web.json_response({"active": status.active}, status=200 if status.active else 503)

    async def _show_metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.exposition(), headers={"Content-Type": _METRICS_TYPE})
