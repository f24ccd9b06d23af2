"""The scenario's hosts, as the tests reach them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import testinfra
from testinfra.host import Host

# Where lab/podman is, which is podman for everybody.
os.environ["PATH"] = f"{Path(__file__).resolve().parents[3] / 'lab'}:{os.environ['PATH']}"

NAME = os.environ["LAB_NAME"]
PREFIX = os.environ["LAB_SUBNET"].rpartition(".")[0]
NUMBERS = {"gk1": 11, "gk2": 12, "wit1": 13, "arc1": 14}
EVERY = tuple(NUMBERS)
HOSTS = ("gk1", "gk2", "wit1")
"""Those that have the store and the log; arc1 has an archive and nothing else."""
GATEKEEPERS = ("gk1", "gk2")
VIP = f"{PREFIX}.10"
COUNCIL = "/opt/guardian-council"


def address(name: str) -> str:
    """The host's own address."""
    return f"{PREFIX}.{NUMBERS[name]}"


def reach(name: str) -> Host:
    """The host of that name."""
    return testinfra.get_host(f"podman://{NAME}-{name}")


def unit(name: str) -> str:
    """The gatekeeper's unit on that host."""
    return f"h323-gatekeeper-{'primary' if name == 'gk1' else 'secondary'}"


def exposure(name: str, service: str) -> float:
    """How much the service is exposed, by systemd's measure: 0 is nothing, 10 is everything."""
    last = reach(name).check_output(f"systemd-analyze security --no-pager {service}").splitlines()[-1]
    return float(last.partition(": ")[2].split()[0])


def eventually(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Look until it is so; the time is only when to stop looking."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s: {what}")


@pytest.fixture
def secrets() -> Path:
    """The controller's folder of keys."""
    return Path(os.environ["LAB_DIRECTORY"])
