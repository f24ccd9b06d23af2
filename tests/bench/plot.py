"""Draws what a request costs against the number of endpoints, next to a C++ gatekeeper, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from measure import Row

Point = tuple[float, float]
"""Endpoints, and microseconds a request."""

REFERENCE = {
    "C++ gatekeeper, keepAlive RRQ, unsigned": ((15, 14_000), (1_000, 2_350), (10_000, 539), (20_000, 431)),
    "C++ gatekeeper, ARQ or DRQ, unsigned": ((15, 5_900), (1_000, 482), (10_000, 102), (20_000, 56)),
}
"""Requests a second of one saturated core (GnuGk 5.15 on the machine that this was developed on)."""

_WIDTH, _HEIGHT = 860, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 290, 50, 50
_X = (10, 100_000)
_Y = (10, 100_000)
_FONT = 'font-family="sans-serif" font-size="12" fill="#333"'
_COLOURS = ("#1b7837", "#5aae61", "#2166ac", "#b2182b", "#d6604d")


@dataclass(frozen=True)
class Series:
    """One line."""

    name: str
    points: tuple[Point, ...]


def series(rows: Iterable[Row]) -> list[Series]:
    """Our lines, from the rows of the part `endpoints`, and the C++ gatekeeper's."""
    ours: dict[str, list[Point]] = {}
    for row in rows:
        if row.part == "endpoints":
            name, _, count = row.name.rpartition(", ")
            ours.setdefault(name, []).append((float(count.split()[0]), row.cpu))
    theirs = {name: [(count, 1e6 / rate) for count, rate in points] for name, points in REFERENCE.items()}
    return [Series(name, tuple(points)) for name, points in (ours | theirs).items()]


def _scaled(value: float, limits: tuple[int, int], start: float, end: float) -> float:
    low, high = map(math.log10, limits)
    return start + (math.log10(value) - low) / (high - low) * (end - start)


def _x(value: float) -> float:
    return _scaled(value, _X, _LEFT, _WIDTH - _RIGHT)


def _y(value: float) -> float:
    return _scaled(value, _Y, _HEIGHT - _BOTTOM, _TOP)


def _text(x: float, y: float, words: str, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(words)}</text>'


def _grid() -> list[str]:
    parts = []
    for exponent in range(1, 6):
        value = 10**exponent
        x, y = _x(value), _y(value)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{value:,}", 'text-anchor="end"'))
        parts.append(_text(x, _HEIGHT - _BOTTOM + 18, f"{value:,}", 'text-anchor="middle"'))
    return parts


def _line(one: Series, colour: str, label_y: float) -> list[str]:
    path = "L".join(f"{_x(count):.1f} {_y(cost):.1f}" for count, cost in one.points)
    marks = "".join(
        f'<circle cx="{_x(count):.1f}" cy="{_y(cost):.1f}" r="3" fill="{colour}"/>' for count, cost in one.points
    )
    dashes = ' stroke-dasharray="6 4"' if one.name in REFERENCE else ""
    end_x, end_y = _x(one.points[-1][0]), _y(one.points[-1][1])
    edge = _WIDTH - _RIGHT
    leader = f'<path d="M{end_x:.1f} {end_y:.1f}L{edge + 6} {label_y - 4:.1f}" stroke="{colour}" opacity="0.35"/>'
    return [
        f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>{marks}{leader}',
        _text(edge + 10, label_y, one.name, f'fill="{colour}"'),
    ]


def _label_places(lines: Sequence[Series]) -> list[float]:
    """Heights for the labels: beside the ends of their lines, and none upon another."""
    order = sorted(range(len(lines)), key=lambda number: -_y(lines[number].points[-1][1]))
    places = [0.0] * len(lines)
    below = float(_HEIGHT)
    for number in order:
        below = places[number] = min(_y(lines[number].points[-1][1]) + 4, below - 16)
    return places


def draw(rows: Iterable[Row]) -> str:
    """The plot of a run."""
    lines = series(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_FONT}>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 24, "CPU time of one request, microseconds on one core (both axes logarithmic)", 'font-size="14"'),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, "registered endpoints", 'text-anchor="middle"'),
        *_grid(),
    ]
    for one, colour, place in zip(lines, _COLOURS, _label_places(lines), strict=False):
        parts += _line(one, colour, place)
    return "\n".join([*parts, "</svg>"]) + "\n"
