"""What the log service makes of a cosigner's answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from witness.checkpoint import Checkpoint
from witness.log.cosigning import AheadError, Cosigners, CosigningError, ForkError
from witness.note import Note, Signature, sign_note
from witness.tree import MemoryTree, consistency_proof, leaf_hash

from .little_cosigner import LittleCosigner
from .scene import DOMAIN, Keys

KEYS = Keys()
ORIGIN = f"{DOMAIN}/h323_ras"
TREE = MemoryTree(leaf_hash(f"{n}".encode()) for n in range(50))
FORK = MemoryTree(leaf_hash(f"fork {n}".encode()) for n in range(50))


def note(size: int, tree: MemoryTree = TREE) -> Note:
    return sign_note(Checkpoint(ORIGIN, size, tree.root(size)).text(), KEYS.signers["h323_ras"])


class Asked:
    """A log's side, and the cosigner."""

    def __init__(self, cosigner: LittleCosigner, cosigners: Cosigners) -> None:
        self.cosigner = cosigner
        self._cosigners = cosigners

    async def cosign(self, size: int, tree: MemoryTree = TREE) -> list[Signature]:
        return await self._cosigners.cosign(
            note(size, tree), size, lambda old: consistency_proof(old, size, tree.hash_at)
        )


def run(scenario: Callable[[Asked], Awaitable[None]], believed: int = 0) -> None:
    """`believed` is the size that the log believes the cosigner to know."""

    async def play() -> None:
        cosigner = LittleCosigner(KEYS.cosigner, KEYS.policy())
        url = await cosigner.open()
        try:
            async with aiohttp.ClientSession() as session:
                await scenario(Asked(cosigner, Cosigners(KEYS.policy(url), session, believed)))
        finally:
            await cosigner.close()

    asyncio.run(play())


def seen(cosigner: LittleCosigner, size: int, tree: MemoryTree = TREE) -> None:
    cosigner.seen[ORIGIN] = Checkpoint(ORIGIN, size, tree.root(size))


@pytest.mark.parametrize("believed", [0, 10, 30])
def test_a_cosigner_that_knows_more_or_less_than_believed_is_asked_again(believed: int) -> None:
    async def scenario(asked: Asked) -> None:
        seen(asked.cosigner, 10)
        assert len(await asked.cosign(20)) == 1
        assert asked.cosigner.answers == ([200] if believed == 10 else [409, 200])
        assert len(await asked.cosign(21)) == 1
        assert asked.cosigner.answers[-2:].count(409) == 0 or believed != 10

    run(scenario, believed)


def test_who_is_behind_the_cosigner_is_no_fork_however_often_it_asks() -> None:
    """The other host has signed 30; this one has 20 yet, and the published checkpoint hasn't come."""

    async def scenario(asked: Asked) -> None:
        seen(asked.cosigner, 30)
        for size in (20, 20, 25):
            with pytest.raises(AheadError):
                await asked.cosign(size)
        assert len(await asked.cosign(30)) == 1
        assert len(await asked.cosign(31)) == 1

    run(scenario)


@pytest.mark.parametrize("believed", [0, 5, 20])
@pytest.mark.parametrize("size", [20, 30])
def test_another_tree_is_a_fork_at_once(believed: int, size: int) -> None:
    async def scenario(asked: Asked) -> None:
        seen(asked.cosigner, 20)
        with pytest.raises(ForkError):
            await asked.cosign(size, FORK)

    run(scenario, believed)


def test_an_answer_that_is_none_is_no_cosignature() -> None:
    async def scenario(asked: Asked) -> None:
        asked.cosigner.closed = True
        with pytest.raises(CosigningError, match="answers 503") as caught:
            await asked.cosign(20)
        assert not isinstance(caught.value, (AheadError, ForkError))

    run(scenario)
