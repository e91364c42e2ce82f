"""Decide when deactivations are so many at once that an administrator should check them (R22a)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

WINDOW: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class BurstLimits:
    """The number of deactivations within `WINDOW` that are a burst: ``percent`` of a connection's people or ``people``, whichever is fewer.

    Fewer than ``least`` are never a burst: 1 of 3 people may simply have left.
    """

    percent: int = 20
    people: int = 50
    least: int = 5

    def __post_init__(self) -> None:
        if not 1 <= self.percent <= 100:
            raise ValueError(f"The share that makes a burst is 1 to 100 percent, not {self.percent}.")
        if self.least < 1 or self.people < self.least:
            raise ValueError(f"A burst is {self.least} people at least, so it cannot begin at {self.people}.")

    @property
    def enough(self) -> int:
        """The highest useful count of a connection's people: if there are more, only ``people`` matters."""
        return -(-self.people * 100 // self.percent)

    def threshold(self, people: int) -> int:
        """Return the number of deactivations that makes a burst in a connection with ``people``."""
        share = -(-people * self.percent // 100)
        return min(self.people, max(self.least, share))
