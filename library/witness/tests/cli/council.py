"""A council's folder with all three streams, and the command on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from witness.cli import main
from witness.day_files.streams import STREAMS

from library.witness.tests.made_log import MadeLog, policy_text


class Council:
    """The folder above the three streams, a policy, and how to run the command."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = folder / "logs"
        self.logs = {name: MadeLog(self.directory, name).add(12).publish() for name in STREAMS}
        self.policy = folder / "policy"
        self.policy.write_text(policy_text())
        self.out = self.err = ""
        self._capsys = capsys

    @property
    def ras(self) -> MadeLog:
        return self.logs["h323_ras"]

    def run(self, *arguments: object) -> int:
        """The command's exit code; what it printed is in `out` and `err`."""
        self._capsys.readouterr()
        try:
            return main([str(each) for each in arguments])
        except SystemExit as ended:
            return int(ended.code or 0)
        finally:
            self.out, self.err = self._capsys.readouterr()

    def verify(self, *more: object) -> int:
        return self.run("verify", self.directory, "--policy", self.policy, *more)
