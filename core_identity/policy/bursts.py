"""When deactivations are so many at once that an administrator should look (R22a)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

WINDOW: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class BurstLimits:
    """How many deactivations within `WINDOW` are a burst: this share of a connection's people, or this many, whichever is fewer.

    Fewer than ``least`` never are: 1 of 3 people is somebody who left.
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
        """How many people there are at most worth counting: where a connection has more, only ``people`` matters."""
        return -(-self.people * 100 // self.percent)

    def threshold(self, people: int) -> int:
        """Return from how many deactivations on it is a burst where a connection has ``people``."""
        share = -(-people * self.percent // 100)
        return min(self.people, max(self.least, share))
