"""Waiting for something no longer than so many seconds, in a way that misses no cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


async def within(seconds: float | None, work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """The result of what is done within so many seconds; None waits for as long as it takes.

    As `asyncio.wait_for`, which before Python 3.12 forgets that it was cancelled where the work is done in the same
    turn of the event loop (bpo-42130): a term of office that was to end went on, and decided nothing any more.

    Raises:
        asyncio.TimeoutError: it took longer, and was cancelled.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task], timeout=seconds)
        if task.done():
            return task.result()
        raise asyncio.TimeoutError
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
