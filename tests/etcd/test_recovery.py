"""What playbooks/recover_quorum.yml reads out of logs and of etcd's answers."""

from __future__ import annotations

import base64
import json

import pytest

from plugins.filter import recovery


@pytest.mark.parametrize(
    ("lines", "size"),
    [
        ([], 0),
        (['{"index": 41, "time": "2026-11-24T00:00:01Z"}', '{"index": 40}'], 42),
        (['{"index": 41}', '{"index": 42, "ti'], 42),
        (['{"time": "no index"}', "[]", "7", '{"index": null}'], 0),
    ],
)
def test_a_log_has_as_many_records_as_its_last_whole_line_says(lines: list[str], size: int) -> None:
    assert recovery.log_size(lines) == size


def test_the_stores_sizes_are_read_from_what_etcdctl_prints() -> None:
    def pair(key: str, value: str) -> dict[str, str]:
        return {"key": base64.b64encode(key.encode()).decode(), "value": base64.b64encode(value.encode()).decode()}

    answer = json.dumps(
        {"header": {"revision": 9}, "kvs": [pair("size/h323_ras", "98505"), pair("size/failover", "2")]}
    )
    assert recovery.store_sizes(answer) == {"h323_ras": 98505, "failover": 2}
    assert recovery.store_sizes('{"header": {"revision": 1}}') == {}


def test_what_logs_have_and_the_store_does_not_is_lost() -> None:
    known = {"h323_ras": 100, "failover": 2}
    logs = {
        "gk1": {"h323_ras": 112, "failover": 3},
        "gk2": {"h323_ras": 105, "failover": 2},
        "gk3": {"h323_ras": 100},
    }
    more = recovery.forgotten(known, logs)
    assert more == {"gk1": {"h323_ras": 12, "failover": 1}, "gk2": {"h323_ras": 5}}
    assert recovery.most_forgotten(more) == 13
    assert recovery.forgotten(known, {"gk1": {"h323_ras": 100}}) == {}
    assert recovery.most_forgotten({}) == 0
    # A store that has nothing at all.
    assert recovery.most_forgotten(recovery.forgotten({}, logs)) == 115


def test_the_one_without_a_name_is_the_one_that_joins() -> None:
    members = [
        {"ID": 1, "name": "gk2", "peerURLs": ["https://192.0.2.12:2380"]},
        {"ID": 2, "peerURLs": ["https://192.0.2.11:2380"], "isLearner": True},
    ]
    told = recovery.initial_cluster(members, "gk1")
    assert told == "gk2=https://192.0.2.12:2380,gk1=https://192.0.2.11:2380"
