"""Numbers to drawings, as SVG that a page contains. Not here: words, and tables.

A drawing is 440 x 330 units; colours and fonts are the page's classes, so that it follows light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, List, Tuple

import numpy as np

from .contents import Bin, Curve, Density
from .markup import text

WIDTH, HEIGHT = 440, 330
LEFT, RIGHT, TOP, BOTTOM = 72, 24, 10, 46
#: Letters that an axis has room for.
LONGEST = 42
#: Lines that differ in colour; there are no more curves.
SERIES = 6

Scale = Callable[[float], float]


def curves(lines: Sequence[Curve], x: str, y: str, title: str, chance: bool) -> str:
    """Lines from 0 to 1 both ways, and what chance would be where it is the diagonal."""
    across, up = _scales((0, 1), (0, 1))
    drawn = [_line([(0, 0), (1, 1)], across, up, "chance")] if chance else []
    for at, line in enumerate(lines):
        drawn.append(_line(list(zip(line.x, line.y)), across, up, f"line s{at % SERIES}"))
    return _figure(drawn, (0, 1), (0, 1), x, y, title)


def key(lines: Sequence[Curve], area: str) -> str:
    items = "".join(
        f'<li class="s{at % SERIES}">{text(line.name)}: {area} {line.area:.3f}</li>' for at, line in enumerate(lines)
    )
    return f'<ul class="key">{items}</ul>'


def calibration(bins: Sequence[Bin], x: str, y: str, title: str, share: bool) -> str:
    """A point for each bin, larger where it has more rows, beside the diagonal of a model that is right on average."""
    values = [value for one in bins for value in (one.predicted, one.observed)]
    limits = (0.0, 1.0) if share else _limits(min(values), max(values))
    across, up = _scales(limits, limits)
    most = max(one.rows for one in bins)
    points = [(one.predicted, one.observed) for one in bins]
    drawn = [_line([(limits[0],) * 2, (limits[1],) * 2], across, up, "chance"), _line(points, across, up, "line s0")]
    for one in bins:
        radius = 3 + 5 * (one.rows / most) ** 0.5
        drawn.append(
            f'<circle class="fill s0" cx="{across(one.predicted):.1f}" cy="{up(one.observed):.1f}" r="{radius:.1f}">'
            f"<title>{one.rows} rows</title></circle>"
        )
    return _figure(drawn, limits, limits, x, y, title)


def histogram(density: Density, x: str, y: str, title: str) -> str:
    """A bar for each interval, and a line at zero."""
    edges, counts = density.edges, density.counts
    most = (0.0, float(max(max(counts), 1)))
    across, up = _scales((edges[0], edges[-1]), most)
    drawn = []
    for count, (low, high) in zip(counts, _intervals(edges)):
        left, top = across(low), up(count)
        drawn.append(_rectangle(left, top, across(high) - left - 1, up(0) - top, 1, f"{count} rows"))
    if edges[0] < 0 < edges[-1]:
        drawn.append(_line([(0, 0), (0, most[1])], across, up, "chance"))
    return _figure(drawn, (edges[0], edges[-1]), most, x, y, title)


def density(found: Density, x: str, y: str, title: str) -> str:
    """Squares that are darker where more rows lie, and the diagonal where predictions are right."""
    edges = found.edges
    limits = (edges[0], edges[-1])
    across, up = _scales(limits, limits)
    most = max(max(map(max, found.counts)), 1)
    drawn = []
    for row, (left, right) in zip(found.counts, _intervals(edges)):
        for count, (low, high) in zip(row, _intervals(edges)):
            if count:
                shade = 0.15 + 0.85 * (count / most) ** 0.5
                wide, tall = across(right) - across(left), up(low) - up(high)
                drawn.append(_rectangle(across(left), up(high), wide, tall, shade, f"{count} rows"))
    drawn.append(_line([(limits[0],) * 2, (limits[1],) * 2], across, up, "chance"))
    return _figure(drawn, limits, limits, x, y, title)


def _figure(drawn: List[str], across: Tuple[float, float], up: Tuple[float, float], x: str, y: str, title: str) -> str:
    """What was drawn, with axes, their ticks and their names."""
    at_x, at_y = _scales(across, up)
    marks = [
        f'<line class="grid" x1="{at_x(tick):.1f}" y1="{TOP}" x2="{at_x(tick):.1f}" y2="{HEIGHT - BOTTOM}"/>'
        f'<text x="{at_x(tick):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{_written(tick)}</text>'
        for tick in _ticks(*across)
    ] + [
        f'<line class="grid" x1="{LEFT}" y1="{at_y(tick):.1f}" x2="{WIDTH - RIGHT}" y2="{at_y(tick):.1f}"/>'
        f'<text x="{LEFT - 7}" y="{at_y(tick) + 4:.1f}" text-anchor="end">{_written(tick)}</text>'
        for tick in _ticks(*up)
    ]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    under = f'x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}"'
    beside = f'transform="translate(13 {middle}) rotate(-90)"'
    names = "".join(
        f'<text class="axis" {place} text-anchor="middle">{_short(name)}</text>'
        for place, name in ((under, x), (beside, y))
    )
    inside = "".join([*marks, *drawn, names])
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(title)}">{inside}</svg>'


def _short(name: str) -> str:
    return text(name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}...")


def _scales(across: Tuple[float, float], up: Tuple[float, float]) -> Tuple[Scale, Scale]:
    """Where a number lies in the drawing, across and up."""

    def scale(limits: Tuple[float, float], start: float, end: float) -> Scale:
        low, high = limits
        return lambda value: start + (value - low) / (high - low) * (end - start)

    return scale(across, LEFT, WIDTH - RIGHT), scale(up, HEIGHT - BOTTOM, TOP)


def _line(points: Sequence[Tuple[float, float]], across: Scale, up: Scale, kind: str) -> str:
    path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def _intervals(edges: List[float]) -> List[Tuple[float, float]]:
    return [(edges[at], edges[at + 1]) for at in range(len(edges) - 1)]


def _rectangle(x: float, y: float, width: float, height: float, shade: float, title: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="fill s0" fill-opacity="{shade:.2f}" {place}><title>{title}</title></rect>'


def _limits(low: float, high: float) -> Tuple[float, float]:
    """Limits with some room beside the values."""
    room = (high - low) * 0.05 or abs(low) * 0.05 or 1.0
    return low - room, high + room


def _ticks(low: float, high: float) -> List[float]:
    """Round numbers between limits, about five."""
    rough = (high - low) / 5
    size = 10.0 ** np.floor(np.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.999)
    first = np.ceil(low / step - 1e-9)
    return [float(step * place) for place in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def _written(tick: float) -> str:
    if tick == 0:
        return "0"
    if abs(tick) >= 1e6 or abs(tick) < 1e-3:
        return f"{tick:.2g}"
    return f"{tick:,.6g}"
