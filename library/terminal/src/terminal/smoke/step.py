"""A step of the test: what is done, what is expected, what came."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from h323.council import RefusalName

from terminal.core import Confirmed, NoAnswer, Outcome, Refused
from terminal.core.outcome import ConfirmT
from terminal.smoke.session import Session


class StepFailedError(Exception):
    """Something else came than what was expected; the text says what."""


class GatekeeperSilentError(StepFailedError):
    """There was no answer at all: further steps would only wait for nothing."""


class LeftOutError(Exception):
    """The step can't be done here; the text says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step; `act` says in a few words what came, or raises one of the errors above."""

    name: str
    expected: str
    act: Callable[[Session], Awaitable[str]]
    essential: bool = False
    """Without it the later ones make no sense."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a step."""

    name: str
    expected: str
    got: str
    milliseconds: float
    ok: bool | None
    """None: left out, or not reached."""


@dataclass(frozen=True, slots=True)
class Performed:
    """A step that was done, and whether the test should go on."""

    result: Result
    go_on: bool


async def perform(step: Step, session: Session) -> Performed:
    """Do the step."""
    started = time.monotonic()

    def result(got: str, ok: bool | None) -> Result:
        return Result(step.name, step.expected, got, round((time.monotonic() - started) * 1000, 1), ok)

    try:
        return Performed(result(await step.act(session), ok=True), go_on=True)
    except LeftOutError as error:
        return Performed(result(f"left out: {error}", ok=None), go_on=True)
    except GatekeeperSilentError as error:
        return Performed(result(str(error), ok=False), go_on=False)
    except StepFailedError as error:
        return Performed(result(str(error), ok=False), go_on=not step.essential)


def not_reached(step: Step) -> Result:
    """The result of a step after the end of the test."""
    return Result(step.name, step.expected, "not reached", 0.0, None)


def confirmed(outcome: Outcome[ConfirmT]) -> Confirmed[ConfirmT]:
    """The confirmation.

    Raises:
        StepFailedError: it's something else.
    """
    if isinstance(outcome, Confirmed):
        return outcome
    raise _unexpected(outcome)


def refused(outcome: Outcome[Any], name: RefusalName, reason: str = "") -> str:
    """What came, if it's a refusal of this name and, where one is given, for this H.225.0 reason.

    Raises:
        StepFailedError: it's something else.
    """
    if isinstance(outcome, Refused) and outcome.name is name and reason in outcome.reason:
        return f"{name.value} ({reason})" if reason else name.value
    raise _unexpected(outcome)


def _unexpected(outcome: Outcome[Any]) -> StepFailedError:
    if isinstance(outcome, NoAnswer):
        return GatekeeperSilentError(outcome.summary)
    return StepFailedError(outcome.summary)
