"""Several cases in one test, each from the same start: they share a set-up that would cost more than they do."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import transaction


@contextmanager
def undone(case: object) -> Iterator[None]:
    """Take back what is written within; a failure names the case."""
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    except Exception as failure:
        failure.add_note(f"Case: {case}")
        raise


@contextmanager
def every_case() -> Iterator[Callable[[object], AbstractContextManager[None]]]:
    """Run all cases, each undone, although some fail; then fail with the failures of all, by name.

    `with every_case() as case: for name in NAMES: with case(name): …`
    """
    failures: list[Exception] = []
    cases: list[object] = []

    @contextmanager
    def one(case: object) -> Iterator[None]:
        cases.append(case)
        try:
            with undone(case):
                yield
        except Exception as failure:  # noqa: BLE001  (raised at the end, with the others)
            failures.append(failure)

    yield one
    assert cases, "there was no case"
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(cases)} cases failed", failures)
