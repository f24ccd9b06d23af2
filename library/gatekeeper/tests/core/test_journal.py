"""The witness log's lines: the bytes are those of `json.dumps`, which the runbook's greps rely on."""

from __future__ import annotations

import json
from datetime import datetime, timezone

from gatekeeper.core import Instant
from gatekeeper.core.journal import Journal
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.lists(st.text(), max_size=3)
)
NAMES = st.sampled_from(["msg_type", "terminal_id", "destination", "pii", "request_seq_num", "from"])
# Whole milliseconds: what a float has beyond them is cut off.
MOMENTS = st.integers(0, 4_000_000_000_000).map(lambda milliseconds: (milliseconds + 0.25) / 1_000)


@given(st.lists(st.tuples(MOMENTS, st.dictionaries(NAMES, VALUES)), max_size=4), st.text())
def test_a_line_is_what_json_dumps_gives(entries: list[tuple[float, dict[str, object]]], node: str) -> None:
    journal = Journal({"h323_ras": 7}, node, 3)
    for number, (unix, fields) in enumerate(entries):
        moment = datetime.fromtimestamp(int(unix * 1_000) / 1_000, tz=timezone.utc)
        expected = {
            "index": 7 + number,
            "time": moment.isoformat(timespec="milliseconds"),
            **{name: value for name, value in fields.items() if value is not None},
            "node": node,
            "epoch": 3,
        }
        record = journal.record("h323_ras", Instant(0.0, unix), fields)
        assert record.line == json.dumps(expected).encode()
        assert record.index == 7 + number


def test_streams_are_numbered_each_on_its_own() -> None:
    journal = Journal({"h323_ras": 2}, "gk1", 1)
    now = Instant(0.0, 1_800_000_000.5)
    numbers = [journal.record(stream, now, {}).index for stream in ("h323_ras", "failover", "h323_ras", "failover")]
    assert numbers == [2, 0, 3, 1]
