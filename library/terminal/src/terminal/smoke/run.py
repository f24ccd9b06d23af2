"""Running the test, and leaving nothing behind."""

from __future__ import annotations

from collections.abc import Callable

from terminal.core import RetransmissionPolicy
from terminal.core.endpoint import Address
from terminal.latency import percentile_ms
from terminal.smoke.council import Council
from terminal.smoke.plan import plan
from terminal.smoke.report import Report
from terminal.smoke.session import Session
from terminal.smoke.step import Result, not_reached, perform

Progress = Callable[[int, int, str], None]
"""Told before each step: its number, how many there are, its name."""


async def run_smoke(
    council: Council, gatekeeper: Address, progress: Progress, policy: RetransmissionPolicy | None = None
) -> Report:
    """Run all steps against the gatekeeper. Whatever happens, guardians are unregistered in the end.

    Raises:
        TerminalError: the gatekeeper's name can't be resolved, or there's no way there.
    """
    session = await Session.open(council, gatekeeper, policy)
    left_behind: list[str] = []
    try:
        try:
            results = await _run_steps(session, progress)
        finally:
            left_behind = await session.clean_up()
    finally:
        session.close()
    return _report(session, results, left_behind)


async def _run_steps(session: Session, progress: Progress) -> list[Result]:
    steps = plan(len(session.clients))
    results: list[Result] = []
    for number, step in enumerate(steps, start=1):
        progress(number, len(steps), step.name)
        performed = await perform(step, session)
        results.append(performed.result)
        if not performed.go_on:
            return [*results, *map(not_reached, steps[number:])]
    return results


def _report(session: Session, results: list[Result], left_behind: list[str]) -> Report:
    seen = [client.statistics for client in session.everybody]
    latencies = [seconds for one in seen for seconds in one.latencies]
    return Report(
        guardians=len(session.clients),
        results=tuple(results),
        requests=sum(one.requests for one in seen),
        retries=sum(one.retries for one in seen),
        latency_p50_ms=percentile_ms(latencies, 50),
        latency_p95_ms=percentile_ms(latencies, 95),
        left_behind=tuple(left_behind),
    )
