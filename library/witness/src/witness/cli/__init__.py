"""The command `h323-witness`: what an operator and an auditor do with the log."""

from witness.cli.main import main

__all__ = ["main"]
