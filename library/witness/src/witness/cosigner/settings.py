"""The configuration file of h323-witness-cosigner (docs/witness-yaml.md)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from witness.errors import WitnessError
from witness.note import Algorithm, Verifier, parse_vkey
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

PORT = 9724
METRICS_PORT = 9725
_VKEYS = "[council.example/h323_ras+5da8b0cd+AR…, …]"


@dataclass(frozen=True, slots=True)
class CosignerSettings:
    """All of it."""

    key: Path
    """A file with the one private key."""
    state: Path
    """The folder of what was cosigned last, and of the evidence."""
    logs: tuple[Verifier, ...]
    """Keys of the logs; a key's name is the log's origin."""
    submitters: frozenset[str] | None
    """Common names of the certificates that may submit; None: every certificate of our authority."""
    listen: tuple[str, int]
    tls: Tls
    metrics: MetricsSettings


def load_settings(path: Path) -> CosignerSettings:
    """Read the configuration file.

    Raises:
        SettingsError: it can't be read or breaks a rule; the text names file, key and what to write.
    """
    return load(path, "cosigner.yaml", parse_settings)


def parse_settings(values: object) -> CosignerSettings:
    """Settings from the values of the file.

    Raises:
        SettingsError: a value is missing, wrong or unknown.
    """
    top = Section(values, "", "key:, state:, logs: and so on, one a line")
    settings = CosignerSettings(
        key=top.path("key", "/var/lib/h323-cosigner/key"),
        state=top.path("state", "/var/lib/h323-cosigner"),
        logs=_logs(top),
        submitters=_submitters(top),
        listen=take_listen(top, "192.0.2.13", PORT),
        tls=take_own_tls(top),
        metrics=take_metrics(top.inner("metrics", "{address: 127.0.0.1, port: 9725}", {}), METRICS_PORT),
    )
    top.end()
    return settings


def _logs(top: Section) -> tuple[Verifier, ...]:
    try:
        logs = tuple(parse_vkey(each) for each in top.texts("logs", _VKEYS))
    except SettingsError:
        raise
    except WitnessError as error:
        raise SettingsError(f"logs: {error}; write what h323-witness vkey FILE prints") from error
    if any(each.algorithm is not Algorithm.ED25519 for each in logs):
        raise SettingsError("logs: a cosigner's key is none of a log; write what h323-witness vkey FILE prints")
    return logs


def _submitters(top: Section) -> frozenset[str] | None:
    return frozenset(top.texts("submitters", "[gk1, gk2]")) if top.has("submitters") else None
