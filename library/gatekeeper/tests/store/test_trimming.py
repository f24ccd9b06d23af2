"""What may leave the outbox, and what may not."""

from __future__ import annotations

import pytest
from gatekeeper.store.trimming import Trimming
from hypothesis import given
from hypothesis import strategies as st

THREE = Trimming(3, bound=100)


@pytest.mark.parametrize(
    ("sizes", "whole", "dispensable"),
    [
        ([], 10, 0),
        ([10, 10], 10, 0),
        ([10, 10, 0], 10, 0),
        ([10, 9, 7], 10, 7),
        ([10, 9, 8, 7], 10, 7),
        ([500, 450], 500, 400),
        ([500, 350], 500, 350),
        ([500, 350, 0], 500, 350),
        ([500, 450, 420], 500, 420),
        ([500], 500, 0),
    ],
)
def test_three_replicas(sizes: list[int], whole: int, dispensable: int) -> None:
    assert THREE.dispensable(sizes, whole) == dispensable


def test_a_single_host_needs_no_second_copy() -> None:
    assert Trimming(1, bound=100).dispensable([500], 500) == 500


@given(st.lists(st.integers(0, 1_000), max_size=5), st.integers(1, 4), st.integers(1, 1_000))
def test_what_is_dropped_is_on_enough_disks(sizes: list[int], nodes: int, bound: int) -> None:
    whole = max(sizes, default=0)
    dropped = Trimming(nodes, bound).dispensable(sizes, whole)
    assert sum(size >= dropped for size in sizes) >= min(2, nodes) or dropped <= 0
    if sum(size >= dropped for size in sizes) < max(nodes, len(sizes)):
        assert whole - dropped >= bound or dropped <= 0
