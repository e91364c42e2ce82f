"""Several cases in one test, each from the same start: they share a set-up that would cost more than they do."""

from collections.abc import Iterator
from contextlib import contextmanager

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
