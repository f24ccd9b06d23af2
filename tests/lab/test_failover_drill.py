"""The failover drill, each fault once: what is lost and who admits. How long it takes, `make drill` measures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drill.begin import begin, lab_of_environment
from tests.drill.council import Council
from tests.drill.drill import Drill, repair_all
from tests.drill.faults import FAULTS, Fault, Promise

pytestmark = pytest.mark.lab

_SATURATED = 5.0


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    council = Council(lab_of_environment())
    try:
        begun = begin(council, tmp_path_factory.mktemp("drill"), print)
        try:
            yield begun
        finally:
            begun.close()
            assert repair_all(council) == []
    finally:
        council.close()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_nothing_acknowledged_is_lost_and_one_admits(
    drill: Drill, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault.promise is Promise.STEADY:
        monkeypatch.setattr(fault, "hold", _SATURATED)
    with drill.series(fault):
        run = drill.run(fault)
        if not run.after:
            drill.recover()
    assert run.problems == []
    assert run.requests > 0
    if fault.promise is Promise.STEADY:
        assert run.switches == 0
    if fault.promise is Promise.QUORUM:
        assert set(run.refusals) <= {"GATEKEEPER_ERROR"}
    else:
        assert (run.refusals, run.given_up) == ({}, 0)
