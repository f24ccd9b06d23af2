"""The power is cut after each file operation of a replica, and whatever is unsynced then is lost or kept.

The search can go further than it does in the tests: WITNESS_SOAK_STATES is how many disks are tried of those that one
moment allows, WITNESS_SOAK_KILLS after how many operations each a process is killed (1: after every one).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.witness_soak.disk import Disk, Killed, Mark, Recorder, crash_states
from tests.witness_soak.power import hasty, listed
from tests.witness_soak.replica import Elsewhere, Replica, records_of, require_covered, require_whole

RECORDS = records_of(600, midnight=300)
# What is appended before each checkpoint: tiles become full, a day ends, a write is longer than a block.
LIMIT = int(os.environ.get("WITNESS_SOAK_STATES", "12"))
KILLS = int(os.environ.get("WITNESS_SOAK_KILLS", "10"))
STEPS = ((1,), (2, 5), (250, 256), (257,), (310, 512), (513, 520))


def run(replica: Replica) -> None:
    """All that happens before the power is cut."""
    replica.start()
    for step in STEPS:
        for end in step:
            replica.write(end)
        replica.publish()


def recorded(folder: Path, kill_after: int | None = None, forgotten: str | None = None) -> Recorder:
    """A run, up to the end or until the process dies."""
    folder.mkdir()
    recorder = Recorder(folder)
    recorder.kill_after = kill_after
    recorder.forgotten = forgotten
    replica = Replica(folder, RECORDS, Elsewhere(), lambda state: recorder.mark(state.copy()))
    with hasty(), recorder.recording(), suppress(Killed):
        run(replica)
    replica.stop()
    return recorder


def promised(recorder: Recorder, count: int) -> Elsewhere:
    """What others had been promised by the first operations."""
    marks = [each.what for each in recorder.operations[:count] if isinstance(each, Mark)]
    return marks[-1].copy() if marks else Elsewhere()


def recover(folder: Path, disk: Disk, elsewhere: Elsewhere) -> None:
    """Begin anew on what the power cut has left, and go on to the end."""
    folder.mkdir()
    disk.write_to(folder)
    require_covered(folder)
    replica = Replica(folder, RECORDS, elsewhere, lambda _: None)
    try:
        with hasty():
            replica.start()
            replica.write(len(RECORDS) - 7)
            replica.publish()
            replica.write(len(RECORDS))
            replica.publish()
    finally:
        replica.stop()
    require_whole(folder, RECORDS)


def survive(folder: Path, recorder: Recorder, counts: Iterable[int], limit: int) -> int:
    """Recover from every state after so many operations; how many different ones there were."""
    seen = set()
    for count in counts:
        elsewhere = promised(recorder, count)
        for disk in crash_states(recorder, count, limit, seed=count):
            # What was promised decides what must be found, so that the same disk may be another case.
            case = (tuple(disk.paths()), elsewhere.acknowledged, elsewhere.cosigned.size, elsewhere.published)
            if case in seen:
                continue
            seen.add(case)
            work = folder / "recovered"
            try:
                recover(work, disk, elsewhere.copy())
            except Exception as error:
                last = recorder.operations[max(0, count - 12) : count]
                raise AssertionError(f"after operation {count} ({last}), of {elsewhere}:\n{listed(disk)}") from error
            shutil.rmtree(work)
    return len(seen)


def test_a_power_cut_loses_nothing_that_was_promised(tmp_path: Path) -> None:
    recorder = recorded(tmp_path / "run")
    operations = len(recorder.operations)
    assert survive(tmp_path, recorder, range(operations + 1), LIMIT) > operations


def killed_and_recorded(folder: Path, kill_after: int, forgotten: str | None = None) -> Recorder:
    """A run whose process dies, and another one that begins where it ended, up to the end."""
    recorder = recorded(folder, kill_after, forgotten)
    replica = Replica(folder, RECORDS, promised(recorder, kill_after), lambda state: recorder.mark(state.copy()))
    recorder.kill_after = None
    with hasty(), recorder.recording():
        run(replica)
    replica.stop()
    return recorder


def promises_after(recorder: Recorder, count: int) -> list[int]:
    """When something had just been promised, after so many operations."""
    return [
        at for at in range(count + 1, len(recorder.operations) + 1) if isinstance(recorder.operations[at - 1], Mark)
    ]


def survive_a_kill_and_a_power_cut(folder: Path, every: int, forgotten: str | None = None) -> int:
    """What the killed one had written and not synced, the next one must not take for granted."""
    states = 0
    for kill_after in range(1, len(recorded(folder / "whole", None, forgotten).operations), every):
        place = folder / f"{kill_after}"
        recorder = killed_and_recorded(place, kill_after, forgotten)
        states += survive(folder, recorder, promises_after(recorder, kill_after), LIMIT)
        shutil.rmtree(place)
    return states


def test_a_killed_process_and_a_power_cut_lose_nothing_either(tmp_path: Path) -> None:
    assert survive_a_kill_and_a_power_cut(tmp_path, KILLS) > 10


def test_every_sync_is_needed(tmp_path: Path) -> None:
    """The disk forgets indeed: without any one of the syncs, something that was promised is lost."""
    places = sorted(recorded(tmp_path / "places").syncs)
    assert len(places) > 7
    assert [place for place in places if is_needless(tmp_path / place, place)] == []


def is_needless(folder: Path, place: str) -> bool:
    folder.mkdir()
    try:
        recorder = recorded(folder / "run", forgotten=place)
        survive(folder, recorder, range(len(recorder.operations) + 1), LIMIT)
        survive_a_kill_and_a_power_cut(folder, 1, place)
    except AssertionError:
        return False
    return True
