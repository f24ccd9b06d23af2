"""Role etcd: three members that talk to nobody without a certificate."""

from __future__ import annotations

import json

import pytest

from .conftest import HOSTS, address, exposure, reach

PKI = "/etc/guardian-council/pki"
ENDPOINTS = ",".join(f"https://{address(name)}:2379" for name in HOSTS)
WITH_CERTIFICATE = f"--cacert={PKI}/ca.pem --cert={PKI}/host.pem --key={PKI}/host-key.pem"


@pytest.mark.parametrize("name", HOSTS)
def test_it_runs_now_and_at_boot(name: str) -> None:
    service = reach(name).service("etcd")
    assert service.is_enabled
    assert service.is_running


@pytest.mark.parametrize("name", HOSTS)
def test_the_sandbox_leaves_little_exposed(name: str) -> None:
    assert exposure(name, "etcd") <= 2.0


def test_three_healthy_members_make_one_cluster() -> None:
    told = reach("wit1").check_output(
        f"env ETCDCTL_API=3 etcdctl {WITH_CERTIFICATE} --endpoints={ENDPOINTS} endpoint status --write-out=json"
    )
    status = [each["Status"] for each in json.loads(told)]
    assert len({each["header"]["member_id"] for each in status}) == len(HOSTS)
    assert len({each["header"]["cluster_id"] for each in status}) == 1
    assert len({each["leader"] for each in status}) == 1


@pytest.mark.parametrize("port", [2379, 2380])
@pytest.mark.parametrize("name", HOSTS)
def test_a_client_without_a_certificate_is_refused(name: str, port: int) -> None:
    server = f"{address(name)}:{port}"
    told = reach("wit1").run(f"sh -c 'echo | openssl s_client -connect {server} -CAfile {PKI}/ca.pem -tls1_2'")
    assert told.rc != 0
    assert "alert bad certificate" in told.stderr


def test_plain_http_is_refused() -> None:
    told = reach("wit1").run(f"env ETCDCTL_API=3 etcdctl --endpoints=http://{address('gk1')}:2379 get x")
    assert told.rc != 0
