"""What must hold, whatever happens: looked at with each transaction of etcd and each datagram that leaves a node.

The judge reads etcd's keys, the records' JSON and the datagrams. It shares nothing with the code that it judges but
the decoder of RAS messages.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

from h323.council import RefusalName, read_refusal
from h323.ras import (
    AdmissionConfirm,
    DisengageRequest,
    GatekeeperReject,
    InfoRequest,
    RasMessage,
    RegistrationConfirm,
    RequestInProgress,
    UnregistrationRequest,
    decode,
)
from h323.ras.names import short_name

from .memory_etcd import Written

Address = tuple[str, int]
Fields = dict[str, Any]

LEASE = 1.0
"""Seconds for which a confirmed epoch lets a node answer what needs no commit."""
ANSWERS_KEPT = 61.0
"""Seconds for which a request gets its first answer again: twice the signature's window of 30 s, and one."""
_ROUNDING = 1e-6
_CONFIRMS = ("RCF", "ACF", "BCF", "DCF", "UCF")
_ENDS = ("CLEARED", "EXPIRED")


@dataclass(frozen=True)
class Asked:
    """A request as somebody sent it."""

    name: str
    message: RasMessage
    datagram: bytes
    source: Address
    forged: bool = False
    """Whether it is another's datagram, sent again from elsewhere."""

    @property
    def digest(self) -> str:
        """What the records call it."""
        where = f"{self.source[0]} {self.source[1]} ".encode()
        return hashlib.blake2b(where + self.datagram, digest_size=16).hexdigest()


@dataclass(frozen=True)
class Decision:
    """A decision in the log: the records of request and answer."""

    asked: Fields
    told: Fields
    at: float
    """True seconds."""

    @property
    def confirmed(self) -> bool:
        return self.told["msg_type"] in _CONFIRMS


@dataclass(frozen=True)
class Sent:
    """A datagram that left a node."""

    node: str
    epoch: int | None
    """That the node believes to be its own; None while it stands by."""
    lease_age: float
    """Seconds, by the node's clock, since that was asked which last proved the epoch to be its own."""
    datagram: bytes
    destination: Address


class Judge:
    """Knows all that was written and all that was said. What is wrong is added to `violations`."""

    def __init__(self, seats: int, mcu_seats: int, quota_bps: int) -> None:
        """There are so many seats in a conference and at an MCU, and a guardian has so much bandwidth."""
        self._seats = seats
        self._mcu_seats = mcu_seats
        self._quota_bps = quota_bps
        self.now = 0.0
        """True seconds."""
        self.violations: list[str] = []
        self.epoch = 0
        self.holder = ""
        self.began: dict[int, float] = {}
        """When each epoch was raised, in true seconds."""
        self.commit = (0, 0)
        self.items: dict[str, bytes] = {}
        self.calls: set[str] = set()
        self.endpoints: set[str] = set()
        """The calls and registrations that there are by the log."""
        self.log: list[Fields] = []
        self.failover_log: list[Fields] = []
        self.decisions: dict[str, list[Decision]] = {}
        self.answers: dict[str, dict[str, set[bytes]]] = {}
        """What was sent as an answer to a request: datagrams by the name of their message."""
        self.refused: set[str] = set()
        """The requests that were refused for want of a quorum: whoever asked believes that nothing came of them."""
        self.asked: dict[tuple[Address, int], Asked] = {}
        self.disks: dict[str, dict[str, list[bytes]]] = {}

    def must(self, holds: bool, what: str) -> None:
        """Note a violation unless it holds."""
        if not holds:
            self.violations.append(what)

    # What is written

    def written(self, written: Written) -> None:
        """A transaction has changed something."""
        puts = {key: value for key, value in written.puts.items() if not key.startswith("item/")}
        changed = any(key.startswith("item/") for key in written.changes)
        outbox = [key for key in puts if key.startswith("outbox/")]
        if "epoch" in puts:
            self._begins(int(puts["epoch"]), json.loads(puts["term"]), written)
        elif "commit" in puts:
            self._commits(puts["commit"].decode(), written)
        else:
            self.must(not changed and not outbox, f"{written.sender} changes the state outside of a commit")
            self._proves(puts, written)
        for key in outbox:
            self._logs(key, puts[key])
        self._trims([key for key in written.deletions if key.startswith("outbox/")])
        if changed or outbox:
            self._change(written)
            self._nobody_has_too_much()

    def _begins(self, epoch: int, term: Fields, written: Written) -> None:
        self.must(epoch == self.epoch + 1, f"{written.sender} raises epoch {self.epoch} to {epoch}")
        self.must(term["holder"] == written.sender, f"{written.sender} raises the epoch for {term['holder']}")
        self.epoch, self.holder, self.commit = epoch, written.sender, (epoch, 0)
        self.began[epoch] = self.now

    def _commits(self, commit: str, written: Written) -> None:
        """Only under the epoch that holds, only by its holder, and one after the other."""
        epoch, number = (int(part) for part in commit.split("."))
        what = f"{written.sender} commits {commit} in epoch {self.epoch} of {self.holder}, after {self.commit}"
        self.must((epoch, number) == (self.epoch, self.commit[1] + 1), what)
        self.must(written.sender == self.holder, what)
        self.commit = (epoch, number)

    def _proves(self, puts: dict[str, bytes], written: Written) -> None:
        """A sign of life is the holder's own."""
        if "term" in puts:
            term = json.loads(puts["term"])
            what = f"{written.sender} claims {term} in epoch {self.epoch} of {self.holder}"
            self.must((term["epoch"], term["holder"], written.sender) == (self.epoch, self.holder, self.holder), what)

    def _logs(self, key: str, chunk: bytes) -> None:
        _, stream, size = key.split("/")
        log = self.log if stream == "h323_ras" else self.failover_log
        lines = [json.loads(line) for line in zlib.decompress(chunk).split(b"\n")]
        for line in lines:
            self.must(line["index"] == len(log), f"record {line['index']} of {stream} comes after {len(log)} records")
            self.must(line["epoch"] == self.epoch, f"a record of epoch {line['epoch']} in epoch {self.epoch}")
            self.must(line["node"] == self.holder, f"a record of {line['node']} in {self.holder}'s epoch")
            log.append(line)
            if stream == "h323_ras":
                self._decided(line)
        self.must(int(size) == len(log), f"{key} is filed under {size}, and there are {len(log)} records")

    def _decided(self, line: Fields) -> None:
        if line["msg_type"] in _ENDS:
            self._ends(line)
        if "answers_index" not in line:
            return
        self.must(line["answers_index"] < len(self.log), "an answer to a record that isn't there")
        asked = self.log[line["answers_index"]]
        self.must("request_digest" in asked, "an answer to a record that is no request's")
        if "request_digest" not in asked:
            return
        decision = Decision(asked, line, self.now)
        before = self.decisions.setdefault(asked["request_digest"], [])
        for one in before:
            recent = self.now - one.at < ANSWERS_KEPT
            self.must(not (one.confirmed and recent), f"{asked['msg_type']} is decided again after its confirm")
        before.append(decision)
        if decision.confirmed:
            refused = asked["request_digest"] in self.refused
            self.must(not refused, f"{asked['msg_type']} is confirmed, and was refused for want of a quorum")
            self._takes_effect(decision)

    def _takes_effect(self, decision: Decision) -> None:
        asked, kind = decision.asked, decision.told["msg_type"]
        if kind in ("RCF", "UCF"):
            endpoint = decision.told["endpoint_identifier"]
            self.endpoints.add(endpoint)
            if kind == "UCF":
                self._ends({"msg_type": "EXPIRED", "endpoint_identifier": endpoint})
            return
        call = f"call/{asked['endpoint_identifier']}/{asked['call_identifier']}"
        if kind == "ACF":
            self.calls.add(call)
        elif kind == "DCF":
            self.calls.discard(call)

    def _ends(self, line: Fields) -> None:
        """A call is cleared, or all of an endpoint's calls end."""
        if line["msg_type"] == "CLEARED":
            self.calls.discard(f"call/{line['endpoint_identifier']}/{line['call_identifier']}")
        else:
            self.endpoints.discard(line["endpoint_identifier"])
            self.calls -= {call for call in self.calls if call.split("/")[1] == line["endpoint_identifier"]}

    def _change(self, written: Written) -> None:
        for key in written.deletions:
            self.items.pop(key.removeprefix("item/"), None)
        for key, value in written.puts.items():
            if key.startswith("item/"):
                self.items[key.removeprefix("item/")] = value
        there = {key for key in self.items if key.startswith("call/")}
        self.must(there == self.calls, f"the log says {sorted(self.calls)}, and there is {sorted(there)}")
        endpoints = {key.split("/")[1] for key in self.items if key.startswith("registration/")}
        self.must(endpoints == self.endpoints, f"the log has registered {self.endpoints}, and there is {endpoints}")

    def _nobody_has_too_much(self) -> None:
        calls = [json.loads(value) for key, value in self.items.items() if key.startswith("call/")]
        registered = {key.split("/")[1] for key in self.items if key.startswith("registration/")}
        seats = Counter(call["conference_id"] for call in calls if call["participant"])
        legs = Counter(call["mcu"] for call in calls if call["mcu"])
        used: Counter[str] = Counter()
        for call in calls:
            used[call["terminal_id"]] += call["bandwidth_bps"]
        self.must(max(seats.values(), default=0) <= self._seats, "a conference is overfull")
        self.must(max(legs.values(), default=0) <= self._mcu_seats, "an MCU is overfull")
        self.must(max(used.values(), default=0) <= self._quota_bps, "a guardian has more than the quota")
        self.must({call["endpoint_identifier"] for call in calls} <= registered, "a call of who isn't registered")

    def _trims(self, keys: list[str]) -> None:
        """What leaves the outbox is on both disks."""
        for key in keys:
            _, stream, size = key.split("/")
            for node, disk in self.disks.items():
                self.must(len(disk.get(stream, ())) >= int(size), f"{key} is dropped, and {node} hasn't got it")

    # What is said

    def asks(self, asked: Asked) -> None:
        """A request is sent, for the first time or again."""
        self.asked.setdefault((asked.source, _number(asked.message)), asked)

    def sent(self, sent: Sent) -> None:
        """A datagram leaves a node."""
        message = decode(sent.datagram)
        what = f"{sent.node} (epoch {sent.epoch}) sends {short_name(message)}"
        if isinstance(message, DisengageRequest | UnregistrationRequest | InfoRequest):
            self._is_grounded(message, what)
            return
        asked = self.asked[sent.destination, _number(message)]
        what = f"{what} to {asked.name}"
        told = self.answers.setdefault(asked.digest, {}).setdefault(short_name(message), set())
        told.add(sent.datagram)
        if isinstance(message, RequestInProgress):
            return
        if _says_nobody_can_decide(message):
            confirmed = any(one.confirmed for one in self.decisions.get(asked.digest, ()))
            self.must(not confirmed, f"{what} for want of a quorum, and it is confirmed")
            self.refused.add(asked.digest)
            return
        if sent.epoch is None:
            self.must(isinstance(message, GatekeeperReject), f"{what} while standing by")
        elif isinstance(message, RegistrationConfirm) and getattr(asked.message, "keep_alive", False):
            self._is_within_the_lease(sent, what)
        else:
            self._is_durable(asked, message, sent, what)
            if short_name(message) in _CONFIRMS:
                self.must(len(told) == 1, f"{what}, and it is another one than before")
        if short_name(message) in _CONFIRMS:
            self.must(not asked.forged or not self._has_original(asked), f"{what}, a replay")

    def _is_grounded(self, message: RasMessage, what: str) -> None:
        """The gatekeeper's own DRQ and URQ tell what the log says has ended."""
        if isinstance(message, InfoRequest):
            return
        endpoint = getattr(message, "endpoint_identifier", None)
        ended = any(one["msg_type"] in _ENDS and one["endpoint_identifier"] == endpoint for one in self.log)
        self.must(ended, f"{what}, of which the log knows nothing")

    def _is_within_the_lease(self, sent: Sent, what: str) -> None:
        """What needs no commit is said within a second of the question that proved the epoch, and so of its end."""
        over = self.now - self.began.get((sent.epoch or 0) + 1, self.now)
        self.must(sent.lease_age <= LEASE + _ROUNDING, f"{what}, its lease {sent.lease_age:.3f} s old")
        self.must(over <= LEASE + _ROUNDING, f"{what} {over:.3f} s after its epoch was over")

    def _is_durable(self, asked: Asked, message: RasMessage, sent: Sent, what: str) -> None:
        decisions = self.decisions.get(asked.digest, [])
        kind = short_name(message)
        same = [one for one in decisions if one.told["msg_type"] == kind]
        self.must(bool(same), f"{what}, and no such decision is durable")
        for one in same[-1:]:
            epoch = int(one.told["epoch"])
            self.must(epoch <= (sent.epoch or 0), f"{what}, which epoch {epoch} has decided")
        if isinstance(message, AdmissionConfirm):
            confirmed = any(one.confirmed for one in decisions)
            self.must(confirmed, f"{what}, and the log has not admitted it")

    def _has_original(self, forged: Asked) -> bool:
        """Whether the guardian's own datagram was confirmed: then nobody else may get a confirm for it."""
        originals = (one for one in self.asked.values() if one.datagram == forged.datagram and not one.forged)
        return any(decision.confirmed for one in originals for decision in self.decisions.get(one.digest, ()))

    # What a node believes

    def knows(self, name: str, epoch: int, calls: frozenset[str]) -> None:
        """Whoever is in office and has nothing on its way knows exactly what is durable."""
        if epoch == self.epoch:
            self.must(calls == self.calls, f"{name} knows {sorted(calls)}, and durable is {sorted(self.calls)}")

    def fingerprint(self) -> tuple[object, ...]:
        """What decides what it will say."""
        decided = sorted((digest, len(some), some[-1].told["msg_type"]) for digest, some in self.decisions.items())
        told = sorted((digest, tuple(sorted(kinds))) for digest, kinds in self.answers.items())
        return self.epoch, self.holder, self.commit, len(self.log), tuple(decided), tuple(told), tuple(self.items)


def _number(message: RasMessage) -> int:
    return 0 if isinstance(message, tuple) else message.request_seq_num


def _says_nobody_can_decide(message: RasMessage) -> bool:
    """Whether it is a refusal for want of a quorum, which asks to try again."""
    refusal = read_refusal(getattr(message, "generic_data", None))
    return refusal is not None and refusal.name is RefusalName.GATEKEEPER_ERROR
