"""A real etcd of one or three members on loopback, with mutual TLS and a certificate authority of its own."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from witness.service.settings import Tls

HOST = "127.0.0.1"
_PATIENCE = 30.0


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def make_certificates(folder: Path) -> Tls:
    """A certificate authority, and a certificate for loopback that serves both sides."""
    authority, host = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = (
        _builder("test authority", "test authority", authority)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    certificate = (
        _builder("loopback", "test authority", host)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .sign(authority, hashes.SHA256())
    )
    tls = Tls(folder / "ca.pem", folder / "host.pem", folder / "host-key.pem")
    tls.ca.write_bytes(ca.public_bytes(Encoding.PEM))
    tls.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    tls.private_key.write_bytes(host.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return tls


def free_ports(count: int) -> list[int]:
    """Ports that nobody has at the moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


class EtcdCluster:
    """The members' processes."""

    def __init__(self, folder: Path, members: int, more: Mapping[str, object] | None = None) -> None:
        """Start them; `more` are settings beside the usual ones."""
        program = shutil.which("etcd")
        assert program, "etcd is missing: run `apt-get install etcd-server` (and `systemctl disable --now etcd`)"
        self.tls = make_certificates(folder)
        self._more = more or {}
        ports = free_ports(2 * members)
        self.client_ports = ports[:members]
        peers = {f"m{number}": f"https://{HOST}:{port}" for number, port in enumerate(ports[members:])}
        initial = ",".join(f"{name}={url}" for name, url in peers.items())
        self.processes = [
            self._start(program, folder, name, peers[name], port, initial)
            for name, port in zip(peers, self.client_ports, strict=True)
        ]
        self._wait()

    @property
    def endpoints(self) -> tuple[str, ...]:
        return tuple(f"https://{HOST}:{port}" for port in self.client_ports)

    def _start(
        self, program: str, folder: Path, name: str, peer: str, port: int, initial: str
    ) -> subprocess.Popen[bytes]:
        tls = self.tls
        settings = {
            "name": name,
            "data-dir": folder / name,
            "listen-client-urls": f"https://{HOST}:{port}",
            "advertise-client-urls": f"https://{HOST}:{port}",
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": initial,
            "heartbeat-interval": 50,
            "election-timeout": 300,
            "logger": "zap",
            "log-outputs": folder / f"{name}.log",
            "trusted-ca-file": tls.ca,
            "cert-file": tls.certificate,
            "key-file": tls.private_key,
            "client-cert-auth": "true",
            "peer-trusted-ca-file": tls.ca,
            "peer-cert-file": tls.certificate,
            "peer-key-file": tls.private_key,
            "peer-client-cert-auth": "true",
            **self._more,
        }
        return subprocess.Popen([program, *(f"--{key}={value}" for key, value in settings.items())])

    def ask(self, number: int, path: str, body: object) -> dict[str, object]:
        """What the member answers, as a JSON object; raises OSError where there is no answer."""
        context = ssl.create_default_context(cafile=str(self.tls.ca))
        context.load_cert_chain(self.tls.certificate, self.tls.private_key)
        connection = http.client.HTTPSConnection(HOST, self.client_ports[number], context=context, timeout=5)
        try:
            connection.request("POST", path, json.dumps(body))
            answer: dict[str, object] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return answer

    def clear(self) -> None:
        """Remove all keys."""
        self.ask(0, "/v3/kv/deleterange", {"key": "AA==", "range_end": "AA=="})

    def leader(self) -> int:
        """The number of the member that leads."""
        for number in range(len(self.processes)):
            status = self.ask(number, "/v3/maintenance/status", {})
            header = status["header"]
            assert isinstance(header, dict)
            if status["leader"] == header["member_id"]:
                return number
        raise AssertionError("etcd has no leader")

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        for number in range(len(self.processes)):
            while True:
                try:
                    if "kvs" in self.ask(number, "/v3/kv/range", {"key": "AA=="}) or self.ask(
                        number, "/v3/maintenance/status", {}
                    ).get("leader"):
                        break
                except OSError:
                    assert time.monotonic() < deadline, "etcd does not answer; see its log in the test's folder"

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@contextlib.contextmanager
def etcd_cluster(folder: Path, members: int, more: Mapping[str, object] | None = None) -> Iterator[EtcdCluster]:
    """A cluster for the duration of a block."""
    cluster = EtcdCluster(folder, members, more)
    try:
        yield cluster
    finally:
        cluster.stop()
