"""Measurements of one kind each; every one gives rows of the table."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import statistics
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from h323.h235 import PrivateKey
from load import Load, Outcome
from process import Ready, running
from traffic import Traffic

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "library" / "gatekeeper" / "tests" / "store"))

from etcd_cluster import EtcdCluster, etcd_cluster
from takeover import ANSWERS, take_over
from verification import RECORDS, verified
from witness_beside import Beside, beside

ENDPOINTS = 1_000
"""Unless the number of endpoints is what's measured."""
SCALE = (10, 100, 1_000, 10_000, 100_000)
_TURNS = 3
"""With and without the log's signing, each."""
_WINDOW = 128
"""Unanswered requests while the gatekeeper is saturated: enough for the store's batches to fill."""


@dataclass(frozen=True)
class Row:
    """One figure."""

    part: str
    name: str
    value: float
    unit: str
    target: str = ""
    cpu: float = 0.0
    """Microseconds of the gatekeeper's CPU time a request: what stays the same when others use the machine."""
    note: str = ""


@dataclass(frozen=True)
class Bench:
    """What all measurements share."""

    load: Load
    scale: float
    """Of the usual number of requests."""

    def count(self, usual: int) -> int:
        """How many requests to make."""
        return max(64, int(usual * self.scale))

    @contextlib.contextmanager
    def gatekeeper(self, endpoints: int, **order: object) -> Iterator[Ready]:
        """A gatekeeper with so many endpoints in its store."""
        order = {"store": "memory", "populate": "yes", "authentication": "signed", **order}
        order = {"source_port": self.load.port, **order}
        with running("gatekeeper_process.py", endpoints=endpoints, **order) as ready:
            yield ready

    def flood(self, ready: Ready, datagrams: list[bytes]) -> tuple[Outcome, float]:
        """Saturate it; what came of it, and the microseconds of CPU time a request."""
        before = ready.measures()["cpu"]
        outcome = self.load.flood(ready.port, datagrams, _WINDOW)
        used = ready.measures()["cpu"] - before
        return outcome, used / max(1, len(outcome.answers)) * 1e6


def _note(outcome: Outcome, *expected: str) -> str:
    """What else came than was expected; empty where all is well."""
    strange = {kind: count for kind, count in outcome.kinds().items() if kind not in expected}
    lost = outcome.sent - len(outcome.answers)
    return ", ".join([f"{count} {kind}" for kind, count in strange.items()] + ([f"{lost} lost"] if lost else []))


def references(bench: Bench) -> list[Row]:
    """What this machine can do at most: UDP there and back, a signature and its verification."""
    datagrams = Traffic(ENDPOINTS).keep_alives(bench.count(20_000), signed=True)
    with running("echo_process.py") as ready:
        outcome, cpu = bench.flood(ready, datagrams)
    key = PrivateKey(hashlib.sha256(b"bench").digest())
    public, message = key.public_key(), bytes(320)
    signature = key.sign(message)
    verify = _microseconds(lambda: public.verify(signature, message))
    sign = _microseconds(lambda: key.sign(message))
    return [
        Row("references", "UDP echo, the gatekeeper's socket loop", outcome.rate, "/s", cpu=cpu),
        Row("references", "Ed25519 verification alone", 1e6 / verify, "/s", cpu=verify),
        Row("references", "Ed25519 signature alone", 1e6 / sign, "/s", cpu=sign),
    ]


def _microseconds(work: Callable[[], object]) -> float:
    """CPU time, as it is for the gatekeeper: it does not grow while others have the core."""
    return min(timeit.repeat(work, timer=time.process_time, number=500, repeat=5)) / 500 * 1e6


def memory(bench: Bench) -> list[Row]:
    """The gatekeeper itself: its store costs nothing."""
    rows = [
        _keep_alives(bench, "none", "keepAlive RRQ, unsigned, policy none", ">= 16000"),
        _keep_alives(bench, "signed", "keepAlive RRQ, signed, answer too", ""),
    ]
    with bench.gatekeeper(ENDPOINTS) as ready:
        return rows + _calls(bench, ready, "memory", 3_000)


def _keep_alives(bench: Bench, authentication: str, name: str, target: str) -> Row:
    traffic, signed = Traffic(ENDPOINTS), authentication == "signed"
    with bench.gatekeeper(ENDPOINTS, authentication=authentication) as ready:
        bench.flood(ready, traffic.keep_alives(bench.count(500), signed=signed))
        outcome, cpu = bench.flood(ready, traffic.keep_alives(bench.count(20_000), signed=signed))
    return Row("memory", name, outcome.rate, "/s", target, cpu, _note(outcome, "RegistrationConfirm"))


def _calls(bench: Bench, ready: Ready, store: str, target: int) -> list[Row]:
    """Calls at saturation, and how long a request takes at half the rate that is asked for."""
    traffic = Traffic(ENDPOINTS)
    bench.flood(ready, traffic.calls(bench.count(200)))
    outcome, cpu = bench.flood(ready, traffic.calls(bench.count(2 * target)))
    paced = bench.load.pace(ready.port, traffic.calls(bench.count(target)), target)
    expected = "AdmissionConfirm", "DisengageConfirm"
    rows = [
        Row(store, "calls (ARQ + DRQ), signed", outcome.rate / 2, "/s", f">= {target}", cpu, _note(outcome, *expected))
    ]
    for part, wanted in ((0.5, ""), (0.95, "< 10"), (0.99, "")):
        name = f"p{part * 100:.0f} at {target // 2} calls/s"
        rows.append(Row(store, name, paced.percentile(part), "ms", wanted, note=_note(paced, *expected)))
    return rows


@contextlib.contextmanager
def _order_for(store: str) -> Iterator[Mapping[str, object]]:
    """What to order of a process with a store on disk."""
    with tempfile.TemporaryDirectory(prefix="bench-store-") as folder:
        if store == "sqlite":
            yield {"store": "sqlite", "folder": folder}
            return
        with etcd_cluster(Path(folder), members=1) as cluster:
            yield _etcd_order(cluster)


def _etcd_order(cluster: EtcdCluster) -> Mapping[str, object]:
    tls = cluster.tls
    return {"store": cluster.endpoints[0], "tls": [str(tls.ca), str(tls.certificate), str(tls.private_key)]}


def sqlite(bench: Bench) -> list[Row]:
    """Every answer on disk first, by SQLite."""
    return _with_store(bench, "sqlite")


def etcd(bench: Bench) -> list[Row]:
    """Every answer on disk first, by an etcd of one member on the load generator's core."""
    return _with_store(bench, "etcd")


def _with_store(bench: Bench, store: str) -> list[Row]:
    with _order_for(store) as order, bench.gatekeeper(ENDPOINTS, **order) as ready:
        return _calls(bench, ready, store, 1_500)


def witness(bench: Bench) -> list[Row]:
    """Calls while their log is signed and cosigned beside, and while it is not: the same gatekeeper, in turns."""
    with tempfile.TemporaryDirectory(prefix="bench-store-") as folder:
        order: Mapping[str, object] = {"store": "sqlite", "folder": folder}
        with bench.gatekeeper(ENDPOINTS, **order) as ready, beside(Path(folder)) as services:
            traffic = Traffic(ENDPOINTS)
            bench.flood(ready, traffic.calls(bench.count(200)))
            turns = [
                _turn(bench, ready, services, traffic.calls(bench.count(6_000)), on=on)
                for _ in range(_TURNS)
                for on in (False, True)
            ]
            services.go_on()
    without, beside_it = turns[0::2], turns[1::2]
    rows = [
        _middle(without, "calls, nobody signs the log"),
        _middle(beside_it, "calls, log service and cosigner beside"),
    ]
    kept, costs = _part(rows[1].value, rows[0].value), _part(rows[1].cpu, rows[0].cpu)
    used = statistics.median(turn.used for turn in beside_it)
    return [
        *rows,
        Row("witness", "what is left of the calls", 100 * kept, "%", ">= 90"),
        Row("witness", "a request's CPU time, of that without", 100 * costs, "%", "<= 110"),
        Row("witness", "CPU time of log service and cosigner", used, "us a request"),
    ]


def _part(value: float, whole: float) -> float:
    """How much it is of the whole; 0 where nothing at all was answered."""
    return value / whole if whole else 0.0


@dataclass(frozen=True)
class _Turn:
    """One saturating run."""

    outcome: Outcome
    cpu: float
    used: float
    """Microseconds of the services' CPU time a request."""


def _turn(bench: Bench, ready: Ready, services: Beside, datagrams: list[bytes], *, on: bool) -> _Turn:
    services.go_on() if on else services.halt()
    before = services.cpu()
    outcome, cpu = bench.flood(ready, datagrams)
    if on:
        # All that these requests cost them.
        services.go_on()
    return _Turn(outcome, cpu, (services.cpu() - before) / max(1, len(outcome.answers)) * 1e6)


def _middle(turns: list[_Turn], name: str) -> Row:
    notes = {_note(turn.outcome, "AdmissionConfirm", "DisengageConfirm") for turn in turns} - {""}
    rate, cpu = (statistics.median(values) for values in ([t.outcome.rate for t in turns], [t.cpu for t in turns]))
    return Row("witness", name, rate / 2, "/s", cpu=cpu, note=", ".join(sorted(notes)))


def start(bench: Bench) -> list[Row]:
    """How long a gatekeeper with 100,000 stored registrations takes to come into office, and the memory it needs."""
    endpoints = max(10, int(SCALE[-1] * bench.scale))
    rows = []
    for store in ("sqlite", "etcd"):
        with _order_for(store) as order:
            with bench.gatekeeper(endpoints, **order, populate="only", source_port=0):
                pass
            with bench.gatekeeper(endpoints, **order, populate="no", source_port=0) as ready:
                report, registered = ready.report, ready.measures()["registrations"]
        before = report["registry"]
        used = f"{report['cpu'] - before['cpu']:.1f} s of CPU time"
        note = f"registry alone {before['resident']:.0f} MB"
        note += "" if registered == endpoints else f"; {registered:.0f} registrations instead of {endpoints}"
        rows += [
            Row("start", f"start with {endpoints} registrations, {store}", report["seconds"], "s", "<= 5", note=used),
            Row("start", f"resident then, {store}", report["resident"], "MB", "<= 300", note=note),
            Row("start", f"peak until then, {store}", report["peak"], "MB"),
        ]
    return rows


def endpoints(bench: Bench) -> list[Row]:
    """What a request costs with ever more endpoints."""
    rows = []
    for number in SCALE:
        if number > SCALE[-1] * bench.scale:
            continue
        traffic = Traffic(number)
        with bench.gatekeeper(number) as ready:
            bench.flood(ready, traffic.calls(bench.count(1_000)))
            signed = bench.flood(ready, traffic.keep_alives(bench.count(6_000), signed=True))
            calls = bench.flood(ready, traffic.calls(bench.count(3_000)))
        with bench.gatekeeper(number, authentication="none") as ready:
            bench.flood(ready, traffic.keep_alives(bench.count(1_000), signed=False))
            unsigned = bench.flood(ready, traffic.keep_alives(bench.count(6_000), signed=False))
        for name, (outcome, cpu), kinds in (
            ("keepAlive RRQ, unsigned", unsigned, ("RegistrationConfirm",)),
            ("keepAlive RRQ, signed", signed, ("RegistrationConfirm",)),
            ("ARQ or DRQ, signed", calls, ("AdmissionConfirm", "DisengageConfirm")),
        ):
            text = f"{name}, {number} endpoints"
            rows.append(Row("endpoints", text, outcome.rate, "/s", "flat", cpu, _note(outcome, *kinds)))
    return rows


def takeover(bench: Bench) -> list[Row]:
    """How long it takes to come into office, the longest hold of the event loop in it, and with how many answers."""
    rows = []
    for number in (25, SCALE[-2], SCALE[-1]):
        if number > max(25, SCALE[-1] * bench.scale):
            continue
        with tempfile.TemporaryDirectory(prefix="bench-store-") as folder, etcd_cluster(Path(folder), 1) as cluster:
            found = asyncio.run(take_over(cluster, number, 3))
        for what, warm in (("from nothing", False), ("followed", True)):
            alike = [one for one in found if one.warm is warm]
            median = statistics.median(one.seconds for one in alike)
            note = f"event loop held for {1_000 * max(one.held for one in alike):.0f} ms; {ANSWERS} answers"
            rows.append(Row("takeover", f"{number} registrations, {what}", 1_000 * median, "ms", note=note))
    return rows


def verification(bench: Bench) -> list[Row]:
    """What an auditor waits for, with a log of a million records."""
    count = bench.count(RECORDS)
    return [
        Row(
            "verification",
            f"{what}, {count} records",
            taken.seconds,
            "s",
            "<= 10" if what.startswith("verify") else "",
            note=f"{taken.cpu:.2f} s of processor time, {taken.resident:.0f} MB resident at most",
        )
        for what, taken in verified(count).items()
    ]


PARTS: Mapping[str, Callable[[Bench], list[Row]]] = {
    "references": references,
    "memory": memory,
    "sqlite": sqlite,
    "etcd": etcd,
    "witness": witness,
    "start": start,
    "endpoints": endpoints,
    "takeover": takeover,
    "verification": verification,
}
