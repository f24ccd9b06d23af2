"""Role pki: every host has a key that stays there and a certificate of the internal authority."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import EVERY, GATEKEEPERS, VIP, address, reach

PKI = "/etc/guardian-council/pki"


@pytest.mark.parametrize("name", EVERY)
def test_only_the_services_group_reads_the_key(name: str) -> None:
    key = reach(name).file(f"{PKI}/host-key.pem")
    assert (key.user, key.group, key.mode) == ("root", "guardian-pki", 0o640)


@pytest.mark.parametrize("name", EVERY)
def test_the_certificate_is_the_authoritys_and_names_the_host(name: str) -> None:
    host = reach(name)
    assert host.run(f"openssl verify -CAfile {PKI}/ca.pem {PKI}/host.pem").rc == 0
    names = host.check_output(f"openssl x509 -in {PKI}/host.pem -noout -ext subjectAltName")
    assert f"DNS:{name}" in names
    assert f"IP Address:{address(name)}" in names
    assert (f"IP Address:{VIP}" in names) == (name in GATEKEEPERS)


@pytest.mark.parametrize("name", EVERY)
def test_the_authoritys_key_is_not_on_a_host(name: str, secrets: Path) -> None:
    assert (secrets / "pki" / "ca-key.pem").exists()
    host = reach(name)
    assert sorted(host.file(PKI).listdir()) == ["ca.pem", "host-key.pem", "host.csr", "host.pem"]
    assert "CA:TRUE" not in host.check_output(f"openssl x509 -in {PKI}/host.pem -noout -text")


def test_no_host_has_another_ones_key() -> None:
    public = {reach(name).check_output(f"openssl pkey -in {PKI}/host-key.pem -pubout") for name in EVERY}
    assert len(public) == len(EVERY)
