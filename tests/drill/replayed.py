"""The log's decisions made again by the gatekeeper's own policies: `h323-witness replay`, as an auditor runs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath

from .council import Council, Plan
from .hosts import HostError

_PATIENCE = 900.0
"""Seconds; the log of a day's drills has some hundred thousand records."""


@dataclass(frozen=True)
class Replayed:
    """What came out."""

    judged: int
    """Decisions that were made again."""
    unjudged: int
    """Those that can't be: their registry is gone."""
    violations: list[str]


def replay(council: Council) -> Replayed:
    """Replay the primary's copy, of which the verdict has seen that the others are the same."""
    plan = council.plan
    try:
        printed = council.gatekeepers[0].run(*_command(plan), timeout=_PATIENCE, check=False)
        return read(printed)
    except (HostError, ValueError, KeyError, TypeError) as error:
        return Replayed(0, 0, [f"replay: the log could not be replayed: {error!r}"])


def _command(plan: Plan) -> tuple[str, ...]:
    program = PurePosixPath(plan.program).with_name("h323-witness")
    return str(program), "replay", plan.log_directory, "--json"


def read(printed: str) -> Replayed:
    """What `h323-witness replay --json` says.

    Raises:
        ValueError, KeyError, TypeError: it says something else.
    """
    said = json.loads(printed)
    violations = [
        f"replay: {one['where']}: {one['decided']}; expected: {one['expected']}" for one in said["not_justified"]
    ]
    violations += [f"replay: the log is not whole: {text}" for text in said["flaws"]]
    if not said["judged"]:
        violations.append("replay: not one decision could be made again")
    return Replayed(said["judged"], len(said["not_judged"]), violations)
