"""Draws every single outage of a drill, a row a fault, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from .faults import FAULTS
from .results import Run, of, percentile
from .targets import MEDIAN, NEVER, P99

_LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 400, 60, 62, 22, 46
_PLOT = 560
_FONT = 'font-family="sans-serif" font-size="12" fill="#333"'
_FAULT, _REPAIR = "#2166ac", "#b2182b"
_LINES = ((MEDIAN, "median"), (P99, "99 %"), (NEVER, "never more"))


def draw(runs: Sequence[Run]) -> str:
    """The plot of these runs."""
    rows = [fault for fault in FAULTS.values() if of(runs, fault.name)]
    # Anything beyond stands at the right edge, with its figure.
    most = 600.0
    height = _TOP + _ROW * len(rows) + _BOTTOM
    width = _LEFT + _PLOT + _RIGHT
    foot = height - _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_FONT}>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(20, 24, "Outage at each fault as the prober saw it, milliseconds; one mark a run", 'font-size="14"'),
        _circle(_LEFT, 40, _FAULT) + _text(_LEFT + 8, 44, "at the fault"),
        _tick(_LEFT + 100, 40, _REPAIR) + _text(_LEFT + 108, 44, "at its repair, where there was any"),
    ]
    for value in range(0, int(most) + 1, 100):
        x = _x(value, most)
        parts.append(f'<path d="M{x:.1f} {_TOP}V{foot}" stroke="#e4e4e4"/>')
        parts.append(_text(x, foot + 16, str(value), 'text-anchor="middle"'))
    for limit, name in _LINES:
        x = _x(limit, most)
        parts.append(f'<path d="M{x:.1f} {_TOP - 4}V{foot}" stroke="#888" stroke-dasharray="5 3"/>')
        parts.append(_text(x, foot + 34, f"{limit:.0f} {name}", 'text-anchor="middle" fill="#666" font-size="11"'))
    for number, fault in enumerate(rows):
        y = _TOP + _ROW * (number + 0.5)
        parts.append(_text(_LEFT - 10, y + 4, fault.text, 'text-anchor="end"'))
        parts += _row(of(runs, fault.name), y, most)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(runs: Sequence[Run], y: float, most: float) -> list[str]:
    parts = [f'<path d="M{_LEFT} {y + _ROW / 2:.1f}H{_LEFT + _PLOT}" stroke="#f0f0f0"/>']
    middle = _x(percentile((run.outage for run in runs), 50), most)
    parts.append(f'<path d="M{middle:.1f} {y - 8:.1f}V{y + 8:.1f}" stroke="{_FAULT}" stroke-width="2"/>')
    for number, run in enumerate(runs):
        # Equal outages would hide each other: a little up and down, the same in every drawing.
        height = y + (number * 5 % 11 - 5) * 0.9
        parts.append(_circle(_x(run.outage, most), height, _FAULT))
        if run.repair_outage:
            parts.append(_tick(_x(run.repair_outage, most), height, _REPAIR))
    beyond = max(max(run.outage, run.repair_outage) for run in runs)
    if beyond > most:
        parts.append(_text(_x(most, most) + 6, y + 4, f"{beyond:.0f}"))
    return parts


def _x(value: float, most: float) -> float:
    return _LEFT + min(value, most) / most * _PLOT


def _text(x: float, y: float, words: str, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(words)}</text>'


def _circle(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}" fill-opacity="0.6"/>'


def _tick(x: float, y: float, colour: str) -> str:
    return f'<path d="M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6" stroke="{colour}" stroke-opacity="0.7"/>'
