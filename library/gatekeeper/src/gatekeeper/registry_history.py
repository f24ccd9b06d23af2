"""The registries that were in force, beside the witness log: `h323-witness replay` judges old decisions by them."""

from __future__ import annotations

import logging
from pathlib import Path

from witness.durable_file import replace_durably

from gatekeeper.registry import Registry

LOGGER = logging.getLogger(__name__)
FOLDER = "registry-history"
"""In the folder of the log."""
SUFFIX = ".yaml"
MOST_KEPT = 1_000
"""Files; the oldest give way."""


def keep_registry(registry: Registry, log_directory: Path) -> None:
    """Keep the file that this registry was read from, under its version's name; one that is there already is kept.

    What is kept helps an auditor, and decides nothing: a disk that refuses is only told of.
    """
    folder = log_directory / FOLDER
    path = folder / f"{registry.version}{SUFFIX}"
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        if path.exists():
            path.touch()
        else:
            replace_durably(path, registry.octets)
        kept = sorted(folder.glob(f"*{SUFFIX}"), key=lambda one: one.stat().st_mtime)
        for old in kept[:-MOST_KEPT]:
            old.unlink()
    except OSError as error:
        LOGGER.warning("%s: the registry in force isn't kept for auditors (%s)", path, error.strerror)
