"""The cosigner of one host: its key, its memory, its listener and its metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry

from witness.cosigner.desk import Desk
from witness.cosigner.evidence import EvidenceFolder
from witness.cosigner.judgement import Judge
from witness.cosigner.memory import Memory
from witness.cosigner.metrics import CosignerMetrics
from witness.cosigner.origin_name import file_name
from witness.cosigner.settings import CosignerSettings
from witness.cosigner.site import CosignerSite
from witness.errors import WitnessError
from witness.note import Cosigner, parse_skeys
from witness.service.manager import ServiceManager
from witness.service.metrics_site import MetricsSite
from witness.service.settings import SettingsError
from witness.service.tls import check_tls

_LARGEST_KEY_FILE = 10_000


class CosignerService:
    """Runs until cancelled."""

    def __init__(self, settings: CosignerSettings, memory: Memory | None = None) -> None:
        """Read the key. `memory` is the one in the state's folder, unless a test brings another.

        Raises:
            SettingsError: the key or a log can't be used.
        """
        self._settings = settings
        self._key = _read_key(settings)
        self._origins = tuple(dict.fromkeys(each.name for each in settings.logs))
        try:
            for origin in self._origins:
                file_name(origin)
        except WitnessError as error:
            raise SettingsError(f"logs: {error}") from error
        self._memory = memory or Memory(settings.state)
        self._evidence = EvidenceFolder(settings.state / "evidence")
        self._manager = ServiceManager()
        self.port = 0
        """Where checkpoints are submitted."""

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
        collector = CosignerMetrics(self._sizes, self._forks)
        registry = CollectorRegistry()
        metrics = MetricsSite(registry)
        judge = Judge(self._key, self._settings.logs)
        desk = Desk(judge, self._memory, self._evidence, collector)
        site = CosignerSite(desk.submit, self._settings.submitters)
        try:
            self._open_state()
            registry.register(collector)
            await metrics.open(self._settings.metrics)
            await site.open(*self._settings.listen, self._settings.tls)
            self.port = site.port
            self._manager.notify(READY=1)
            ready()
            await self._tell_systemd()
        finally:
            await site.close()
            await metrics.close()
            self._memory.close()
            self._manager.close()

    def _open_state(self) -> None:
        try:
            self._memory.open(self._origins, self._key.verifier)
            self._evidence.open()
        except OSError as error:
            raise SettingsError(f"state {self._settings.state}: {error.strerror}; let it be written") from error
        except WitnessError as error:
            raise SettingsError(f"state: {error}") from error

    async def _tell_systemd(self) -> None:
        while True:
            sizes = ", ".join(f"{origin}: {size}" for origin, size in self._sizes().items())
            self._manager.notify(WATCHDOG=1, STATUS=f"cosigned {sizes or 'nothing yet'}")
            await asyncio.sleep(self._manager.watchdog_interval or 1.0)

    def _sizes(self) -> Mapping[str, int]:
        return {origin: one.checkpoint.size for origin, one in self._memory.kept.items()}

    def _forks(self) -> Mapping[str, int]:
        return {origin: self._evidence.count(origin) for origin in self._origins}


def _read_key(settings: CosignerSettings) -> Cosigner:
    try:
        with settings.key.open("rb") as file:
            keys = list(parse_skeys(file.read(_LARGEST_KEY_FILE).decode()).values())
    except OSError as error:
        raise SettingsError(f"key {settings.key}: {error.strerror}; let it be read") from error
    except (WitnessError, UnicodeDecodeError) as error:
        raise SettingsError(f"key {settings.key}: {error}") from error
    if len(keys) != 1 or not isinstance(keys[0], Cosigner):
        raise SettingsError(f"key {settings.key} is not one cosigner's; h323-witness keygen --cosigner makes one")
    return keys[0]
