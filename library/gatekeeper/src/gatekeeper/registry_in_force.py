"""The registry in force, which is read again when the operator says so."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from witness.service.manager import ServiceManager

from gatekeeper.passwords import PasswordsError
from gatekeeper.registry import Registry, RegistryError, load_registry_and_passwords
from gatekeeper.registry_history import keep_registry
from gatekeeper.settings import Settings

LOGGER = logging.getLogger(__name__)


class RegistryInForce:
    """Keeps it; `reloading` is the task that reads another one, if there was one."""

    def __init__(
        self, settings: Settings, registry: Registry, manager: ServiceManager, changed: Callable[[Registry], None]
    ) -> None:
        """`changed` is told of each new one."""
        self._settings = settings
        self._manager = manager
        self._changed = changed
        self.registry = registry
        keep_registry(registry, settings.log_directory)
        self.reloading: asyncio.Task[None] | None = None

    def reload(self) -> None:
        """Read the registry again; one that can't be used changes nothing."""
        if self.reloading is None or self.reloading.done():
            self.reloading = asyncio.ensure_future(self._reload())

    async def _reload(self) -> None:
        self._manager.notify(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000)
        try:
            # In a thread: a large registry takes longer to read than a terminal likes to wait.
            loop = asyncio.get_running_loop()
            self.registry = await loop.run_in_executor(None, self._load)
        except (RegistryError, PasswordsError) as error:
            LOGGER.warning("the registry stays as it was:\n%s", error)
        else:
            self._changed(self.registry)
            LOGGER.info("registry loaded: %d guardians", len(self.registry.guardians))
        self._manager.notify(READY=1)

    def _load(self) -> Registry:
        registry = load_registry_and_passwords(self._settings.registry, self._settings.passwords)
        keep_registry(registry, self._settings.log_directory)
        return registry
