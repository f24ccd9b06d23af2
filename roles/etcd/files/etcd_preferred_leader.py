#!/usr/bin/env python3
"""Keeps the etcd leader on this member: asks the leader to hand over, once this member is fit to lead.

Runs beside the preferred member, on Python's standard library alone. Whoever leads is asked only when this member has
followed that one leader for some seconds without falling behind, over links that were up all the time. Each handover
that is asked for makes the next one wait twice as long, until this member has led for a while: one that cannot keep the
lead costs few of them. All times are seconds, ids and indices are raft's.
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LOGGER = logging.getLogger("etcd-preferred-leader")
_TIMEOUT = 2.0
_LONGEST_ANSWER = 4 << 20
"""Octets; etcd's metrics are some 100 KB."""
_LINK = re.compile(r'^etcd_network_active_peers\{Local="([0-9a-f]+)",Remote="([0-9a-f]+)"\} (\d+)', re.MULTILINE)


class Trouble(Exception):
    """Why this member should not lead now, as one sentence."""


@dataclass(frozen=True)
class Sample:
    """What was seen at one moment. `trouble` is empty while this member is fit to lead."""

    leads: bool
    leader: int = 0
    term: int = 0
    trouble: str = ""


@dataclass(frozen=True)
class Patience:
    """How long to wait for what."""

    settle: float = 5.0
    """Following one leader without trouble, before it is asked."""
    proven: float = 60.0
    """Leading, before earlier handovers are forgotten."""
    shortest: float = 5.0
    """Between the first handover and the second."""
    longest: float = 600.0


class Keeper:
    """Decides when to ask for the lead; knows no clock but the one it is told."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._following: tuple[int, int] | None = None
        """Leader and term that this member follows without trouble, since `_since`."""
        self._since = 0.0
        self._leading_since: float | None = None
        self._asked = 0
        self._not_before = 0.0

    def see(self, sample: Sample, now: float) -> bool:
        """Whether the leader is to be asked now."""
        if sample.leads:
            self._following = None
            if self._leading_since is None:
                self._leading_since = now
            if now - self._leading_since >= self._patience.proven:
                self._asked = 0
            return False
        self._leading_since = None
        following = None if sample.trouble else (sample.leader, sample.term)
        if following != self._following:
            self._following, self._since = following, now
        settled = following is not None and now - self._since >= self._patience.settle
        return settled and now >= self._not_before

    def asked(self, now: float) -> float:
        """Note that the leader was asked, whatever came of it; return how long the next request waits at least."""
        wait: float = min(self._patience.shortest * 2**self._asked, self._patience.longest)
        # Beyond the longest wait there is nothing left to count.
        if wait < self._patience.longest:
            self._asked += 1
        self._not_before = now + wait
        self._following = None
        return wait


@dataclass(frozen=True)
class Status:
    """What a member says of itself."""

    member: int
    leader: int
    term: int
    committed: int
    applied: int
    errors: tuple[str, ...]


def decode_status(answer: Mapping[str, Any]) -> Status:
    """The answer of /v3/maintenance/status. The gateway leaves out what is 0 and writes 64 bits as text.

    Raises:
        Trouble: it is something else.
    """
    try:
        return Status(
            member=int(answer["header"]["member_id"]),
            leader=int(answer.get("leader", 0)),
            term=int(answer.get("raftTerm", 0)),
            committed=int(answer.get("raftIndex", 0)),
            applied=int(answer.get("raftAppliedIndex", 0)),
            errors=tuple(str(error) for error in answer.get("errors", ())),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Trouble(f"a status that cannot be read: {str(answer)[:200]}") from error


def linked(metrics: str, local: int, remote: int) -> bool:
    """Whether a member's metrics say that its link to another one is up."""
    return any((int(a, 16), int(b, 16)) == (local, remote) and int(n) > 0 for a, b, n in _LINK.findall(metrics))


def weigh(own: Status, leader: Status, most_lag: int) -> None:
    """Compare this member with the leader, which was asked first.

    Raises:
        Trouble: this member must not lead now.
    """
    if leader.member != own.leader or leader.leader != leader.member or leader.term != own.term:
        raise Trouble("the members do not agree who leads")
    for status in (own, leader):
        if status.errors:
            raise Trouble(f"member {status.member:x} has trouble: {'; '.join(status.errors)}")
    # What was committed before this member was asked has been applied here, or this member lags.
    if leader.committed - own.applied > most_lag:
        raise Trouble("this member is behind the leader")


class Cluster:
    """This member and the others, through the JSON gateway by mutual TLS."""

    def __init__(self, endpoint: str, ca: Path, certificate: Path, private_key: Path, most_lag: int) -> None:
        self._endpoint = endpoint
        self._ca, self._certificate, self._private_key = ca, certificate, private_key
        self._most_lag = most_lag

    def _fetch(self, url: str, path: str, body: object = None) -> bytes:
        """What a member answers; without a body it is a GET.

        Raises:
            Trouble: it does not.
        """
        place = urlsplit(url)
        try:
            # Read anew, for certificates are renewed.
            context = ssl.create_default_context(cafile=str(self._ca))
            context.load_cert_chain(self._certificate, self._private_key)
            connection = http.client.HTTPSConnection(
                place.hostname or "", place.port, context=context, timeout=_TIMEOUT
            )
            try:
                method, octets = ("GET", None) if body is None else ("POST", json.dumps(body))
                connection.request(method, path, octets)
                response = connection.getresponse()
                answer = response.read(_LONGEST_ANSWER)
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Trouble(f"etcd at {url}: {error}") from error
        if response.status != http.client.OK:
            raise Trouble(f"etcd at {url}: {answer[:200].decode(errors='replace')}")
        return answer

    def _ask(self, url: str, path: str, body: object) -> dict[str, Any]:
        try:
            answer = json.loads(self._fetch(url, path, body))
        except ValueError as error:
            raise Trouble(f"etcd at {url}: an answer that is no JSON") from error
        if not isinstance(answer, dict):
            raise Trouble(f"etcd at {url}: an answer that is no object")
        return answer

    def _status(self, url: str) -> Status:
        return decode_status(self._ask(url, "/v3/maintenance/status", {}))

    def _url_of(self, member: int) -> str:
        for entry in self._ask(self._endpoint, "/v3/cluster/member/list", {}).get("members", ()):
            urls = [str(url) for url in entry.get("clientURLs", ())]
            if urls and str(entry.get("ID")) == str(member):
                return urls[0]
        raise Trouble(f"the leader {member:x} is not in the list of members")

    def _check_link(self, url: str, local: int, remote: int) -> None:
        if not linked(self._fetch(url, "/metrics").decode(errors="replace"), local, remote):
            raise Trouble(f"the link from {local:x} to {remote:x} is down")

    def _compare(self, own: Status) -> None:
        """Raise Trouble unless this member could lead."""
        if not own.leader:
            raise Trouble("there is no leader")
        url = self._url_of(own.leader)
        there = self._status(url)
        weigh(self._status(self._endpoint), there, self._most_lag)
        self._check_link(self._endpoint, own.member, own.leader)
        self._check_link(url, own.leader, own.member)

    def look(self) -> Sample:
        """See who leads, and whether this member could. Raises nothing: trouble is in the sample."""
        try:
            own = self._status(self._endpoint)
        except Trouble as trouble:
            return Sample(leads=False, trouble=str(trouble))
        if own.leader == own.member:
            return Sample(leads=True, leader=own.leader, term=own.term)
        try:
            self._compare(own)
        except Trouble as trouble:
            return Sample(leads=False, leader=own.leader, term=own.term, trouble=str(trouble))
        return Sample(leads=False, leader=own.leader, term=own.term)

    def ask_for_the_lead(self) -> None:
        """Ask whoever leads to hand over to this member, and return when that is done.

        Raises:
            Trouble: it was not.
        """
        own = self._status(self._endpoint)
        if own.leader != own.member:
            url = self._url_of(own.leader)
            self._ask(url, "/v3/maintenance/transfer-leadership", {"targetID": str(own.member)})


def describe(sample: Sample) -> str:
    """What an operator reads in the journal."""
    if sample.leads:
        return "this member leads"
    leader = f"{sample.leader:x} leads" if sample.leader else "nobody is seen to lead"
    return f"{leader}; {sample.trouble or 'this member follows'}"


def keep(cluster: Cluster, keeper: Keeper, interval: float, tell: Callable[[str], None]) -> None:
    """Look, decide and ask, for ever; each change is told once."""
    last = None
    while True:
        sample = cluster.look()
        if sample != last:
            tell(f"term {sample.term}: {describe(sample)}")
            last = sample
        if keeper.see(sample, time.monotonic()):
            try:
                cluster.ask_for_the_lead()
                result = "this member has the lead"
            except Trouble as trouble:
                result = f"the lead was not handed over: {trouble}"
            tell(f"{result}; the next request waits {keeper.asked(time.monotonic()):.0f} s at least")
        else:
            time.sleep(interval)


def main() -> None:
    """Run until stopped."""
    patience = Patience()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--endpoint", required=True, help="this member's client URL")
    for name in ("ca", "certificate", "private-key"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between two looks")
    parser.add_argument("--most-lag", type=int, default=100, help="entries that this member may be behind")
    parser.add_argument("--settle", type=float, default=patience.settle)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cluster = Cluster(given.endpoint, given.ca, given.certificate, given.private_key, given.most_lag)
    keep(cluster, Keeper(Patience(settle=given.settle)), given.interval, LOGGER.info)


if __name__ == "__main__":
    main()
