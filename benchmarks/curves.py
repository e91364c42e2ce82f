"""Growth curves as an SVG that is readable on a light and on a dark page."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

Points = Mapping[int, float]
WIDTH, HEIGHT, COLUMNS = 250, 170, 3
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 26, 24
_STYLE: Final = """
text { font: 11px system-ui, sans-serif; fill: #57606a } .title { font-weight: 600; fill: #1f2328 }
.grid { stroke: #d0d7de; stroke-width: .6 } .line { fill: none; stroke-width: 2 }
.s0 { stroke: #0969da; fill: #0969da } .s1 { stroke: #bc4c00; fill: #bc4c00; stroke-dasharray: 5 3 } .s2 { stroke: #1a7f37; fill: #1a7f37 }
text.s0, text.s1, text.s2 { stroke: none } circle { stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 } .title { fill: #f0f6fc } .grid { stroke: #3d444d }
.s0 { stroke: #4493f8; fill: #4493f8 } .s1 { stroke: #f0883e; fill: #f0883e } .s2 { stroke: #3fb950; fill: #3fb950 }
} .line { fill: none !important }
"""


@dataclass(frozen=True)
class Panel:
    """One work. ``series`` are the points of each system by its name, in the order of the legend."""

    title: str
    series: Mapping[str, Points]


def svg(panels: Sequence[Panel], *, legend: Sequence[str], x_label: str) -> str:
    """Draw the panels side by side, both axes logarithmic and the same in all panels, with the names of ``legend`` above."""
    values = [value for panel in panels for points in panel.series.values() for value in points.values()]
    sizes = sorted({size for panel in panels for points in panel.series.values() for size in points})
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9)
    rows = math.ceil(len(panels) / COLUMNS)
    width, height = COLUMNS * WIDTH, 24 + rows * HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"><style>{_STYLE}</style>'
    ]
    parts.append(f'<text x="{LEFT}" y="15">CPU as a ratio to the ceiling, by {escape(x_label)}:</text>')
    for at, name in enumerate(legend):
        parts.append(f'<text class="s{at}" x="{400 + 120 * at}" y="15">━ {escape(name)}</text>')
    for at, panel in enumerate(panels):
        x, y = at % COLUMNS * WIDTH, 24 + at // COLUMNS * HEIGHT
        parts.append(f'<g transform="translate({x} {y})">')
        parts += _panel(panel, legend, sizes, low, max(high, low + 1))
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, legend: Sequence[str], sizes: Sequence[int], low: int, high: int) -> Iterator[str]:
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])

    def x(size: int) -> float:
        part = (math.log10(size) - first) / (last - first) if last > first else 0.5
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        part = (math.log10(value) - low) / (high - low)
        return round(HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM), 1)

    yield f'<text class="title" x="{LEFT}" y="18">{escape(panel.title)}</text>'
    for power in range(low, high + 1):
        yield f'<path class="grid" d="M{LEFT} {y(10.0**power)}H{WIDTH - RIGHT}"/>'
        yield f'<text x="{LEFT - 5}" y="{y(10.0**power) + 4}" text-anchor="end">{10.0**power:g}</text>'
    for size in sizes:
        yield f'<text x="{x(size)}" y="{HEIGHT - 8}" text-anchor="middle">{_short(size)}</text>'
    for at, name in enumerate(legend):
        points = sorted(panel.series.get(name, {}).items())
        if points:
            line = "L".join(f"{x(size)} {y(value)}" for size, value in points)
            yield f'<path class="line s{at}" d="M{line}"/>'
            yield from (f'<circle class="s{at}" cx="{x(size)}" cy="{y(value)}" r="2.5"/>' for size, value in points)


def _short(size: int) -> str:
    return f"{size // 10**6}M" if size >= 10**6 else f"{size // 1000}k" if size >= 1000 else str(size)
