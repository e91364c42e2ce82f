"""Interleaved rounds, so that a moment in which the machine is busy with something else touches all kinds of work alike."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.keep_alive import KeepAlive, Refused
from benchmarks.servers import LOG_DELAY
from benchmarks.work import Unit, Work
from devtools.faults import say

WORKS_BETWEEN_CEILINGS: Final = 6
PAUSE: Final = 0.1
"""Seconds until a client that met a busy server sends again."""
_NUMBERS: Final = itertools.count(0, 2)
"""Even numbers. The odd one after it belongs to the same request, or to the second of a pair."""


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one request, in each round."""

    unit: Unit
    rounds: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.rounds)

    def ratios(self, ceiling: "Cost") -> list[float]:
        """Return the ratio to the ceiling in each round."""
        return [mine / of_ceiling for mine, of_ceiling in zip(self.rounds, ceiling.rounds, strict=True)]


@dataclass(frozen=True)
class Pace:
    """How many rounds count, and for how long each work is sent in a round, in seconds."""

    rounds: int
    seconds: float


def measure(
    ceilings: Mapping[str, Work], works: Mapping[str, Work], cpu: Callable[[], float], pace: Pace
) -> dict[str, Cost]:
    """Send all works in turn, round by round, each over one connection; return the costs by the same keys, the ceilings first.

    The ceilings come again after every few works, because they are what all others are compared with. One more round is sent first and thrown
    away: it opens connections, fills caches, and lets PostgreSQL prepare the statements.
    """
    everything = {**ceilings, **works}
    clients = {key: work.client() for key, work in everything.items()}
    costs: dict[str, list[float]] = {key: [] for key in everything}
    for round_ in range(pace.rounds + 1):
        say(f"  round {round_} of {pace.rounds}, {len(works)} kinds of work …")
        used = dict.fromkeys(everything, 0.0)
        sent = dict.fromkeys(everything, 0)
        for key in _interleaved([*ceilings], [*works]):
            work, client = everything[key], clients[key]
            began = cpu()
            sent[key] += _send(work, client, pace.seconds)
            time.sleep(1.5 * LOG_DELAY)
            used[key] += cpu() - began
            if work.after:
                work.after(client)
        if round_:
            for key, requests in sent.items():
                costs[key].append(used[key] / requests)
    for client in clients.values():
        client.close()
    return {key: Cost(work.unit, costs[key]) for key, work in everything.items()}


def _interleaved(ceilings: Sequence[str], works: Sequence[str]) -> Iterator[str]:
    for at, key in enumerate(works):
        if at % WORKS_BETWEEN_CEILINGS == 0:
            yield from ceilings
        yield key


def rates(work: Work, connections: Sequence[int], pace: Pace) -> dict[int, float]:
    """Return the median rate for each number of connections, in rounds. Before, so many requests come that each thread of the server is warm."""
    rate(work, max(connections), 2 * pace.seconds)
    found: dict[int, list[float]] = {count: [] for count in connections}
    for _ in range(pace.rounds):
        for count in connections:
            found[count].append(rate(work, count, pace.seconds + 0.3))
    return {count: median(of_rounds) for count, of_rounds in found.items()}


def rate(work: Work, connections: int, seconds: float) -> float:
    """Return how many requests a second succeed over so many connections at once. A client that meets a busy server (503) pauses."""
    deadline = time.monotonic() + seconds

    def send_until_the_end(client: KeepAlive) -> int:
        sent = 0
        while time.monotonic() < deadline:
            try:
                work.send(client, next(_NUMBERS))
                sent += 1
            except Refused as refusal:
                if not refusal.busy:
                    raise
                time.sleep(PAUSE)
        return sent

    clients = [work.client() for _ in range(connections)]
    began = time.monotonic()
    with ThreadPoolExecutor(connections) as pool:
        sent = sum(pool.map(send_until_the_end, clients))
    elapsed = time.monotonic() - began
    for client in clients:
        client.close()
    return sent / elapsed


def _send(work: Work, client: KeepAlive, seconds: float) -> int:
    """Send until the time is over, one request or pair at the least, and return how many requests were sent."""
    sent = 0
    deadline = time.monotonic() + seconds
    for number in _numbers(work):
        work.send(client, number)
        sent += 1
        if work.pair and sent % 2:
            continue
        if sent >= work.most or time.monotonic() > deadline:
            break
    return sent


def _numbers(work: Work) -> Iterator[int]:
    for number in _NUMBERS:
        yield number
        if work.pair:
            yield number + 1
