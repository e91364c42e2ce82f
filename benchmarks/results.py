"""The results of a run, and their form as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.rounds import Cost

PRODUCT: Final = "Core Identity"
STOCK: Final = "django-scim2"
WAITING: Final = "waiting"
LINKED: Final = "linked"
CEILING: Final = "ceiling"


@dataclass(frozen=True)
class Ratio:
    """CPU of a request as a ratio to its ceiling: the median of the rounds, the least and the greatest."""

    unit: str
    median: float
    least: float
    greatest: float

    @property
    def spread(self) -> float:
        """Return half of the distance between the least and the greatest, as a part of the median."""
        return (self.greatest - self.least) / 2 / self.median


Ratios = dict[str, Ratio]


@dataclass
class Results:
    """``people`` and ``groups``: by size, then by system or kind, then by work. ``rates``: requests a second by system, work, connections."""

    people: dict[int, dict[str, Ratios]] = field(default_factory=dict)
    groups: dict[int, dict[str, Ratios]] = field(default_factory=dict)
    rates: dict[str, dict[str, dict[int, float]]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Results":
        found = json.loads(path.read_text())
        rates = {
            system: {work: _by_number(rates) for work, rates in works.items()}
            for system, works in found["rates"].items()
        }
        return cls(_ratios(found["people"]), _ratios(found["groups"]), rates, found["notes"])


def ratios(costs: Mapping[str, Cost]) -> dict[str, Ratios]:
    """Return the ratios of all works but the ceilings. The keys of ``costs`` are system (or kind) and work with a slash between."""
    found: dict[str, Ratios] = {}
    for key, cost in costs.items():
        system, slash, work = key.partition("/")
        if slash:
            each = cost.ratios(costs[cost.unit])
            median = cost.median / costs[cost.unit].median
            found.setdefault(system, {})[work] = Ratio(cost.unit, median, min(*each, median), max(*each, median))
    return found


def _ratios(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[int, dict[str, Ratios]]:
    return {
        int(size): {system: {work: Ratio(**one) for work, one in works.items()} for system, works in systems.items()}
        for size, systems in found.items()
    }


def _by_number(found: Mapping[str, float]) -> dict[int, float]:
    return {int(number): value for number, value in found.items()}
