"""Kill -9 between request and answer: whatever leaves the house before and after never contradicts itself."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from library.witness.tests.log.certificates import Authority

from .house import Client, Process
from .submissions import Tree, cosigned_at

DYING = Path(__file__).with_name("dying_cosigner.py")
TREE = Tree(40)
FORK = Tree(40, fork="x", forked_at=3)
STEP = 10


def cosign(client: Client, tree: Tree, old: int, size: int, given: list[tuple[Tree, int]]) -> int:
    """Submit, and remember what was given out."""
    answer = client.post(tree.submission(old, size))
    if answer.status == 200:
        cosigned_at(tree.note(size), answer.body)
        given.append((tree, size))
    return answer.status


def grow_until_it_dies(client: Client, given: list[tuple[Tree, int]]) -> int:
    """The size from which it was to be cosigned when it died."""
    for size in range(0, 40, STEP):
        try:
            assert cosign(client, TREE, size, size + STEP, given) == 200
        except OSError:
            return size
    raise AssertionError("it did not die")


# Files that are replaced: the first checkpoint, the mark that there is one, the second checkpoint.
@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("place", ["before", "draft", "renamed", "kept"])
def test_a_cosigner_that_was_killed_contradicts_nothing_that_it_gave_out(
    tmp_path: Path, place: str, count: int
) -> None:
    process = Process(tmp_path, Authority(tmp_path / "pki"))
    given: list[tuple[Tree, int]] = []
    process.start([sys.executable, str(DYING)], arguments=[place, str(count)])
    client = process.client()
    size = grow_until_it_dies(client, given)
    client.close()
    assert process.wait() == -signal.SIGKILL
    assert len(given) == max(0, count - 1)

    process.start()
    client = process.client()
    # A liar asks first: for the fork, from all that may be on disk.
    statuses = [cosign(client, FORK, old, size + STEP, given) for old in (size + STEP, size)]
    on_disk = place in {"renamed", "kept"} or count == 1
    # The very first tree of all has nothing to contradict, unless it is on disk.
    assert statuses == ([409, 409] if on_disk else [409, 200 if size == 0 else 422])
    # And the honest log goes on, unless another one was there first.
    honest = cosign(client, TREE, size + STEP if on_disk else size, size + 2 * STEP, given)
    assert honest == (409 if statuses[-1] == 200 else 200)
    client.close()
    process.stop()
    assert len({tree for tree, _ in given}) == 1
    assert [size for _, size in given] == sorted({size for _, size in given})


def test_a_kill_between_two_requests(tmp_path: Path) -> None:
    process = Process(tmp_path, Authority(tmp_path / "pki"))
    given: list[tuple[Tree, int]] = []
    for size in (0, 10, 20):
        process.start()
        client = process.client()
        assert cosign(client, TREE, size, size + 10, given) == 200
        assert cosign(client, FORK, size, size + 10, given) == 409
        client.close()
        assert process.stop(kill=True) == -signal.SIGKILL
