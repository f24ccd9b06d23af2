"""The test's report: a table, the figures, and the runbook's line."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from terminal.smoke.step import Result

PASS = "✅ PASS - Production Ready"
FAIL = "❌ FAIL - "
_HEADINGS = ("step", "expected", "got", "ms", "ok")
_WORDS = {True: "ok", False: "FAILED", None: "-"}


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run."""

    guardians: int
    results: tuple[Result, ...]
    requests: int
    retries: int
    latency_p50_ms: float
    latency_p95_ms: float
    left_behind: tuple[str, ...]
    """Guardians whose registration could not be ended; it ends by itself when its timeToLive runs out."""

    @property
    def failed(self) -> Result | None:
        """The first step that failed."""
        return next((result for result in self.results if result.ok is False), None)

    @property
    def ok(self) -> bool:
        """Whether all held."""
        return self.failed is None

    @property
    def verdict(self) -> str:
        """The runbook's line."""
        if self.failed is None:
            return PASS
        return f"{FAIL}{self.failed.name}: expected {self.failed.expected}, got {self.failed.got}"

    def lines(self) -> list[str]:
        """For people."""
        held = sum(result.ok is True for result in self.results)
        done = sum(result.ok is not None for result in self.results)
        figures = f"{held} of {done} steps held, {len(self.results) - done} left out or not reached"
        timing = f"latency p50 {self.latency_p50_ms} ms, p95 {self.latency_p95_ms} ms"
        lines = [*_table(self.results), f"{figures}; {self.requests} requests, {self.retries} retries; {timing}"]
        if self.left_behind:
            lines.append(f"still registered until their timeToLive runs out: {', '.join(self.left_behind)}")
        return [*lines, self.verdict]

    def fields(self) -> dict[str, object]:
        """For machines."""
        fields = asdict(self)
        steps = fields.pop("results")
        failed = self.failed.name if self.failed is not None else None
        return {"ok": self.ok, "verdict": self.verdict, "failed_step": failed, **fields, "steps": steps}


def _table(results: tuple[Result, ...]) -> list[str]:
    rows = [_HEADINGS, *((r.name, r.expected, r.got, f"{r.milliseconds:.1f}", _WORDS[r.ok]) for r in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]

    def line(row: tuple[str, ...]) -> str:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        cells[3] = row[3].rjust(widths[3])
        return "  ".join(cells).rstrip()

    return [line(rows[0]), line(tuple("-" * width for width in widths)), *map(line, rows[1:])]
