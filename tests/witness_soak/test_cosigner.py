"""The power is cut after each file operation of a cosigner, also after a kill: it forgets nothing that it cosigned."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from witness.checkpoint import Checkpoint
from witness.cosigner.judgement import Judge
from witness.cosigner.memory import Memory

from library.witness.tests.cosigner.submissions import KEY, LOG, NOW, ORIGIN, Tree
from tests.witness_soak.disk import Killed, Mark, Recorder, crash_states
from tests.witness_soak.power import hasty, listed

SIZES = (0, 1, 3, 4, 9)
LIMIT = 1_000
TREE = Tree(SIZES[-1])


def cosign(folder: Path, sizes: Sequence[int], recorder: Recorder) -> None:
    """Be started, and cosign each tree that is larger than the last one; what leaves the house is noted."""
    memory = Memory(folder)
    try:
        memory.open([ORIGIN], KEY.verifier)
        for size in sizes:
            last = memory.kept[ORIGIN].checkpoint.size if ORIGIN in memory.kept else 0
            if size >= last:
                judgement = Judge(KEY, [LOG.verifier]).judge(TREE.submission(last, size), memory.kept, NOW)
                assert judgement.cosigned is not None
                memory.keep(judgement.cosigned)
                recorder.mark(judgement.cosigned.checkpoint)
    finally:
        memory.close()


def recorded(folder: Path, kill_after: int | None = None, forgotten: str | None = None) -> Recorder:
    """A run up to the end; if it is killed on the way, another one goes on."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    recorder = Recorder(folder)
    recorder.kill_after, recorder.forgotten = kill_after, forgotten
    for _ in range(1 if kill_after is None else 2):
        with hasty(), recorder.recording(), suppress(Killed):
            cosign(folder, SIZES, recorder)
    return recorder


def survive(folder: Path, recorder: Recorder, counts: Iterable[int]) -> int:
    """Start the cosigner on every disk that a power cut leaves; how many there were."""
    states = 0
    for count in counts:
        marks = [each.what for each in recorder.operations[:count] if isinstance(each, Mark)]
        for disk in crash_states(recorder, count, LIMIT):
            states += 1
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            disk.write_to(folder)
            try:
                require_remembered(folder, marks)
            except Exception as error:
                raise AssertionError(f"after operation {count}:\n{listed(disk)}") from error
    return states


def require_remembered(folder: Path, cosigned: list[Checkpoint]) -> None:
    memory = Memory(folder)
    memory.open([ORIGIN], KEY.verifier)
    memory.close()
    kept = memory.kept[ORIGIN].checkpoint if ORIGIN in memory.kept else None
    if cosigned:
        assert kept is not None, "it has forgotten"
        assert kept.size >= cosigned[-1].size, "it has forgotten the newest"
    assert kept is None or kept == TREE.checkpoint(kept.size)


def test_a_power_cut_makes_it_forget_nothing(tmp_path: Path) -> None:
    recorder = recorded(tmp_path / "run")
    assert sum(isinstance(each, Mark) for each in recorder.operations) == len(SIZES)
    assert survive(tmp_path / "recovered", recorder, range(len(recorder.operations) + 1)) > len(recorder.operations)


def survive_a_kill(folder: Path, forgotten: str | None = None) -> None:
    for kill_after in range(1, len(recorded(folder / "run").operations)):
        recorder = recorded(folder / "run", kill_after, forgotten)
        survive(folder / "recovered", recorder, range(kill_after, len(recorder.operations) + 1))


def test_a_kill_and_a_power_cut_make_it_forget_nothing(tmp_path: Path) -> None:
    survive_a_kill(tmp_path)


def test_every_sync_of_a_cosigner_is_needed(tmp_path: Path) -> None:
    places = recorded(tmp_path / "run").syncs
    assert len(places) >= 3
    assert [place for place in sorted(places) if is_needless(tmp_path, place)] == []


def is_needless(folder: Path, place: str) -> bool:
    try:
        recorder = recorded(folder / "run", None, place)
        survive(folder / "recovered", recorder, range(len(recorder.operations) + 1))
        survive_a_kill(folder, place)
    except AssertionError:
        return False
    return True
