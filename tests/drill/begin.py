"""From a plan to a drill that can begin: the council well, the load running, the judge ready."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from .council import Council, Plan, lab
from .drill import Drill, repair_all
from .hosts import HostError
from .traffic.control import TrafficProcess
from .verdict.verdict import Setup

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 90.0


def lab_of_environment() -> Plan:
    """The lab that LAB_NAME, LAB_SUBNET and LAB_DIRECTORY name, as lab/up reads them."""
    directory = Path(os.environ.get("LAB_DIRECTORY", ROOT / ".lab"))
    name, subnet = os.environ.get("LAB_NAME", "guardian"), os.environ.get("LAB_SUBNET", "10.199.23.0/24")
    return lab(ROOT, name, subnet, directory.resolve())


def begin(council: Council, folder: Path, say: Callable[[str], None]) -> Drill:
    """Begin, whatever an earlier drill has left; the load's log and answers are kept in the folder.

    Raises:
        NotSoError: the council does not become well.
        HostError: a host can't be reached.
        TrafficError: the load can't begin.
    """
    _bring_up(council, say)
    trouble = council.trouble()
    if trouble is not None:
        say(f"not all is well ({trouble}): repairing what an earlier drill may have left")
        for failed in repair_all(council):
            say(f"not repaired: {failed}")
    seen = council.wait_well(_PATIENCE)
    # A reboot must not leave keepalived without the scheduling that it had.
    council.scheduling = max(one.keepalived for one in seen.values() if one and one.keepalived is not None)
    answers = folder / "answers.jsonl"
    return Drill(council, lambda: _traffic(council.plan, folder, answers), _setup(council.plan, answers), _commit())


def _bring_up(council: Council, say: Callable[[str], None]) -> None:
    """Make the lab where there is none; one that stands still is the repair's business."""
    if not council.plan.is_lab or all(host.podman("inspect", check=False) not in ("", "[]") for host in council.hosts):
        return
    say("there is no lab yet: lab/up makes it, in some minutes")
    done = subprocess.run([ROOT / "lab" / "up", "--no-smoke"], stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise HostError("lab/up has failed: see what it says")


def _traffic(plan: Plan, folder: Path, answers: Path) -> TrafficProcess:
    arguments = ["--gatekeeper", plan.virtual_address, "--answers", str(answers)]
    for reach in plan.gatekeepers:
        arguments += ["--direct", f"{reach.name}={reach.address}"]
    arguments += ["--registry", str(plan.registry), "--keys", str(plan.keys)]
    return TrafficProcess([*arguments, "--gatekeeper-key", str(plan.gatekeeper_key)], log=folder / "traffic.log")


def _setup(plan: Plan, answers: Path) -> Setup:
    addresses = {reach.name: reach.address for reach in plan.gatekeepers}
    return Setup(addresses, answers, log_directory=plan.log_directory, control_socket=plan.control_socket)


def _commit() -> str:
    """Of the working tree, with a sign where it has changes of its own."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
