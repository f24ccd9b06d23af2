"""The lines of the witness log: numbered without gaps, each one JSON object with Python's default separators."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone

from gatekeeper.core.effects import Instant
from gatekeeper.store import Record

RAS_STREAM = "h323_ras"
FAILOVER_STREAM = "failover"


class Journal:
    """Makes the records of one term of office."""

    def __init__(self, sizes: Mapping[str, int], node: str, epoch: int) -> None:
        self._next = dict(sizes)
        self._node = node
        self._epoch = epoch

    def record(self, stream: str, now: Instant, fields: Mapping[str, object]) -> Record:
        """The stream's next record. Fields that are None are left out."""
        index = self._next.get(stream, 0)
        self._next[stream] = index + 1
        moment = datetime.fromtimestamp(now.unix, tz=timezone.utc)
        line: dict[str, object] = {"index": index, "time": moment.isoformat(timespec="milliseconds")}
        line.update((name, value) for name, value in fields.items() if value is not None)
        line.update(node=self._node, epoch=self._epoch)
        return Record(stream, index, json.dumps(line).encode())
