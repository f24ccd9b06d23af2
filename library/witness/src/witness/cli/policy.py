"""`policy` says whether a file is a policy, and what it demands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from witness.policy import MAX_OCTETS, PolicyError, parse_policy

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_policy(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that checks a policy."""
    text = "check a policy (C2SP tlog-policy) and say whom it names: exit code 0 if it is good, otherwise 2"
    command = commands.add_parser("policy", help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.add_argument("file", type=Path, metavar="FILE", help="the policy")
    command.set_defaults(run=_policy)


def _policy(options: argparse.Namespace) -> int:
    try:
        with options.file.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except OSError as error:
        raise PolicyError(f"{options.file}: cannot be read ({error.strerror})") from error
    try:
        policy = parse_policy(octets)
    except PolicyError as error:
        raise PolicyError(f"{options.file}: {error}") from error
    for log in policy.logs:
        print(f"log {log.verifier.name}")
    for name, cosigner in policy.cosigners.items():
        print(f"cosigner {name}{f' at {cosigner.url}' if cosigner.url else ''}")
    print(f"quorum {policy.quorum}")
    return 0
