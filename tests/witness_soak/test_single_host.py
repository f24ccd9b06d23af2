"""One host with SQLite: gatekeeper and log service are killed at random while a guardian asks and is answered."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import yaml
from gatekeeper.core.answers import request_digest
from h323.ras import AdmissionConfirm, AdmissionRequest, DisengageConfirm, DisengageRequest, decode
from witness.day_files.streams import RAS_STREAM, STREAMS
from witness.note import Algorithm, generate_skey, parse_skeys
from witness.policy import judge_checkpoint, parse_policy
from witness.verify import Demands, Verdict, verify_stream

from library.gatekeeper.tests.service.guardian import Guardian, guardian
from library.gatekeeper.tests.service.running import Node, serving, until

SEED, ROUNDS = 1, 6
DOMAIN = "council.example"
LOG_SERVICE = str(Path(sys.executable).parent / "h323-witness-log")


class LogService:
    """The log service beside the gatekeeper. Nobody cosigns on one host: the quorum is none."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.folder = node.folder / "logs" / STREAMS[RAS_STREAM].folder
        skeys = [generate_skey(f"{DOMAIN}/{name}", Algorithm.ED25519) for name in STREAMS]
        keys = node.folder / "log-keys"
        keys.write_text("".join(f"{each}\n" for each in skeys))
        policy = node.folder / "policy"
        logs = "".join(f"log {key.verifier.vkey}\n" for key in parse_skeys(keys.read_text()).values())
        policy.write_text(f"{logs}quorum none\n")
        self.policy = parse_policy(policy.read_bytes())
        values = {
            "node": node.name,
            "directory": str(node.folder / "logs"),
            "policy": str(policy),
            "signing_keys": str(keys),
            "metrics": {"port": 0},
        }
        self._most_covered = 0
        self._config = node.folder / "log.yaml"
        self._config.write_text(yaml.safe_dump(values))

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """It runs for the duration of a block, at the end of which it is killed."""
        with (self._node.folder / "log-output").open("ab") as output:
            process = subprocess.Popen([LOG_SERVICE, "--config", str(self._config)], stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    @property
    def covered(self) -> int:
        """How many records the checkpoint covers: never fewer than it did."""
        path = self.folder / "checkpoint"
        size = judge_checkpoint(path.read_bytes(), self.policy).checkpoint.size if path.exists() else 0
        assert size >= self._most_covered, "the checkpoint has gone back"
        self._most_covered = size
        return size

    def has_grown_over(self, size: int) -> bool:
        """Whether it covers more than so many."""
        return self.covered > size


class Caller:
    """A guardian who makes calls, and remembers what was answered."""

    def __init__(self, one: Guardian) -> None:
        self._guardian = one
        self._calls = iter(range(1, 10_000))
        self.answered: list[bytes] = []
        """The digests of the requests that had an answer."""

    def ask(self, request: AdmissionRequest | DisengageRequest) -> None:
        """Ask until the answer comes."""
        self.repeat(self._guardian.signed(request))

    def repeat(self, datagram: bytes) -> None:
        """Send the same datagram until the answer comes."""
        assert isinstance(decode(self._guardian.send(datagram)), (AdmissionConfirm, DisengageConfirm))
        self.answered.append(request_digest(datagram, self._guardian.source))

    def call(self) -> None:
        """Begin a call and end it."""
        number = next(self._calls)
        self.ask(self._guardian.admission(number))
        self.ask(self._guardian.disengagement(number))

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        """A call whose first request may or may not have been heard when the block begins; at its end it's repeated."""
        number = next(self._calls)
        datagram = self._guardian.signed(self._guardian.admission(number))
        self._guardian.send_once(datagram)
        yield
        self.repeat(datagram)
        self.ask(self._guardian.disengagement(number))


def has_more_lines(node: Node, before: int) -> bool:
    """Whether there are more records than that on disk."""
    return b"".join(node.octets().values()).count(b"\n") > before


def recorded(node: Node) -> Counter[object]:
    """The digests of the requests that are on disk."""
    return Counter(line["request_digest"] for line in node.lines() if line["msg_type"] in {"ARQ", "DRQ"})


def is_signed(node: Node, log: LogService, answered: int) -> bool:
    """Whether so many requests are on disk, where they come after the answer, and a checkpoint covers all that is.

    The gatekeeper's last record without anybody's request is the one of what there was when its term began.
    """
    lines = node.lines()
    term = max(at for at, line in enumerate(lines) if line["msg_type"] == "TERM")
    told = any(line["msg_type"] == "ITEMS" for line in lines[term:])
    return told and recorded(node).total() >= answered and log.covered == len(node.lines())


def test_what_was_answered_is_in_the_log_once(tmp_path: Path) -> None:
    source = random.Random(SEED)
    node = Node(tmp_path)
    log = LogService(node)
    with guardian("alice", node.port) as alice, contextlib.ExitStack() as stack:
        caller = Caller(alice)
        for number in range(ROUNDS):
            with serving(node) as gatekeeper, log.running() as signer:
                stack.close()
                if number == 0:
                    alice.register()
                for _ in range(source.randrange(1, 12)):
                    caller.call()
                if source.random() < 0.5:
                    until(partial(log.has_grown_over, log.covered), "something is signed")
                before = b"".join(node.octets().values()).count(b"\n")
                stack.enter_context(caller.calling())
                if source.random() < 0.5:
                    # It is on disk, and perhaps not answered yet.
                    until(partial(has_more_lines, node, before), "it is recorded")
                for victim in source.sample([gatekeeper, signer], k=2):
                    victim.kill()
        with serving(node), log.running():
            stack.close()
            until(partial(is_signed, node, log, len(caller.answered)), "all of it is signed")
    lines = node.lines()
    assert [line["index"] for line in lines] == list(range(len(lines)))
    assert recorded(node) == Counter(digest.hex() for digest in caller.answered)
    assert len(caller.answered) > 2 * ROUNDS
    report = verify_stream(log.folder, STREAMS[RAS_STREAM], f"{DOMAIN}/{RAS_STREAM}", Demands(log.policy))
    assert (report.verdict, report.records) == (Verdict.GOOD, len(lines)), report.findings
