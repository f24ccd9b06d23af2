"""The lab itself: it comes and goes without a trace, and says what is wrong before it makes anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import NAME, ROOT

pytestmark = pytest.mark.lab

OTHER = f"{NAME}-other"
SUBNET = os.environ.get("LAB_SUBNET", "10.199.23.0/24")


def settings(name: str, subnet: str, directory: Path) -> dict[str, str]:
    return {**os.environ, "LAB_NAME": name, "LAB_SUBNET": subnet, "LAB_DIRECTORY": str(directory)}


def podman(*arguments: str) -> str:
    full = [str(ROOT / "lab" / "podman"), *arguments]
    return subprocess.run(full, capture_output=True, text=True, timeout=60, check=True).stdout


def containers(name: str) -> list[str]:
    listed = podman("ps", "--all", "--filter", f"label=org.guardian-council.lab={name}", "--format", "{{.Names}}")
    return sorted(listed.split())


def ids(name: str) -> set[str]:
    return set(podman("ps", "--quiet", "--filter", f"label=org.guardian-council.lab={name}").split())


def networks() -> list[str]:
    return podman("network", "ls", "--format", "{{.Name}}").split()


def up(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "lab" / "up"), "--hosts-only"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_a_second_lab_comes_and_goes_without_a_trace(tmp_path: Path) -> None:
    environment = settings(OTHER, "10.199.25.0/24", tmp_path / "lab")
    before = (containers(NAME), networks())
    done = up(environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert containers(OTHER) == [f"{OTHER}-{host}" for host in ("arc1", "gk1", "gk2", "wit1")]
    assert (tmp_path / "lab" / "gatekeeper-key.pem").exists()
    # The same lab again leaves the hosts as they are; from another clone, with other keys, it makes them anew.
    first = ids(OTHER)
    assert up(environment).returncode == 0
    assert ids(OTHER) == first
    assert up(settings(OTHER, "10.199.25.0/24", tmp_path / "clone")).returncode == 0
    assert len(ids(OTHER)) == 4
    assert ids(OTHER).isdisjoint(first)
    for directory in ("lab", "clone"):
        environment["LAB_DIRECTORY"] = str(tmp_path / directory)
        subprocess.run([str(ROOT / "lab" / "down")], env=environment, capture_output=True, timeout=120, check=True)
    assert containers(OTHER) == []
    assert (containers(NAME), networks()) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "subnet", "sentence"),
    [
        (OTHER, SUBNET, f"The lab's subnet {SUBNET} overlaps"),
        (NAME, "10.199.25.0/24", f"The network {NAME}-lab exists with the addresses {SUBNET}"),
        (OTHER, "10.199.25.0/16", "LAB_SUBNET is 10.199.25.0/16: write a free /24 network"),
    ],
)
def test_a_subnet_that_will_not_do_is_said_before_anything_is_made(
    name: str, subnet: str, sentence: str, tmp_path: Path
) -> None:
    before = (containers(NAME), containers(OTHER), networks())
    done = up(settings(name, subnet, tmp_path / "lab"))
    assert done.returncode != 0
    assert sentence in " ".join(done.stdout.split() + done.stderr.split())
    assert (containers(NAME), containers(OTHER), networks()) == before
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_things_is_neither_used_nor_removed(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("not the lab's", encoding="utf-8")
    environment = settings(OTHER, "10.199.25.0/24", tmp_path)
    done = up(environment)
    assert done.returncode != 0
    assert "holds other things than a lab's keys" in " ".join(done.stdout.split() + done.stderr.split())
    assert (containers(OTHER), f"{OTHER}-lab" in networks()) == ([], False)
    subprocess.run([str(ROOT / "lab" / "down")], env=environment, capture_output=True, timeout=120, check=True)
    assert list(tmp_path.iterdir()) == [letter]
