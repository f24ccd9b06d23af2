"""The log service of one host: all streams, their site and their metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

import aiohttp
from prometheus_client import CollectorRegistry

from witness.day_files.streams import STREAMS
from witness.errors import WitnessError
from witness.log.metrics import LogCollector, StreamStatus
from witness.log.origins import origin_of, read_policy
from witness.log.peers import Peer
from witness.log.settings import LogSettings
from witness.log.site import LogSite
from witness.log.stream_service import Means, StreamService
from witness.note import Signer, parse_skeys
from witness.policy import Policy
from witness.service.manager import ServiceManager
from witness.service.metrics_site import MetricsSite
from witness.service.settings import SettingsError
from witness.service.tls import check_tls, client_tls

LOGGER = logging.getLogger(__name__)


class LogService:
    """Runs until cancelled."""

    def __init__(self, settings: LogSettings) -> None:
        """Read policy and keys.

        Raises:
            SettingsError: one of them can't be used.
        """
        self._settings = settings
        self._policy = usable_policy(settings)
        self._signers = read_signers(settings, self._policy)
        self._streams: list[StreamService] = []
        self._manager = ServiceManager()
        self.port = 0
        """Where the log is served."""

    def check(self) -> None:
        """Read the certificates, too.

        Raises:
            SettingsError: one of them can't be used.
        """
        check_tls(self._settings.tls, self._settings.metrics.tls)

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve; `ready` is called when everything listens.

        Raises:
            SettingsError: something can't be used, and what to do.
        """
        tls = self._settings.tls
        connector = aiohttp.TCPConnector(ssl=client_tls(tls)) if tls is not None else aiohttp.TCPConnector()
        async with aiohttp.ClientSession(connector=connector) as session:
            self._streams = self._make_streams(session)
            await self._serve(ready)

    def _make_streams(self, session: aiohttp.ClientSession) -> list[StreamService]:
        peers = [Peer(url, session) for url in self._settings.peers]
        means = Means(self._settings.node, self._settings.directory, self._policy, session, peers)
        return [StreamService(means, stream, self._signers.get(name)) for name, stream in STREAMS.items()]

    async def _serve(self, ready: Callable[[], None]) -> None:
        registry = CollectorRegistry()
        registry.register(LogCollector(self._status))
        metrics = MetricsSite(registry)
        site = LogSite({one.name: one.vouched_for for one in self._streams}, self._settings.archives)
        tasks: list[asyncio.Task[None]] = []
        try:
            await metrics.open(self._settings.metrics)
            if self._settings.listen is not None and self._settings.tls is not None:
                await site.open(*self._settings.listen, self._settings.tls)
                self.port = site.port
            tasks += [asyncio.ensure_future(one.run()) for one in self._streams]
            self._manager.notify(READY=1)
            ready()
            await self._watch(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await site.close()
            await metrics.close()
            self._manager.close()

    async def _watch(self, tasks: list[asyncio.Task[None]]) -> None:
        """Tell systemd; a stream that ended is unfit and says so, and a bug ends the service."""
        while True:
            for task in tasks:
                if task.done():
                    task.result()
            status = ", ".join(f"{name}: {one.state.value}" for name, one in self._status().items())
            self._manager.notify(WATCHDOG=1, STATUS=status)
            await asyncio.sleep(self._manager.watchdog_interval or 1.0)

    def _status(self) -> Mapping[str, StreamStatus]:
        return {one.name: one.status() for one in self._streams}


def usable_policy(settings: LogSettings) -> Policy:
    """The policy, with whose cosigners this host can speak.

    Raises:
        SettingsError: it can't be used.
    """
    policy = read_policy(settings.policy)
    unreachable = [name for name, key in policy.cosigners.items() if key.url is None]
    secured = [name for name, key in policy.cosigners.items() if key.url and key.url.startswith("https://")]
    if settings.signing_keys is not None and unreachable:
        raise SettingsError(f"policy {settings.policy}: witness {unreachable[0]} has no address; write its URL")
    if settings.signing_keys is not None and secured and settings.tls is None:
        raise SettingsError(f"cosigner {secured[0]} asks for a certificate; write tls: {{ca: …, certificate: …, …}}")
    return policy


def read_signers(settings: LogSettings, policy: Policy) -> dict[str, Signer]:
    """The log keys by stream, where this host signs.

    Raises:
        SettingsError: a key is missing, or isn't the one that the policy names.
    """
    if settings.signing_keys is None:
        return {}
    try:
        keys = parse_skeys(settings.signing_keys.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"signing_keys {settings.signing_keys}: {error.strerror}; let it be read") from error
    except (WitnessError, UnicodeDecodeError) as error:
        raise SettingsError(f"signing_keys {settings.signing_keys}: {error}") from error
    signers: dict[str, Signer] = {}
    for name in STREAMS:
        origin = origin_of(policy, name)
        key, named = keys.get(origin), policy.log(origin)
        if not isinstance(key, Signer) or named is None or key.verifier != named.verifier:
            raise SettingsError(
                f"signing_keys {settings.signing_keys} has no private key that fits the policy's log {origin};"
                " put the one there that the policy was made from"
            )
        signers[name] = key
    return signers
