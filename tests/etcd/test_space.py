"""The store does not fill under load, and serves again when it has: a real etcd with settings that are scaled down."""

from __future__ import annotations

import base64
import itertools
import re
from pathlib import Path
from typing import Any

import yaml

from library.gatekeeper.tests.store.etcd_cluster import EtcdCluster, etcd_cluster

DEFAULTS = Path(__file__).resolve().parents[2] / "roles" / "etcd" / "defaults" / "main.yml"
COMMITS = 1_000
"""A second, each of 5 KB: the worst that a gatekeeper has shown."""
PAGES = 13_000
"""Octets of etcd's file for each of these (docs/decisions/0012-etcd-leader-and-space.md)."""


def test_the_worst_history_fits_into_the_quota() -> None:
    settings = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    minutes = re.fullmatch(r"(\d+)m", settings["etcd_auto_compaction_retention"])
    assert minutes
    # Whoever was away for a minute must still find where they left off.
    assert int(minutes[1]) >= 2
    # etcd compacts once a period, to where it was a period before.
    assert 2 * int(minutes[1]) * 60 * COMMITS * PAGES < settings["etcd_quota_backend_bytes"]


def put(cluster: EtcdCluster, key: str, octets: int) -> dict[str, Any]:
    pair = {"key": base64.b64encode(key.encode()).decode(), "value": base64.b64encode(bytes(octets)).decode()}
    return cluster.ask(0, "/v3/kv/put", pair)


def status(cluster: EtcdCluster) -> dict[str, Any]:
    return cluster.ask(0, "/v3/maintenance/status", {})


def is_compacted(cluster: EtcdCluster, revision: int) -> bool:
    key = base64.b64encode(b"load").decode()
    return "compacted" in str(cluster.ask(0, "/v3/kv/range", {"key": key, "revision": revision}).get("error", ""))


def test_a_sustained_load_overwrites_its_quota_twice_and_stays_under_it(tmp_path: Path) -> None:
    size, quota, windows = 1 << 18, 48 << 20, 8
    more = {"auto-compaction-mode": "periodic", "auto-compaction-retention": "1s", "quota-backend-bytes": quota}
    with etcd_cluster(tmp_path, 1, more) as cluster:
        for _ in range(windows):
            # A quarter of the quota, and then until etcd has forgotten where this began.
            revisions = [int(put(cluster, "load", size)["header"]["revision"]) for _ in range(quota // 4 // size)]
            while not is_compacted(cluster, revisions[0]):
                put(cluster, "load", 1)
        assert int(status(cluster)["dbSize"]) < quota
        assert cluster.ask(0, "/v3/maintenance/alarm", {"action": "GET"}).get("alarms", []) == []


def test_a_full_store_serves_again_after_compacting_defragmenting_and_disarming(tmp_path: Path) -> None:
    """The steps of playbooks/etcd_space.yml."""
    with etcd_cluster(tmp_path, 1, {"quota-backend-bytes": 4 << 20}) as cluster:
        refused = next(
            answer for answer in (put(cluster, "load", 65_536) for _ in itertools.count()) if "error" in answer
        )
        assert "database space exceeded" in refused["error"]
        alarms: Any = cluster.ask(0, "/v3/maintenance/alarm", {"action": "GET"})["alarms"]
        assert [alarm["alarm"] for alarm in alarms] == ["NOSPACE"]
        full = status(cluster)
        # Reading goes on, and the history alone is what fills it.
        revision = full["header"]["revision"]
        cluster.ask(0, "/v3/kv/compaction", {"revision": revision, "physical": True})
        cluster.ask(0, "/v3/maintenance/defragment", {})
        assert int(status(cluster)["dbSize"]) < int(full["dbSize"]) / 4
        # Until it is disarmed, the alarm keeps it closed.
        assert "error" in put(cluster, "load", 1)
        cluster.ask(0, "/v3/maintenance/alarm", {"action": "DEACTIVATE", **alarms[0]})
        assert "error" not in put(cluster, "load", 65_536)
