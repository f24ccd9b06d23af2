"""Ending tasks."""

from __future__ import annotations

import asyncio


async def end(*tasks: asyncio.Task[None] | None) -> None:
    """Cancel tasks and wait until they are over; what they raised was raised already."""
    begun = [task for task in tasks if task is not None]
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)
