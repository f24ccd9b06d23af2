"""The configuration file of h323-witness-log (docs/witness-yaml.md)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from witness.service.settings import (
    MetricsSettings,
    Section,
    SettingsError,
    Tls,
    load,
    take_listen,
    take_metrics,
    take_own_tls,
)

PORT = 9721
METRICS_PORT = 9722
_URLS = "[https://192.0.2.12:9721]"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """All of it."""

    node: str
    """As the records name it."""
    directory: Path
    """The folder above the streams' folders."""
    policy: Path
    signing_keys: Path | None
    """One private key a stream; None where nothing is signed."""
    tls: Tls | None
    listen: tuple[str, int] | None
    peers: tuple[str, ...]
    archives: frozenset[str]
    """Common names of the hosts that may say what they have archived."""
    metrics: MetricsSettings


def load_settings(path: Path) -> LogSettings:
    """Read the configuration file.

    Raises:
        SettingsError: it can't be read or breaks a rule; the text names file, key and what to write.
    """
    return load(path, "log.yaml", parse_settings)


def parse_settings(values: object) -> LogSettings:
    """Settings from the values of the file.

    Raises:
        SettingsError: a value is missing, wrong or unknown.
    """
    top = Section(values, "", "node:, directory:, policy: and so on, one a line")
    tls = take_own_tls(top) if top.has("tls") else None
    settings = LogSettings(
        node=top.name("node", "gk1"),
        directory=top.path("directory", "/var/log/guardian-council"),
        policy=top.path("policy", "/etc/h323-witness/policy"),
        signing_keys=top.path("signing_keys", "/etc/h323-witness/log-keys") if top.has("signing_keys") else None,
        tls=tls,
        listen=take_listen(top, "192.0.2.11", PORT) if top.has("listen") else None,
        peers=top.urls("peers", _URLS, []),
        archives=frozenset(top.texts("archives", "[archive1]")) if top.has("archives") else frozenset(),
        metrics=take_metrics(top.inner("metrics", "{address: 127.0.0.1, port: 9722}", {}), METRICS_PORT),
    )
    top.end()
    if tls is None and (settings.listen is not None or settings.peers):
        raise SettingsError("listen and peers need certificates; write tls: {ca: …, certificate: …, private_key: …}")
    if settings.signing_keys is None and not settings.peers:
        raise SettingsError("nobody would sign or be followed here; write signing_keys: FILE or peers: [URL, …]")
    return settings
