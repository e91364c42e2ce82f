"""How services share the database: one lock order, and another try where PostgreSQL asks for one.

Lock order, always from left to right, so that no two services can wait for each other:
customer → keys of a new person → user → identity → push group → role → the rest. Every push (people and groups) locks its customer first, so one
process at a time decides who is who inside a customer (R9). There are two exceptions. A sign-in of a known person needs no lock of the customer. A
POST of a new person shares that lock with other POSTs, and locks the keys of its person (`lock_newcomer`). Row locks are ``NO KEY``, so rows that
merely refer to a locked one can be inserted. Unique constraints catch every case that the locks miss.
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Final, ParamSpec, TypeVar
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction

from core_identity.errors import Busy, NotAllowed
from core_identity.models import Connection
from core_identity.services.waiting import BUSY, waiting_for
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


def lock_channel(connection: Connection) -> None:
    """Lock as `lock_customer`, for a message of a connection. Raise `NotAllowed` if it was switched off while the message waited (R1a)."""
    lock_customer(connection.customer_id)
    require_enabled(Connection.objects.get(pk=connection.pk))


def lock_connection(connection_id: UUID) -> Connection:
    """Lock a connection and return it. Nobody switches it off or on before the end of the transaction.

    Everything that creates a credential takes this lock first, and then calls `require_enabled` (R1a).
    """
    return Connection.objects.select_for_update(no_key=True).get(pk=connection_id)


def require_enabled(connection: Connection) -> None:
    """Raise `NotAllowed` if ``connection``, read after the lock, is switched off (R1a)."""
    if not connection.enabled:
        raise NotAllowed("This connection is switched off.")


def lock_customer(customer_id: UUID) -> None:
    """Let this process alone decide who is who in a customer, until the end of the transaction.

    Raises `Busy` at once if too many requests of this process wait for this customer already.
    """
    _lock(customer_id, "pg_try_advisory_xact_lock(customer)", "pg_advisory_xact_lock(customer)", keys=[])


def lock_newcomer(customer_id: UUID, keys: Iterable[str]) -> None:
    """Keep `lock_customer` out, and every other newcomer with one of these keys, until the end of the transaction.

    Newcomers with other keys are written at the same time. After this lock the transaction must not call `lock_customer`: two transactions that
    do so wait for each other. Raises `Busy` as `lock_customer` does.
    """
    # Sorted, so that two newcomers with several keys in common do not wait for each other.
    numbers = sorted(lock_number(one) for one in set(keys))
    locked_keys = "(SELECT count(pg_advisory_xact_lock(key)) FROM unnest(%(keys)s::bigint[]) AS key) IS NOT NULL"
    _lock(
        customer_id,
        f"CASE WHEN pg_try_advisory_xact_lock_shared(customer) THEN {locked_keys} ELSE FALSE END",
        f"CASE WHEN pg_advisory_xact_lock_shared(customer) IS NOT NULL THEN {locked_keys} END",
        keys=numbers,
    )


def _lock(customer_id: UUID, at_once: str, waiting: str, *, keys: list[int]) -> None:
    """Take locks by the SQL ``at_once``, or by ``waiting`` if it returns false."""
    database = transaction.get_connection()
    if not database.in_atomic_block:
        raise transaction.TransactionManagementError("A customer is locked in a transaction only.")
    params = {"customer": customer_lock(customer_id), "keys": keys}
    with database.cursor() as cursor:
        cursor.execute(_TAKE.format(at_once), params)
        if cursor.fetchone() == (True,):
            return
        with waiting_for(customer_id) as limit:
            # For this transaction only, so that a pooler can give the connection to another client.
            timeout = "CASE WHEN set_config('lock_timeout', %(limit)s, true) IS NOT NULL THEN {} END"
            cursor.execute(_TAKE.format(timeout.format(waiting)), {**params, "limit": f"{limit}s"})


# An advisory lock rather than a lock of the row: PostgreSQL serves its waiters in their order, so a stream of POSTs, which share
# the lock, cannot keep out a change that needs it alone.
_TAKE: Final = "SELECT {} FROM (SELECT %(customer)s::bigint AS customer) AS one"


def customer_lock(customer_id: UUID) -> int:
    """Return the number of the advisory lock of a customer."""
    return lock_number(f"customer {customer_id}")


def lock_number(name: str) -> int:
    """Return the number of the advisory lock with this name. Two names with the same number would only wait for each other."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
