"""A chart of days as bars, computed here and drawn by a template as SVG: no script, no inline style."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core_identity.selectors.log_hours import Day

HEIGHT: Final = 56
STEP: Final = 30
BAR: Final = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One day. All numbers are in units of the drawing. The bad part is drawn over the foot of the bar."""

    day: Day
    x: int
    y: int
    height: int
    bad_y: int
    bad_height: int


@dataclass(frozen=True, slots=True)
class Chart:
    bars: Sequence[Bar]
    width: int
    height: int = HEIGHT
    bar: int = BAR


def chart(days: Sequence[Day]) -> Chart:
    """Return the bars, the highest as high as the chart. A day with one row, or one that is bad, is still seen."""
    peak = max((day.total for day in days), default=0)
    bars = []
    for number, day in enumerate(days):
        height = _height(day.total, peak)
        bad = min(_height(day.bad, peak), height)
        bars.append(Bar(day, number * STEP, HEIGHT - height, height, HEIGHT - bad, bad))
    return Chart(bars, (len(days) - 1) * STEP + BAR)


def _height(count: int, peak: int) -> int:
    return max(2, round(HEIGHT * count / peak)) if count else 0
