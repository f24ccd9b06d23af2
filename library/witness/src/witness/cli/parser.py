"""What the commands' parsers have in common."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from witness.day_files.streams import STREAMS

if TYPE_CHECKING:
    from argparse import _SubParsersAction

BAD_INPUT = 2
USAGE = 64
"""Arguments or input that can't be used (sysexits' EX_USAGE), for commands where 2 says something about the log."""


class Parser(argparse.ArgumentParser):
    """Ends with USAGE where it can't make sense of the arguments: argparse's 2 would be an unsigned tail."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def add_command(
    commands: _SubParsersAction[argparse.ArgumentParser], name: str, text: str, epilog: str
) -> argparse.ArgumentParser:
    """A command whose input errors are not taken for a verdict."""
    command = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(bad_input=USAGE)
    return command


def add_directory(command: argparse.ArgumentParser) -> None:
    """The folder, and which of its streams."""
    command.add_argument("directory", type=Path, metavar="DIR", help="a stream's folder, or the one above all three")
    add_stream(command)


def add_stream(command: argparse.ArgumentParser) -> None:
    """Which of the folder's streams."""
    command.add_argument("--stream", choices=[*STREAMS], help="this one, of a folder above all three")
