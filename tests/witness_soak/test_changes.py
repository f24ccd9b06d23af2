"""Every change of a small signed log is noticed: each octet, and lines that are removed, doubled, moved or cut off."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from witness.errors import WitnessError
from witness.log.stream_log import StreamLog
from witness.note import parse_note
from witness.verify import Demands, Verdict, verify_stream

from tests.witness_soak.replica import ORIGIN, POLICY, STREAM, Elsewhere, Replica, records_of

Detector = Callable[[Path, int], bool]
"""Whether a folder is found to be whole, with so many records."""
STRIDE = int(os.environ.get("WITNESS_SOAK_STRIDE", "61"))
"""Of the larger log, every so many octets are changed."""


def log_service_finds_whole(folder: Path, size: int) -> bool:
    """As the log service does when it begins."""
    log = StreamLog(folder, STREAM, POLICY)
    try:
        log.open()
        while log.read_on():
            pass
    except WitnessError:
        return False
    finally:
        log.close()
    return log.size == log.covered == size


def verification_finds_whole(folder: Path, size: int) -> bool:
    """As `h323-witness verify` does, whose exit code is this verdict."""
    report = verify_stream(folder / STREAM.folder, STREAM, ORIGIN, Demands(POLICY))
    return report.verdict is Verdict.GOOD and report.records == size


DETECTORS: list[Detector] = [log_service_finds_whole, verification_finds_whole]


def signed_log(folder: Path, count: int) -> Path:
    """A log of so many records in two days, and its checkpoint."""
    folder.mkdir()
    replica = Replica(folder, records_of(count, midnight=count // 2), Elsewhere(), lambda _: None)
    replica.start()
    replica.write(count)
    replica.publish()
    replica.stop()
    return folder


@dataclass(frozen=True, slots=True)
class Change:
    """A file's other content, and what was done to it."""

    path: Path
    what: str
    octets: bytes


def files_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def octets_changed(path: Path, stride: int) -> Iterator[Change]:
    """Each octet differs in one bit, in the one that makes a letter small, or is another altogether; or is gone."""
    octets = path.read_bytes()
    for at in range(0, len(octets), stride):
        before, octet, after = octets[:at], octets[at], octets[at + 1 :]
        for other in (octet ^ 1, octet ^ 0x20, octet ^ 0x80, ord("\n"), 0):
            if other != octet:
                yield Change(path, f"octet {at} is {other}", before + bytes([other]) + after)
        yield Change(path, f"octet {at} is gone", before + after)
        yield Change(path, f"octet {at} is doubled", octets[: at + 1] + octets[at:])


def lines_changed(path: Path) -> Iterator[Change]:
    lines = path.read_bytes().splitlines(keepends=True)
    for at, line in enumerate(lines):
        before, after = lines[:at], lines[at + 1 :]
        yield Change(path, f"line {at} is gone", b"".join(before + after))
        yield Change(path, f"line {at} is doubled", b"".join([*before, line, line, *after]))
        yield Change(path, f"it ends before line {at}", b"".join(before))
        for other in range(at + 1, len(lines)):
            swapped = [*before, lines[other], *lines[at + 1 : other], line, *lines[other + 1 :]]
            yield Change(path, f"lines {at} and {other} are exchanged", b"".join(swapped))


def is_the_same_note(change: Change) -> bool:
    """Whether a checkpoint has the same text and signatures still: how often and in which order says nothing."""
    if change.path.name != "checkpoint":
        return False
    try:
        before, after = parse_note(change.path.read_bytes()), parse_note(change.octets)
    except WitnessError:
        return False
    return (before.text, set(before.signatures)) == (after.text, set(after.signatures))


def unnoticed(folder: Path, size: int, changes: Iterator[Change], detector: Detector) -> list[str]:
    """The changes that the detector lets pass."""
    found = []
    for change in changes:
        original = change.path.read_bytes()
        change.path.write_bytes(change.octets)
        if change.octets != original and detector(folder, size):
            found.append(f"{change.path.name}: {change.what}")
        change.path.write_bytes(original)
    assert detector(folder, size), "the unchanged log is not whole"
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return signed_log(tmp_path_factory.mktemp("small") / "log", 6)


@pytest.mark.parametrize("detector", DETECTORS)
def test_every_changed_octet_of_a_small_log_is_noticed(small: Path, detector: Detector) -> None:
    changes = (change for path in files_of(small) for change in octets_changed(path, 1))
    assert unnoticed(small, 6, changes, detector) == []


@pytest.mark.parametrize("detector", DETECTORS)
def test_lines_that_are_removed_doubled_moved_or_cut_off_are_noticed(small: Path, detector: Detector) -> None:
    paths = [*small.rglob("*.jsonl"), small / STREAM.folder / "checkpoint"]
    changes = (change for path in paths for change in lines_changed(path) if not is_the_same_note(change))
    assert unnoticed(small, 6, changes, detector) == []


@pytest.mark.parametrize("detector", DETECTORS)
def test_changes_among_full_tiles_are_noticed(tmp_path: Path, detector: Detector) -> None:
    folder = signed_log(tmp_path / "log", 300)
    changes = (change for path in files_of(folder) for change in octets_changed(path, STRIDE))
    assert unnoticed(folder, 300, changes, detector) == []


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_day_that_is_missing_is_noticed(small: Path, tmp_path: Path, detector: Detector) -> None:
    for path in small.rglob("*.jsonl"):
        copy = tmp_path / path.name
        shutil.copytree(small, copy)
        (copy / path.relative_to(small)).unlink()
        assert not detector(copy, 6)


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_checkpoint_of_other_records_is_noticed(small: Path, tmp_path: Path, detector: Detector) -> None:
    """Rightly signed and cosigned: by whom the records were changed, all keys were his."""
    copy = tmp_path / "copy"
    shutil.copytree(small, copy)
    other = signed_log(tmp_path / "other", 5)
    place = STREAM.folder
    shutil.copy(other / place / "checkpoint", copy / place / "checkpoint")
    assert not detector(copy, 6)
