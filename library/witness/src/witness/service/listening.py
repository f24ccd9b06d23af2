"""Begins to listen, or says which setting to change."""

from __future__ import annotations

import ssl

from aiohttp import web

from witness.service.settings import SettingsError


async def listen(runner: web.AppRunner, setting: str, address: str, port: int, tls: ssl.SSLContext | None) -> int:
    """Serve what the runner has; the port, which the kernel has chosen where it is 0. `setting` says whose port it is.

    Raises:
        SettingsError: the address can't be used.
    """
    await runner.setup()
    try:
        # asyncio sets TCP_NODELAY on every connection.
        await web.TCPSite(runner, address, port, ssl_context=tls).start()
    except OSError as error:
        where = f"{setting} {address} port {port}"
        raise SettingsError(f"{where}: {error.strerror or error}; write another {setting}.port") from error
    return int(runner.addresses[0][1])
