"""The command h323-witness-cosigner."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from witness.cosigner.service import CosignerService
from witness.cosigner.settings import load_settings
from witness.service.settings import SettingsError

CONFIG = Path("/etc/h323-cosigner/cosigner.yaml")
LOGGER = logging.getLogger(__name__)
_BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM. Exit code 2: the settings can't be used."""
    text = "Cosign checkpoints of logs that only grow (C2SP tlog-witness), and keep evidence of those that do not."
    parser = argparse.ArgumentParser(prog="h323-witness-cosigner", description=text)
    parser.add_argument("--config", type=Path, default=CONFIG, help="configuration file (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="only read the settings, and the files that they name")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    try:
        service = CosignerService(load_settings(options.config))
        if options.check:
            service.check()
        else:
            asyncio.run(_run(service))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return _BAD_INPUT
    return 0


async def _run(service: CosignerService) -> None:
    serving = asyncio.ensure_future(service.run(lambda: LOGGER.info("serving")))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    await asyncio.wait([serving])
    if not serving.cancelled():
        serving.result()
    LOGGER.info("stopped")
