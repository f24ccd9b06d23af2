"""Waiting that ends: by the result, by the clock, or by a cancellation, also where two of them come at once."""

from __future__ import annotations

import asyncio

import pytest
from gatekeeper.patience import within


def test_the_result_comes_through() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert asyncio.run(within(60, work())) == 7
    assert asyncio.run(within(None, work())) == 7


def test_what_takes_too_long_is_cancelled() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(within(0.01, work()))
    assert ended == [True]


def test_an_error_comes_through() -> None:
    async def work() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        asyncio.run(within(60, work()))


@pytest.mark.parametrize("turns", range(4))
def test_a_cancellation_counts_though_the_work_is_done_in_the_same_turn(turns: int) -> None:
    """`asyncio.wait_for` forgets it before Python 3.12 where the cancellation comes one turn after the event."""

    async def scenario() -> None:
        done = asyncio.Event()

        async def forever() -> None:
            while True:
                await within(60, done.wait())
                await asyncio.sleep(60)

        task = asyncio.ensure_future(forever())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        done.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()

    asyncio.run(scenario())
