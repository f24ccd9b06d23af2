"""Hosts with day files, keys and a policy, for tests of the log service."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from witness.day_files.streams import RAS_STREAM, STREAMS
from witness.day_files.writer import DayFileWriter
from witness.log.stream_log import StreamLog
from witness.note import Algorithm, Cosigner, Signer, add_signatures, cosign_note, generate_skey, parse_skeys, sign_note
from witness.policy import Policy, parse_policy

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
DAY = "20270115"
DOMAIN = "council.example"
STREAM = STREAMS[RAS_STREAM]


@dataclass(frozen=True)
class Record:
    index: int
    line: bytes


def record(index: int, unix: float = NOON, node: str = "gk1", text: str = "ARQ") -> Record:
    time = datetime.fromtimestamp(unix, timezone.utc).isoformat(timespec="milliseconds")
    values = {"index": index, "time": time, "msg_type": text, "node": node, "epoch": 1}
    return Record(index, json.dumps(values).encode())


def write(
    folder: Path,
    start: int,
    count: int,
    stream: str = RAS_STREAM,
    *,
    unix: float = NOON,
    node: str = "gk1",
    text: str = "ARQ",
) -> list[bytes]:
    """Append records to a host's day files, as the gatekeeper does."""
    log = DayFileWriter(folder, stream)
    log.open()
    try:
        records = [record(index, unix, node, text) for index in range(start, start + count)]
        log.append(records)
    finally:
        log.close()
    return [one.line for one in records]


class Keys:
    """The council's keys: one a stream, and a cosigner's."""

    def __init__(self) -> None:
        self.text = "".join(generate_skey(f"{DOMAIN}/{name}", Algorithm.ED25519) + "\n" for name in STREAMS)
        made = parse_skeys(self.text)
        self.signers: dict[str, Signer] = {}
        for name in STREAMS:
            signer = made[f"{DOMAIN}/{name}"]
            assert isinstance(signer, Signer)
            self.signers[name] = signer
        cosigner = parse_skeys(generate_skey("wit1.example", Algorithm.COSIGNATURE))["wit1.example"]
        assert isinstance(cosigner, Cosigner)
        self.cosigner = cosigner

    def policy_text(self, url: str | None = "http://127.0.0.1:1") -> str:
        """With a quorum of one cosigner, or of none where there is no URL."""
        lines = [f"log {signer.verifier.vkey}" for signer in self.signers.values()]
        if url is not None:
            lines.append(f"witness wit1 {self.cosigner.verifier.vkey} {url}")
        return "\n".join([*lines, "quorum " + ("none" if url is None else "wit1"), ""])

    def policy(self, url: str | None = "http://127.0.0.1:1") -> Policy:
        return parse_policy(self.policy_text(url).encode())

    def sign(self, log: StreamLog, *, cosigned: bool = True) -> bytes:
        """A checkpoint over what the log has in its tiles."""
        text = log.prepare().text()
        note = sign_note(text, self.signers[log.name])
        return add_signatures(note, [cosign_note(text, self.cosigner, int(NOON))] if cosigned else []).encode()


def read_all(log: StreamLog) -> None:
    log.open()
    while log.read_on():
        pass


def published(folder: Path, keys: Keys, policy: Policy | None = None) -> StreamLog:
    """Have everything in a host's folder covered by a checkpoint."""
    log = StreamLog(folder, STREAM, policy or keys.policy())
    read_all(log)
    octets = keys.sign(log)
    log.publish(octets, log.judge(octets))
    log.close()
    return log


def day_file(folder: Path, day: str = DAY) -> Path:
    return STREAM.day_file(folder, day)
