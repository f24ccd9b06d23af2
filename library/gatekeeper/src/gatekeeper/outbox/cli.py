"""The command h323-witness-mirror."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from witness.day_files.writer import WitnessLogError
from witness.service.settings import SettingsError
from witness.service.tls import client_tls

from gatekeeper.outbox.mirror import Mirror
from gatekeeper.outbox.mirror_settings import MirrorSettings, load_settings
from gatekeeper.outbox.refetch import peer_refetch
from gatekeeper.store import StoreError
from gatekeeper.store.etcd import EtcdStore

CONFIG = Path("/etc/h323-witness/mirror.yaml")
LOGGER = logging.getLogger(__name__)
_BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Mirror until SIGTERM. Exit code 2: settings or files can't be used."""
    text = "Keep a copy of the witness log's day files on this host, out of the council's store."
    parser = argparse.ArgumentParser(prog="h323-witness-mirror", description=text)
    parser.add_argument("--config", type=Path, default=CONFIG, help="configuration file (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="only read the settings, and the files that they name")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    try:
        settings = load_settings(options.config)
        mirror = _mirror(settings)
        if not options.check:
            asyncio.run(_run(mirror))
    except (SettingsError, StoreError, WitnessLogError) as error:
        print(error, file=sys.stderr)
        return _BAD_INPUT
    return 0


def _mirror(settings: MirrorSettings) -> Mirror:
    store = settings.store
    if store.tls is None:
        raise SettingsError("store has no certificates; write ca, certificate and private_key")
    for tls in (store.tls, settings.metrics.tls):
        if tls is not None:
            client_tls(tls)
    # The role names the own member first: it is lost only together with this host.
    near = urlsplit(store.endpoints[0]).hostname
    refetch = peer_refetch(settings.log_directory, settings.refetch, store.tls)
    return Mirror(settings, EtcdStore(store.endpoints, store.tls, store.trimming, near), refetch)


async def _run(mirror: Mirror) -> None:
    mirroring = asyncio.ensure_future(mirror.run(lambda: LOGGER.info("mirroring")))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, mirroring.cancel)
    await asyncio.wait([mirroring])
    if not mirroring.cancelled():
        mirroring.result()
    LOGGER.info("stopped")
