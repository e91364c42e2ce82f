"""Interleaved rounds, so that a moment in which the machine is busy with something else touches all kinds of work alike."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.work import Work
from devtools.faults import say


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one request, in each round."""

    work: Work
    rounds: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.rounds)

    def ratios(self, of_unit: "Cost") -> list[float]:
        """Return the ratio to the ceiling in each round."""
        return [mine / ceiling for mine, ceiling in zip(self.rounds, of_unit.rounds, strict=True)]


def measure(works: Sequence[Work], cpu: Callable[[], float], rounds: int) -> Mapping[str, Cost]:
    """Send all works ``rounds`` times, a batch each, over one connection each; return the costs by name.

    One more round is sent first and thrown away: it opens connections and fills caches.
    """
    numbers = itertools.count()
    clients = [work.client() for work in works]
    costs: dict[str, list[float]] = {work.name: [] for work in works}
    for round_ in range(rounds + 1):
        for work, client in zip(works, clients, strict=True):
            say(f"Round {round_} of {rounds}: {work.name} …")
            requests = work.requests if round_ else max(5, work.requests // 5)
            began = cpu()
            for _ in range(requests):
                work.send(client, next(numbers))
            if round_:
                costs[work.name].append((cpu() - began) / requests)
    for client in clients:
        client.close()
    return {work.name: Cost(work, costs[work.name]) for work in works}
