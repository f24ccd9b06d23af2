"""The command h323-witness-log."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from witness.log.service import LogService
from witness.log.settings import load_settings
from witness.service.program import run_program

CONFIG = Path("/etc/h323-witness/log.yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM. Exit code 2: the settings can't be used."""
    text = "Sign, publish and serve the witness log of this host, or follow the one that signs it."
    parser = argparse.ArgumentParser(prog="h323-witness-log", description=text)
    return run_program(parser, CONFIG, lambda path: LogService(load_settings(path)), arguments)
