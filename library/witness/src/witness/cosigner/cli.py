"""The command h323-witness-cosigner."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from witness.cosigner.service import CosignerService
from witness.cosigner.settings import load_settings
from witness.service.program import run_program

CONFIG = Path("/etc/h323-cosigner/cosigner.yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM. Exit code 2: the settings can't be used."""
    text = "Cosign checkpoints of logs that only grow (C2SP tlog-witness), and keep evidence of those that do not."
    parser = argparse.ArgumentParser(prog="h323-witness-cosigner", description=text)
    return run_program(parser, CONFIG, lambda path: CosignerService(load_settings(path)), arguments)
