"""The command `guardian-terminal`."""

from terminal.cli.main import main

__all__ = ["main"]
