"""Where Prometheus reads a service's metrics."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from witness.service.listening import listen
from witness.service.settings import MetricsSettings
from witness.service.tls import server_tls

_TYPE = "text/plain; version=0.0.4"


class MetricsSite:
    """GET /metrics, by mutual TLS or on loopback."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Show what is registered there."""
        self._registry = registry
        self._runner: web.AppRunner | None = None

    async def open(self, settings: MetricsSettings) -> None:
        """Listen.

        Raises:
            SettingsError: the address or a certificate can't be used.
        """
        tls = server_tls(settings.tls) if settings.tls else None
        application = web.Application()
        application.add_routes([web.get("/metrics", self._show)])
        self._runner = web.AppRunner(application, access_log=None)
        await listen(self._runner, "metrics", settings.address, settings.port, tls)

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _show(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": _TYPE})
