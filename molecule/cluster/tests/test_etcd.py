"""Role etcd: three members that talk to nobody without a certificate."""

from __future__ import annotations

import json

import pytest

from .conftest import HOSTS, address, eventually, exposure, reach

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


def leads(name: str) -> bool:
    told = reach(name).check_output(
        f"env ETCDCTL_API=3 etcdctl {WITH_CERTIFICATE} --endpoints=https://{address(name)}:2379 endpoint status"
        " --write-out=json"
    )
    status = json.loads(told)[0]["Status"]
    return bool(status["leader"] == status["header"]["member_id"])


def test_the_lead_comes_back_to_the_witness() -> None:
    eventually(lambda: leads("wit1"), "wit1 leads", seconds=90)
    host = reach("wit1")
    other = json.loads(
        host.check_output(
            f"env ETCDCTL_API=3 etcdctl {WITH_CERTIFICATE} --endpoints=https://{address('gk1')}:2379 endpoint status"
            " --write-out=json"
        )
    )[0]["Status"]["header"]["member_id"]
    host.check_output(
        f"env ETCDCTL_API=3 etcdctl {WITH_CERTIFICATE} --endpoints=https://{address('wit1')}:2379 move-leader {other:x}"
    )
    assert leads("gk1")
    eventually(lambda: leads("wit1"), "wit1 leads again", seconds=90)


@pytest.mark.parametrize("name", HOSTS)
def test_what_keeps_the_lead_runs_on_the_witness_only_and_in_a_sandbox(name: str) -> None:
    service = reach(name).service("etcd-preferred-leader")
    assert (service.is_enabled, service.is_running) == ((True, True) if name == "wit1" else (False, False))
    if name == "wit1":
        assert exposure(name, "etcd-preferred-leader") <= 2.0
