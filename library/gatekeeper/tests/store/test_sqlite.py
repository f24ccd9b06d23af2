"""What only SQLite can get wrong: its file."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from gatekeeper.store import Batch, Change, Record, StoreUnavailable
from gatekeeper.store.sqlite import SqliteStore


@pytest.mark.parametrize("what", ["missing folder", "no database"])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, what: str) -> None:
    path = tmp_path / "state.sqlite"
    if what == "missing folder":
        path = tmp_path / "nowhere" / "state.sqlite"
    else:
        path.write_text("a letter to the council, longer than a database's header is, which has 100 octets" * 3)
    store = SqliteStore(path)

    async def scenario() -> None:
        with pytest.raises(StoreUnavailable, match=r"state\.sqlite: .*; give a folder that can be written"):
            await store.open()
        await store.close()

    asyncio.run(scenario())


def test_a_locked_file_is_asked_again_with_the_same_batch(tmp_path: Path) -> None:
    """A commit that failed can be repeated, and is written once."""
    path = tmp_path / "state.sqlite"
    batch = Batch((Change("a", b"1"),), (Record("h323_ras", 0, b"{}"),))

    async def scenario() -> None:
        store = SqliteStore(path, patience=0)
        await store.open()
        await store.take_over("gk1", 100.0)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.commit(1, batch)
        other.execute("ROLLBACK")
        other.close()
        await store.commit(1, batch)
        assert await store.records("h323_ras", 0, 10) == list(batch.records)
        await store.close()

    asyncio.run(scenario())
