"""The 8-guardian test: what must work, works; what must be refused, is refused, and under the right name."""

from terminal.smoke.council import Council, Member, load_council
from terminal.smoke.report import Report
from terminal.smoke.run import run_smoke
from terminal.smoke.step import Result

__all__ = ["Council", "Member", "Report", "Result", "load_council", "run_smoke"]
