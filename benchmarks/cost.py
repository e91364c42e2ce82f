"""CPU of server and database for one request, beside the ceilings of the stack: ``python -m benchmarks.cost --people 10000``."""

import argparse
from collections.abc import Mapping

from benchmarks.group_work import group_work, people_needed
from benchmarks.kernel_cpu import cpu_seconds
from benchmarks.rounds import Cost, Pace, measure
from benchmarks.scene import make_scene
from benchmarks.servers import host
from benchmarks.sign_in_work import sign_in_work, trust
from benchmarks.work import Work, ceilings, page_work, people_work
from devtools.faults import say


def table(costs: Mapping[str, Cost]) -> str:
    """Return a line for each work: milliseconds, the ratio to its ceiling, and the least and the greatest ratio of a round."""
    lines = [f"{'work':36} {'ms':>8}  {'ratio':>8}  least … greatest"]
    for name, cost in costs.items():
        ceiling = costs[cost.unit]
        ratios = cost.ratios(ceiling)
        ratio = f"{cost.median / ceiling.median:.2f} {cost.unit}"
        lines.append(f"{name:36} {1000 * cost.median:8.2f}  {ratio:>8}  {min(ratios):.2f} … {max(ratios):.2f}")
    return "\n".join(lines)


def chosen(works: Mapping[str, Work], only: str | None) -> dict[str, Work]:
    """Return the works whose name begins with one of the words between the commas of ``only``. Raises ValueError if a word fits none."""
    if only is None:
        return dict(works)
    words = tuple(word.strip() for word in only.split(","))
    for word in words:
        if not any(name.startswith(word) for name in works):
            raise ValueError(f"No work begins with {word!r}. There are: {', '.join(works)}.")
    return {name: work for name, work in works.items() if name.startswith(words)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000, metavar="N", help="of the customer (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="that count (default %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=0.5, metavar="S", help="of a work in a round (default %(default)s)"
    )
    parser.add_argument("--only", metavar="NAME,…", help="works whose names begin so, for example lookup,get,create")
    parser.add_argument("--group", type=int, metavar="N", help="measure groups of so many members too, linked and not")
    parser.add_argument("--never-analysed", action="store_true", help="leave PostgreSQL without statistics")
    options = parser.parse_args()
    with host() as machine:
        say("Starting …")
        ceiling, product = machine.serve_ceilings(machine.make_ceilings()), machine.serve_product()
        scene = make_scene(machine, product)
        people = max(options.people, people_needed(options.group) if options.group else 0)
        say(f"Seeding {people:,} people …")
        scene.grow(people, analyse=not options.never_analysed)
        works = {
            work.name: work for work in (*people_work(scene), *page_work(scene), *sign_in_work(scene, trust(scene)))
        }
        if options.group:
            for linked in (False, True):
                for work in group_work(scene, options.group, linked=linked):
                    works[f"{work.name}, {'linked' if linked else 'waiting'}"] = work
            machine.settle(analyse=not options.never_analysed)
        try:
            works = chosen(works, options.only)
        except ValueError as fault:
            parser.error(str(fault))
        roots = [ceiling.pid, product.pid, machine.postmaster]
        units = {work.name: work for work in ceilings(ceiling.client)}
        print(table(measure(units, works, lambda: cpu_seconds(roots), Pace(options.rounds, options.seconds))))


if __name__ == "__main__":
    main()
