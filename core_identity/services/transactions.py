"""Run each service in one transaction, and try again where PostgreSQL asks for it."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, transaction

from core_identity.errors import Busy
from core_identity.services.locks import BUSY
from core_identity.write_guard import service_writes

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 4
_LOCK_NOT_AVAILABLE = "55P03"
_AGAIN = {"40001", "40P01", "23505"}  # serialization failure, deadlock, unique violation by a neighbour


def in_one_transaction(service: Callable[P, R]) -> Callable[P, R]:
    """Run ``service`` in one transaction. Run it again if a concurrent transaction was in the way.

    Raises `Busy` if a lock is not free within ``lock_timeout``.

    Inside another transaction it only joins, because only the outermost one can run again.
    """

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if transaction.get_connection().in_atomic_block:
            with transaction.atomic(), service_writes():
                return service(*args, **kwargs)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with transaction.atomic(), service_writes():
                    return service(*args, **kwargs)
            except (IntegrityError, OperationalError) as error:
                state = getattr(error.__cause__, "sqlstate", None)
                if state == _LOCK_NOT_AVAILABLE:
                    raise Busy(BUSY) from error
                if attempt == ATTEMPTS or state not in _AGAIN:
                    raise
        raise AssertionError("unreachable")

    return run
