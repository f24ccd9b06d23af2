"""The command h323-witness-mirror."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from witness.day_files.writer import WitnessLogError
from witness.service.program import run_program
from witness.service.settings import SettingsError
from witness.service.tls import check_tls

from gatekeeper.outbox.mirror import Mirror
from gatekeeper.outbox.mirror_settings import MirrorSettings, load_settings
from gatekeeper.outbox.refetch import peer_refetch
from gatekeeper.store import StoreError
from gatekeeper.store.etcd import EtcdStore

CONFIG = Path("/etc/h323-witness/mirror.yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Mirror until SIGTERM. Exit code 2: settings or files can't be used."""
    text = "Keep a copy of the witness log's day files on this host, out of the council's store."
    parser = argparse.ArgumentParser(prog="h323-witness-mirror", description=text)
    unusable = (StoreError, WitnessLogError)
    return run_program(parser, CONFIG, lambda path: _mirror(load_settings(path)), arguments, unusable)


def _mirror(settings: MirrorSettings) -> Mirror:
    store = settings.store
    if store.tls is None:
        raise SettingsError("store has no certificates; write ca, certificate and private_key")
    check_tls(store.tls, settings.metrics.tls)
    # The role names the own member first: it is lost only together with this host.
    near = urlsplit(store.endpoints[0]).hostname
    refetch = peer_refetch(settings.log_directory, settings.refetch, store.tls)
    return Mirror(settings, EtcdStore(store.endpoints, store.tls, store.trimming, near), refetch)
