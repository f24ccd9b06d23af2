"""The configuration file of h323-witness-mirror (docs/witness-yaml.md)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from witness.service.settings import MetricsSettings, Section, SettingsError, load, take_metrics

from gatekeeper.settings import RefetchSettings, StoreSettings, take_refetch, take_store

METRICS_PORT = 9723


@dataclass(frozen=True, slots=True)
class MirrorSettings:
    """All of it."""

    node: str
    log_directory: Path
    store: StoreSettings
    refetch: RefetchSettings | None
    metrics: MetricsSettings


def load_settings(path: Path) -> MirrorSettings:
    """Read the configuration file.

    Raises:
        SettingsError: it can't be read or breaks a rule; the text names file, key and what to write.
    """
    return load(path, "mirror.yaml", parse_settings)


def parse_settings(values: object) -> MirrorSettings:
    """Settings from the values of the file.

    Raises:
        SettingsError: a value is missing, wrong or unknown.
    """
    top = Section(values, "", "node:, log_directory:, store: and so on, one a line")
    store = take_store(top.inner("store", "{kind: etcd, endpoints: […], ca: …, certificate: …, private_key: …}"))
    settings = MirrorSettings(
        node=top.name("node", "wit1"),
        log_directory=top.path("log_directory", "/var/log/guardian-council"),
        store=store,
        refetch=take_refetch(top, store),
        metrics=take_metrics(top.inner("metrics", "{address: 127.0.0.1, port: 9723}", {}), METRICS_PORT),
    )
    top.end()
    if store.tls is None:
        raise SettingsError("store.kind is sqlite, and what is on one host needs no mirror; write kind: etcd")
    return settings
