"""How services share the database: one lock order, and another try where PostgreSQL asks for one.

Lock order, always from left to right, so that no two services can wait for each other:
customer → user → identity → push group → role → the rest. Every push (people and groups) locks its customer first, so who is who inside a
customer (R9) is decided by one process at a time; a sign-in of somebody known does without. All locks are ``NO KEY``: rows that merely refer to
a locked one can be inserted. Unique constraints stand behind the locks for whatever slips past.
"""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction

from core_identity.errors import Busy, NotAllowed
from core_identity.models import Connection, Customer
from core_identity.services.waiting import BUSY, waiting_for

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 4
_LOCK_NOT_AVAILABLE = "55P03"
_AGAIN = {"40001", "40P01", "23505"}  # serialization failure, deadlock, unique violation by a neighbour


def in_one_transaction(service: Callable[P, R]) -> Callable[P, R]:
    """Run ``service`` in one transaction; run it anew where a neighbour's transaction got in the way.

    Raises `Busy` if a lock is not free within ``lock_timeout``.

    Inside somebody else's transaction it simply takes part: only the outermost can be tried again.
    """

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if transaction.get_connection().in_atomic_block:
            with transaction.atomic():
                return service(*args, **kwargs)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with transaction.atomic():
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
    """As `lock_customer`, for a message of a connection; raise `NotAllowed` where it was switched off while the message waited (R1a)."""
    lock_customer(connection.customer_id)
    require_enabled(Connection.objects.get(pk=connection.pk))


def lock_connection(connection_id: UUID) -> Connection:
    """Lock a connection, so that nobody switches it off or on before the end of the transaction; return it as it is then.

    Everything that creates a credential takes this lock first, and then asks `require_enabled` (R1a).
    """
    return Connection.objects.select_for_update(no_key=True).get(pk=connection_id)


def require_enabled(connection: Connection) -> None:
    """Raise `NotAllowed` where ``connection``, read after the lock, is switched off (R1a)."""
    if not connection.enabled:
        raise NotAllowed("This connection is switched off.")


def lock_customer(customer_id: UUID) -> None:
    """Let one process at a time decide who is who in a customer, until the end of the transaction.

    Raises `Busy` at once if too many requests of this process wait for this customer already.
    """
    database = transaction.get_connection()
    if not database.in_atomic_block:
        raise transaction.TransactionManagementError("A customer is locked in a transaction only.")
    with database.cursor() as cursor:
        cursor.execute(_CUSTOMER.format("") + " SKIP LOCKED", [customer_id])
        if cursor.fetchone() is not None:
            return
        with waiting_for(customer_id) as limit:
            # For this transaction only, so that a pooler can give the connection to another client. PostgreSQL evaluates it before it locks.
            timeout = "AND set_config('lock_timeout', %s, true) IS NOT NULL"
            cursor.execute(_CUSTOMER.format(timeout), [customer_id, f"{limit}s"])


_CUSTOMER: Final = f"SELECT 1 FROM {Customer._meta.db_table} WHERE id = %s {{}} FOR NO KEY UPDATE"  # noqa: S608 - a name of our own
