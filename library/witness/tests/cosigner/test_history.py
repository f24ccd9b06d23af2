"""Honest and dishonest submitters, restarts and full disks at random: what was cosigned is one log that grows."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from witness.checkpoint import Checkpoint

from .submissions import ORIGIN, Tree, cosigned_at, request
from .test_memory import GK1, House

LARGEST = 40
# The same up to some leaf, and different ones after it.
TREES = {
    ("honest", LARGEST): Tree(LARGEST),
    **{(name, at): Tree(LARGEST, fork=name, forked_at=at) for name in ("a", "b") for at in (0, 3, 8, 20)},
}
SIZES = st.integers(0, LARGEST)


def begins(larger: Checkpoint, smaller: Checkpoint) -> bool:
    """By the leaves themselves, without any proof."""
    for tree in TREES.values():
        if tree.checkpoint(larger.size) == larger:
            return tree.checkpoint(smaller.size) == smaller
    raise AssertionError("nobody has submitted this")


class History(RuleBasedStateMachine):
    """The house of one cosigner, and all that it has ever given out."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="cosigner-"))
        self.house = House(self.folder)
        self.given: list[tuple[Checkpoint, int]] = []

    def teardown(self) -> None:
        self.house.memory.close()
        shutil.rmtree(self.folder)

    def submit(self, body: bytes, checkpoint: Checkpoint, note: bytes) -> int:
        judgement = self.house.desk.submit(body, GK1)
        if judgement.status == 200:
            self.given.append((checkpoint, cosigned_at(note, judgement.body)))
        return judgement.status

    @rule(tree=st.sampled_from(list(TREES)), old=SIZES, size=SIZES)
    def somebody_submits(self, tree: tuple[str, int], old: int, size: int) -> None:
        old, size = sorted((old, size))
        made = TREES[tree]
        self.submit(made.submission(old, size), made.checkpoint(size), made.note(size))

    @rule(tree=st.sampled_from(list(TREES)), size=SIZES)
    def somebody_asks_what_is_known_and_submits(self, tree: tuple[str, int], size: int) -> None:
        made = TREES[tree]
        known = self.house.memory.kept[ORIGIN].checkpoint.size if ORIGIN in self.house.memory.kept else 0
        if known <= size:
            self.submit(made.submission(known, size), made.checkpoint(size), made.note(size))

    @rule(tree=st.sampled_from(list(TREES)), other=st.sampled_from(list(TREES)), size=SIZES)
    def somebody_lends_another_tree_s_proof(self, tree: tuple[str, int], other: tuple[str, int], size: int) -> None:
        made = TREES[tree]
        known = self.house.memory.kept[ORIGIN].checkpoint.size if ORIGIN in self.house.memory.kept else 0
        if known <= size:
            body = request(known, TREES[other].proof(known, size), made.note(size))
            self.submit(body, made.checkpoint(size), made.note(size))

    @rule()
    def it_restarts(self) -> None:
        self.house.memory.close()
        self.house = House(self.folder)

    @rule()
    def the_disk_is_full_or_not(self) -> None:
        self.house.disk.full = not self.house.disk.full

    @precondition(lambda self: self.given and not self.house.disk.full)
    @rule()
    def what_was_given_out_last_can_be_had_again(self) -> None:
        """It is never stuck: the log that it stands for can always go on."""
        checkpoint, _ = self.given[-1]
        for tree in TREES.values():
            if tree.checkpoint(checkpoint.size) == checkpoint:
                status = self.submit(
                    tree.submission(checkpoint.size, checkpoint.size), checkpoint, tree.note(checkpoint.size)
                )
                assert status == 200
                return

    @invariant()
    def it_is_one_log_that_grows(self) -> None:
        for (before, earlier), (after, later) in zip(self.given, self.given[1:], strict=False):
            assert before.size <= after.size
            assert earlier <= later
            assert begins(after, before)


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
