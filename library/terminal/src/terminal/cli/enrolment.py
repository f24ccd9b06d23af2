"""The commands keygen and enrol."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import datetime, timezone

from terminal.enrolment import enrol
from terminal.keys import create_private_key, load_private_key, public_key_file, public_key_text, write_public_key


def keygen_command(options: argparse.Namespace) -> int:
    """Make a key; print its public half as the registry wants it.

    Raises:
        TerminalError: the file exists, or can't be written.
    """
    again = options.public and options.out.exists()
    key = (load_private_key if again else create_private_key)(options.out).public_key()
    if options.public:
        write_public_key(public_key_file(options.out), key)
    if options.json:
        print(json.dumps({"ok": True, "changed": not again, "public_key": public_key_text(key)}))
    else:
        print(public_key_text(key))
    return 0


def enrol_command(options: argparse.Namespace) -> int:
    """Make keys and a registry.

    Raises:
        TerminalError: see `enrol`.
    """
    done = enrol(options.guardians, options.suspended, options.keys, options.registry, datetime.now(timezone.utc))
    if options.json:
        print(json.dumps({"ok": True, "changed": bool(done.added), **asdict(done)}))
    else:
        print(f"{options.registry}: {len(done.added)} enrolled, {len(done.present)} were there")
    return 0
