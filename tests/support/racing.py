"""Acts at the same instant, each in a process of its own: no lock of Python's can stand in for one of the database."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier

Act = Callable[[], object]
"""A `functools.partial` of a function at the top of a module; it and its values go through pickle."""

Race = Callable[[list[Act]], list[str]]
"""Runs acts at once; returns for each the name of the type of its result, or of the `IdentityError` that it raised."""

_line: Barrier


@contextmanager
def racing(processes: int, database: str) -> Iterator[Race]:
    """Give a race of so many acts, over processes that last as long as the block and work on ``database``."""
    context = multiprocessing.get_context("spawn")
    line = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, initializer=_take_place, initargs=(line, database)) as pool:

        def race(acts: list[Act]) -> list[str]:
            assert len(acts) == processes, "who is missing would be waited for"
            return list(pool.map(_run, acts))

        yield race


def _take_place(line: Barrier, database: str) -> None:
    import django
    from django.conf import settings

    global _line
    _line = line
    settings.DATABASES["default"]["NAME"] = database
    django.setup()


def _run(act: Act) -> str:
    from core_identity.errors import IdentityError

    _line.wait(timeout=30)
    try:
        return type(act()).__name__
    except IdentityError as refusal:
        return type(refusal).__name__
