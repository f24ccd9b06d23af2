"""Health for whoever asks on this host, metrics for whoever has a certificate."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from gatekeeper.control import Control
from gatekeeper.core import Call, Selection
from gatekeeper.metrics import Metrics, Status
from gatekeeper.operation import NotActiveError
from witness.service.settings import MetricsSettings, SettingsError, Tls

from .guardian import HOST
from .running import free_port

WELL = Status("gk1", "primary", True, True, 3, 2, 1, "etcd", None, False)


class Nobody:
    """A gatekeeper that is not active."""

    def list_calls(self) -> tuple[Call, ...]:
        raise NotActiveError

    async def clear_calls(self, selection: Selection) -> int:
        del selection
        raise NotActiveError


@asynccontextmanager
async def listening(folder: Path, status: Status, metrics: MetricsSettings) -> AsyncIterator[aiohttp.ClientSession]:
    """A control socket, and a client at it."""
    control = Control(lambda: status, Metrics(lambda: status), Nobody())
    await control.open(folder / "control.sock", metrics)
    connector = aiohttp.UnixConnector(str(folder / "control.sock"))
    try:
        async with aiohttp.ClientSession("http://localhost", connector=connector) as session:
            yield session
    finally:
        await control.close()


@pytest.mark.parametrize(
    ("status", "health", "active"),
    [
        (WELL, 200, 200),
        (replace(WELL, active=False), 200, 503),
        (replace(WELL, healthy=False, active=False, trouble="the store is away"), 503, 503),
    ],
)
def test_the_role_is_an_http_status(tmp_path: Path, status: Status, health: int, active: int) -> None:
    async def scenario() -> None:
        async with listening(tmp_path, status, MetricsSettings(port=0)) as client:
            for path, expected in (("/health", health), ("/active", active), ("/status", 200), ("/other", 404)):
                async with client.get(path) as response:
                    assert response.status == expected
            async with client.get("/status") as response:
                assert (await response.json())["trouble"] == status.trouble
            async with client.get("/metrics") as response:
                assert response.headers["Content-Type"] == "text/plain; version=0.0.4"
                assert "h323_gatekeeper_up" in await response.text()

    asyncio.run(scenario())
    assert (tmp_path / "control.sock").exists() is False


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"terminal_id": "if://guardian/alice"}', 409),
        (b'{"call_identifier": "00112233445566778899aabbccddeeff"}', 409),
        (b'{"call_identifier": "0011"}', 400),
        (b'{"conference_id": "alice"}', 400),
        (b'{"conference_id": 7}', 400),
        (b'{"everything": "yes"}', 400),
        (b"{}", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b"", 400),
        (b'{"terminal_id": "a", "conference_id": "00112233445566778899aabbccddeeff"}', 400),
        (b'{"terminal_id": "%s"}' % (b"a" * 5_000), 413),
    ],
)
def test_calls_are_cleared_only_by_who_says_which_and_where_there_are_some(
    tmp_path: Path, body: bytes, status: int
) -> None:
    async def scenario() -> None:
        async with (
            listening(tmp_path, WELL, MetricsSettings(port=0)) as client,
            client.post("/calls/clear", data=body) as response,
        ):
            assert response.status == status

    asyncio.run(scenario())


def test_a_standby_has_no_calls_to_show(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with listening(tmp_path, WELL, MetricsSettings(port=0)) as client, client.get("/calls") as response:
            assert response.status == 409
            assert "not active" in (await response.json())["error"]

    asyncio.run(scenario())


def client_context(tls: Tls, certificate: Tls | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.ca))
    if certificate is not None:
        context.load_cert_chain(certificate.certificate, certificate.private_key)
    return context


def test_metrics_are_for_those_with_a_certificate(tmp_path: Path, make_certificates: Callable[[Path], Tls]) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    ours, theirs = make_certificates(tmp_path / "ours"), make_certificates(tmp_path / "theirs")
    url = f"https://{HOST}:{(port := free_port())}/metrics"

    async def scenario() -> None:
        async with listening(tmp_path, WELL, MetricsSettings(HOST, port, ours)), aiohttp.ClientSession() as client:
            async with client.get(url, ssl=client_context(ours, ours)) as response:
                assert "h323_gatekeeper_up" in await response.text()
            for certificate in (None, theirs):
                with pytest.raises(aiohttp.ClientError):
                    await client.get(url, ssl=client_context(ours, certificate))

    asyncio.run(scenario())


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    async def scenario(socket: Path, metrics: MetricsSettings) -> None:
        control = Control(lambda: WELL, Metrics(lambda: WELL), Nobody())
        try:
            await control.open(socket, metrics)
        finally:
            await control.close()

    nowhere = tmp_path / "nowhere" / "control.sock"
    with pytest.raises(SettingsError, match=r"control\.sock: No such file or directory"):
        asyncio.run(scenario(nowhere, MetricsSettings(port=0)))
    with pytest.raises(SettingsError, match="cannot be used"):
        asyncio.run(scenario(tmp_path / "control.sock", MetricsSettings(HOST, 0, Tls(nowhere, nowhere, nowhere))))
    precious = tmp_path / "precious"
    precious.write_text("not a socket")
    with pytest.raises(SettingsError, match="precious"):
        asyncio.run(scenario(precious, MetricsSettings(port=0)))
    assert precious.read_text() == "not a socket"
