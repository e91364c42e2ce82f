"""A customer's first push, on tables that PostgreSQL knows nothing of: ``python -m benchmarks.first_push --people 100000``.

Each person is looked up by userName, missed, and created, over four connections. Then everybody is listed by cursor, and a group is put. Printed
are the rate at the beginning and at the end, and the memory of the largest worker after each step.
"""

import argparse
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from benchmarks.keep_alive import KeepAlive, Refused
from benchmarks.rounds import PAUSE
from benchmarks.scene import Scene, group_document, make_scene, user_document
from benchmarks.servers import Server, host
from devtools.faults import say

WINDOW: Final = 1_000
MEMBERS: Final = 10_000


class Clock:
    """Notes the time and the CPU whenever another thousand people were pushed."""

    def __init__(self, server: Server, people: int) -> None:
        self._server, self._people = server, people
        self._lock, self._done, self._began = threading.Lock(), 0, time.monotonic()
        self.marks: list[tuple[float, float]] = [(self._began, server.cpu())]

    def tick(self) -> None:
        with self._lock:
            self._done += 1
            if self._done % WINDOW == 0:
                self.marks.append((time.monotonic(), self._server.cpu()))
                rate = self._done / (time.monotonic() - self._began)
                print(f"\r{self._done:,} of {self._people:,}, {rate:.0f} a second", end="", file=sys.stderr, flush=True)


def windows(marks: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return for each thousand people the rate per second, and the CPU of a person in milliseconds."""
    return [
        (WINDOW / (later[0] - earlier[0]), 1000 * (later[1] - earlier[1]) / WINDOW)
        for earlier, later in itertools.pairwise(marks)
    ]


def push(scene: Scene, people: int, connections: int) -> Clock:
    """Push the people 1 to ``people`` over so many connections."""
    numbers, clock = iter(range(1, people + 1)), Clock(scene.server, people)
    lock = threading.Lock()

    def push_some(client: KeepAlive) -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            document = user_document(number)
            name = f'userName eq "{document["userName"]}"'
            client.send("GET", scene.path("/Users", filter=name, startIndex=1, count=100))
            _send_until_taken(client, scene.path("/Users"), document)
            clock.tick()

    with ThreadPoolExecutor(connections) as pool:
        for done in [pool.submit(push_some, scene.client()) for _ in range(connections)]:
            done.result()
    print(file=sys.stderr)
    return clock


def _send_until_taken(client: KeepAlive, path: str, document: object) -> None:
    while True:
        try:
            client.send("POST", path, document)
        except Refused as refusal:
            if not refusal.busy:
                raise
            time.sleep(PAUSE)
        else:
            return


def walk(scene: Scene) -> list[str]:
    """List everybody by cursor, a hundred a page, and return their ids."""
    client, cursor = scene.client(), ""
    ids: list[str] = []
    while True:
        page = json.loads(client.send("GET", scene.path("/Users", cursor=cursor, count=100)).body)
        ids += [one["id"] for one in page["Resources"]]
        cursor = page.get("nextCursor", "")
        if not cursor:
            return ids


def put_group(scene: Scene, ids: list[str]) -> None:
    """Create a group and put a list of members into it."""
    client, document = scene.client(), group_document("Everybody", range(0))
    group_id = json.loads(client.send("POST", scene.path("/Groups"), document).body)["id"]
    client.send("PUT", scene.path(f"/Groups/{group_id}"), {**document, "members": [{"value": one} for one in ids]})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_push", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000, metavar="N", help="(default %(default)s)")
    parser.add_argument("--connections", type=int, default=4, metavar="N", help="(default %(default)s)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="of gunicorn (default %(default)s)")
    options = parser.parse_args()
    if options.people < 3 * WINDOW:
        parser.error(
            f"Give {3 * WINDOW:,} people at least: the rate of a thousand is compared with that of another thousand."
        )
    with host() as machine:
        say("Starting …")
        product = machine.serve_product(workers=options.workers)
        scene = make_scene(machine, product)

        def step(name: str, work: Callable[[], object]) -> object:
            began, used = time.monotonic(), product.cpu()
            found = work()
            seconds, cpu = time.monotonic() - began, product.cpu() - used
            print(
                f"{name}: {seconds:.1f} s, {cpu:.1f} s of CPU. The largest worker has {product.resident() / 2**20:.0f} MB."
            )
            return found

        print(f"The largest worker has {product.resident() / 2**20:.0f} MB at the beginning.")
        clocks: list[Clock] = []
        step(f"{options.people:,} people", lambda: clocks.append(push(scene, options.people, options.connections)))
        _, (rate, cpu), *_ = found = windows(clocks[0].marks)
        last_rate, last_cpu = found[-1]
        print(f"Person 1,000 to 2,000: {rate:.0f} a second, {cpu:.2f} ms of CPU each.")
        print(
            f"The last 1,000: {last_rate:.0f} a second, {last_cpu:.2f} ms of CPU each; {last_cpu / cpu:.2f} times that CPU."
        )
        ids: list[str] = []
        step("Walk of everybody by cursor", lambda: ids.extend(walk(scene)))
        members = ids[:MEMBERS]
        step(f"PUT of a group of {len(members):,}", lambda: put_group(scene, members))


if __name__ == "__main__":
    main()
