"""How each service's program begins and ends."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from witness.service.settings import SettingsError

LOGGER = logging.getLogger(__name__)
_BAD_INPUT = 2


class Service(Protocol):
    """What a program runs."""

    def check(self) -> None:
        """Read what the settings name. Raises SettingsError."""

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled; `ready` is called when it serves."""


def run_program(
    parser: argparse.ArgumentParser,
    config: Path,
    make: Callable[[Path], Service],
    arguments: Sequence[str] | None = None,
    unusable: tuple[type[Exception], ...] = (),
) -> int:
    """Serve until SIGTERM, or only check the settings, by the command line's choice. The exit code is returned.

    `config` is where the settings usually are, `make` makes the service from them. SettingsError and what is `unusable`
    besides say what can't be used: one sentence, and exit code 2.
    """
    parser.add_argument("--config", type=Path, default=config, help="configuration file (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="only read the settings, and the files that they name")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    told: tuple[type[Exception], ...] = (SettingsError, *unusable)
    try:
        service = make(options.config)
        if options.check:
            service.check()
        else:
            asyncio.run(_run(service))
    except told as error:
        sys.stderr.write(f"{error}\n")
        return _BAD_INPUT
    return 0


async def _run(service: Service) -> None:
    serving = asyncio.ensure_future(service.run(lambda: LOGGER.info("serving")))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    await asyncio.wait([serving])
    if not serving.cancelled():
        serving.result()
    LOGGER.info("stopped")
