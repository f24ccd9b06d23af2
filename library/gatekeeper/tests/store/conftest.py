from __future__ import annotations

from collections.abc import Iterator

import pytest

from .etcd_cluster import EtcdCluster, etcd_cluster


@pytest.fixture(scope="session")
def one_member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    """An etcd of one member, for all tests; each begins with an empty one (see `clear`)."""
    with etcd_cluster(tmp_path_factory.mktemp("etcd"), members=1) as cluster:
        yield cluster
