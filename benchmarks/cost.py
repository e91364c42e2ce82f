"""CPU of server and database for one request, beside the ceilings of the stack: ``python -m benchmarks.cost --people 10000``."""

import argparse
from collections.abc import Mapping

from benchmarks.kernel_cpu import cpu_seconds
from benchmarks.rounds import Cost, measure
from benchmarks.scene import make_scene
from benchmarks.servers import host
from benchmarks.work import Work, ceilings, people_work
from devtools.faults import say


def table(costs: Mapping[str, Cost]) -> str:
    """Return a line for each work: milliseconds, the ratio to its ceiling, and the least and the greatest ratio of a round."""
    lines = [f"{'work':24} {'ms':>8}  {'ratio':>8}  least … greatest"]
    for cost in costs.values():
        ratios = cost.ratios(costs[cost.work.unit])
        ratio = f"{cost.median / costs[cost.work.unit].median:.2f} {cost.work.unit}"
        lines.append(
            f"{cost.work.name:24} {1000 * cost.median:8.2f}  {ratio:>8}  {min(ratios):.2f} … {max(ratios):.2f}"
        )
    return "\n".join(lines)


def chosen(works: list[Work], only: str | None) -> list[Work]:
    """Return the works whose name begins with one of the words between the commas of ``only``. Raises ValueError if a word fits none."""
    if only is None:
        return works
    words = [word.strip() for word in only.split(",")]
    for word in words:
        if not any(work.name.startswith(word) for work in works):
            raise ValueError(f"No work begins with {word!r}. There are: {', '.join(work.name for work in works)}.")
    return [work for work in works if work.name.startswith(tuple(words))]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument(
        "--people", type=int, default=10_000, metavar="N", help="people of the customer (default %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds that count (default %(default)s)")
    parser.add_argument(
        "--only", metavar="NAME,…", help="only the works whose names begin so, for example lookup,get,create"
    )
    options = parser.parse_args()
    with host() as machine:
        say("Starting …")
        ceiling, product = machine.serve_ceilings(), machine.serve_product()
        say(f"Seeding {options.people:,} people …")
        scene = make_scene(product, options.people)
        try:
            works = [*ceilings(ceiling.client), *chosen(list(people_work(scene)), options.only)]
        except ValueError as fault:
            parser.error(str(fault))
        roots = [ceiling.pid, product.pid, machine.postmaster]
        print(table(measure(works, lambda: cpu_seconds(roots), options.rounds)))


if __name__ == "__main__":
    main()
