"""The 8-guardian test: what must work, works; what must be refused, is refused, and under the right name."""

from terminal.smoke.council import Council, load_council
from terminal.smoke.scenario import Step, run_scenario

__all__ = ["Council", "Step", "load_council", "run_scenario"]
