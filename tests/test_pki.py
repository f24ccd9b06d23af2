"""The internal authority signs for a host what that host is, and nothing that it asks for beyond that."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

ROOT = Path(__file__).parent.parent
NAMES: tuple[x509.GeneralName, ...] = (
    x509.DNSName("gk1"),
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
)
TASKS = [
    {
        "name": "What a host returned",
        "ansible.builtin.include_role": {"name": "pki", "tasks_from": "request"},
    }
]


def request(
    name: str = "gk1",
    names: Sequence[x509.GeneralName] = NAMES,
    uses: Sequence[x509.ObjectIdentifier] = (x509.OID_SERVER_AUTH, x509.OID_CLIENT_AUTH),
    authority: x509.BasicConstraints | None = None,
) -> str:
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    )
    if authority is not None:
        builder = builder.add_extension(authority, critical=True)
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


def judged(folder: Path, csr: str) -> subprocess.CompletedProcess[str]:
    playbook = folder / "playbook.yml"
    playbook.write_text(json.dumps([{"name": "Judge", "hosts": "gk1", "gather_facts": False, "tasks": TASKS}]))
    given = folder / "given.json"
    given.write_text(json.dumps({"pki_request": {"csr": csr}, "pki_address": "192.0.2.1", "pki_extra_names": []}))
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", "gk1,", "-e", f"@{given}", playbook]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_what_was_asked_for_is_signed(tmp_path: Path) -> None:
    done = judged(tmp_path, request())
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "csr",
    [
        request(name="arc1"),
        request(names=(*NAMES, x509.DNSName("arc1"))),
        request(names=NAMES[1:]),
        request(uses=(x509.OID_SERVER_AUTH, x509.OID_CLIENT_AUTH, x509.OID_CODE_SIGNING)),
        request(authority=x509.BasicConstraints(ca=True, path_length=None)),
    ],
    ids=["another host's name", "another name beside", "a name less", "another use", "an authority"],
)
def test_anything_else_is_not(tmp_path: Path, csr: str) -> None:
    done = judged(tmp_path, csr)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "is not the one that it was asked for" in done.stdout
