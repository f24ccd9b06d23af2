"""Terms of office by the log: an epoch has one holder, and no record of it comes after one of a later epoch."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from .copies import Record
from .finding import Failover, Violation

_BEGINS = {"GATEKEEPER_START": "holder", "GATEKEEPER_FAILOVER": "to"}
"""The events that say whose an epoch is, and their field that does."""


class Epochs:
    """Follows both streams."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.failovers: list[Failover] = []
        self.began: dict[int, float] = {}
        """Unix time of an epoch's first record, by its holder's clock."""
        self._last: dict[str, int] = {}
        self._holders: dict[int, str] = {}
        self._announced: dict[int, int] = {}

    @property
    def announced(self) -> int:
        """How many terms were announced."""
        return len(self._announced)

    @property
    def last(self) -> int:
        """The highest epoch in the log, 0 for none."""
        return max(self._holders, default=0)

    def take(self, stream: str, record: Record) -> None:
        """The stream's next record."""
        epoch, node, index = record["epoch"], record["node"], record["index"]
        last = self._last.get(stream, 0)
        if epoch < last:
            text = (
                f"record {index} of {stream} is of epoch {epoch}, after one of epoch {last}: an admission after the end"
            )
            self._violate("epoch went back", text, record)
        self._last[stream] = max(last, epoch)
        holder = self._holders.setdefault(epoch, node)
        if holder != node:
            self._violate(
                "two holders", f"epoch {epoch} has records of {holder} and, {index} of {stream}, of {node}", record
            )
        began = self.began.get(epoch)
        if began is None:
            self.began[epoch] = unix_of(record)
        if record.get("event") in _BEGINS:
            self._announce(record)
        elif record.get("event") == "GATEKEEPER_DURATION_CORRECTED":
            self._correct(epoch, _duration_ms(record))

    def unannounced(self) -> list[Violation]:
        """Epochs that have records and no announcement, now that nothing more is to be read."""
        return [
            Violation("epoch unannounced", f"epoch {epoch} of {node} has records, and no record says that it began")
            for epoch, node in self._holders.items()
            if epoch not in self._announced
        ]

    def after(self, epoch: int) -> float | None:
        """When the first epoch after this one began, Unix seconds; None while there is none."""
        later = [one for one in self.began if one > epoch]
        return self.began[min(later)] if later else None

    def _announce(self, record: Record) -> None:
        event, epoch = record["event"], record["epoch"]
        holder = record.get(_BEGINS[event])
        if epoch in self._announced:
            text = f"epoch {epoch} was announced by record {self._announced[epoch]} and again by {record['index']}"
            self._violate("two holders", text, record)
        self._announced[epoch] = record["index"]
        if holder != record["node"]:
            self._violate("two holders", f"epoch {epoch} is announced for {holder} by {record['node']}", record)
        if event == "GATEKEEPER_FAILOVER":
            failover = Failover(
                index=record["index"],
                time=unix_of(record),
                epoch=epoch,
                from_=str(record.get("from", "")),
                to=str(holder),
                cause=str(record.get("cause", "")),
                milliseconds=_duration_ms(record),
            )
            self.failovers.append(failover)

    def _correct(self, epoch: int, milliseconds: float) -> None:
        """The old one was heard again, and has told that it answered for longer than the new one could know."""
        self.failovers = [
            replace(one, milliseconds=milliseconds) if one.epoch == epoch else one for one in self.failovers
        ]

    def _violate(self, kind: str, text: str, record: Record) -> None:
        who, digest = str(record.get("terminal_id", "")), str(record.get("request_digest", ""))
        self.violations.append(Violation(kind, text, who, digest, record["index"]))


def _duration_ms(record: Record) -> float:
    return round(float(record.get("failover_duration_sec", -1)) * 1000, 1)


def unix_of(record: Record) -> float:
    """The record's time in Unix seconds; 0 where it has none."""
    try:
        return datetime.fromisoformat(str(record.get("time"))).timestamp()
    except ValueError:
        return 0.0
