"""What the tests of the store and those of the whole service share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from witness.service.settings import Tls

from .store import etcd_cluster

Etcd = tuple[dict[str, object], subprocess.Popen[bytes]]


@pytest.fixture
def make_certificates() -> Callable[[Path], Tls]:
    """Makes a certificate authority in a folder, and a certificate for loopback."""
    return etcd_cluster.make_certificates


def described(cluster: etcd_cluster.EtcdCluster) -> dict[str, object]:
    """What a configuration says of it."""
    tls = cluster.tls
    files = {"ca": str(tls.ca), "certificate": str(tls.certificate), "private_key": str(tls.private_key)}
    return {"kind": "etcd", "endpoints": list(cluster.endpoints), **files}


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[Etcd]:
    """An etcd of one member for this test alone: what a configuration says of it, and its process."""
    folder = tmp_path / "etcd"
    folder.mkdir()
    with etcd_cluster.etcd_cluster(folder, members=1) as cluster:
        yield described(cluster), cluster.processes[0]


@pytest.fixture
def etcd_of_three(tmp_path: Path) -> Iterator[tuple[dict[str, object], list[subprocess.Popen[bytes]]]]:
    """The same with three members, of which two may die."""
    folder = tmp_path / "etcd"
    folder.mkdir()
    with etcd_cluster.etcd_cluster(folder, members=3) as cluster:
        yield described(cluster), cluster.processes
