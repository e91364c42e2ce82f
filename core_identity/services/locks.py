"""The one lock order of all services, and each lock that more than one service takes.

A transaction takes its locks from left to right, so that no two services can wait for each other:

    connection → customer → keys of a new person → user → identity → push group → role → all other rows

- *Connection*: a service that creates a credential, changes the settings or switches the connection locks its row, before it locks the customer.
- *Customer*: each push, merge and decision locks its customer first, so one process at a time decides who is who inside a customer (R9).
- A sign-in of a known person locks the user, the identity and the UID, and not the customer.
- A POST of a new person shares the lock of the customer with other POSTs, and locks the keys of its person (`lock_newcomer`).
- *Erasures*: an erasure takes the erasure lock after the customer lock. Recording a refusal takes this lock first, in shared mode.
- Several connections, users, identities or roles are locked in the order of their primary keys.

Ordinary pushes of one customer follow each other within a moment, so a short queue for its lock is normal, and every thread may wait in it. If a
lock is held for longer, only a few requests keep waiting for it, so that some threads of the process always stay free. All others are refused and
can be sent again.

Row locks are ``NO KEY``, so rows that only refer to a locked row can be inserted. Unique constraints catch every case that the locks miss.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import models, transaction

from core_identity.brand import BRAND
from core_identity.errors import Busy, NotAllowed, NotFound
from core_identity.models import Connection, Identity, User

BUSY: Final = f"{BRAND} is busy with other changes of this customer. Nothing was changed. Send the same request again in a few seconds."

MOMENT: Final = 2.0
"""Seconds. A request beyond a limit waits no longer than this."""

_queues_lock = Lock()
_queues: dict[UUID, list[float]] = {}
"""For each customer, when each waiting request of this process began to wait (monotonic seconds)."""


def lock_channel(connection: Connection) -> None:
    """Lock as `lock_customer`, for a message of a connection. Raise `NotAllowed` if it was switched off while the message waited (R1a)."""
    lock_customer(connection.customer_id)
    require_enabled(Connection.objects.get(pk=connection.pk))


def lock_connection(connection_id: UUID) -> Connection:
    """Lock a connection and return it. Nobody switches it off or on before the end of the transaction. Raises `NotFound`.

    Everything that creates a credential takes this lock first, and then calls `require_enabled` (R1a).
    """
    return lock_connections(connection_id)[0]


def lock_connections(*connection_ids: UUID) -> list[Connection]:
    """Lock several connections, and return them in the order of ``connection_ids``. Raises `NotFound`."""
    connections = Connection.objects.order_by("pk").select_for_update(no_key=True).in_bulk(connection_ids)
    if len(connections) < len(set(connection_ids)):
        raise NotFound("There is no such connection.")
    return [connections[connection_id] for connection_id in connection_ids]


def require_enabled(connection: Connection) -> None:
    """Raise `NotAllowed` if ``connection``, read after the lock, is switched off (R1a)."""
    if not connection.enabled:
        raise NotAllowed("This connection is switched off.")


def lock_customer(customer_id: UUID) -> None:
    """Let this process alone decide who is who in a customer, until the end of the transaction.

    Raises `Busy` at once if too many requests of this process wait for this customer already.
    """
    _take(customer_id, "pg_try_advisory_xact_lock(customer)", "pg_advisory_xact_lock(customer)", keys=[])


def lock_newcomer(customer_id: UUID, keys: Iterable[str]) -> None:
    """Keep `lock_customer` out, and every other newcomer with one of these keys, until the end of the transaction.

    Newcomers with other keys are written at the same time. After this lock the transaction must not call `lock_customer`: two transactions that
    do so wait for each other. Raises `Busy` as `lock_customer` does.
    """
    # Sorted, so that two newcomers with several keys in common do not wait for each other.
    numbers = sorted(lock_number(one) for one in set(keys))
    locked_keys = "(SELECT count(pg_advisory_xact_lock(key)) FROM unnest(%(keys)s::bigint[]) AS key) IS NOT NULL"
    _take(
        customer_id,
        f"CASE WHEN pg_try_advisory_xact_lock_shared(customer) THEN {locked_keys} ELSE FALSE END",
        f"CASE WHEN pg_advisory_xact_lock_shared(customer) IS NOT NULL THEN {locked_keys} END",
        keys=numbers,
    )


def _take(customer_id: UUID, at_once: str, waiting: str, *, keys: list[int]) -> None:
    """Take locks by the SQL ``at_once``, or by ``waiting`` if it returns false."""
    database = transaction.get_connection()
    if not database.in_atomic_block:
        raise transaction.TransactionManagementError("A customer is locked in a transaction only.")
    params = {"customer": customer_lock(customer_id), "keys": keys}
    with database.cursor() as cursor:
        cursor.execute(_TAKE.format(at_once), params)
        if cursor.fetchone() == (True,):
            return
        with _waiting_for(customer_id) as limit:
            # For this transaction only, so that a pooler can give the connection to another client.
            timeout = "CASE WHEN set_config('lock_timeout', %(limit)s, true) IS NOT NULL THEN {} END"
            cursor.execute(_TAKE.format(timeout.format(waiting)), {**params, "limit": f"{limit}s"})


# An advisory lock rather than a lock of the row: PostgreSQL serves its waiters in their order, so a stream of POSTs, which share
# the lock, cannot keep out a change that needs it alone.
_TAKE: Final = "SELECT {} FROM (SELECT %(customer)s::bigint AS customer) AS one"


@contextmanager
def _waiting_for(customer_id: UUID) -> Iterator[float]:
    """Count this request as waiting for a customer. Give the seconds that it may wait (0: no limit).

    Raises `Busy` without waiting if this customer, or the process, has too many waiting requests and one of them has waited for a while.
    """
    now = time.monotonic()
    with _queues_lock:
        theirs = _queues.get(customer_id, [])
        crowded = len(theirs) >= settings.PUSHES_WAITING_PER_CUSTOMER
        everybody = [began for queue in _queues.values() for began in queue]
        full = len(everybody) >= settings.PUSHES_WAITING
        if (crowded and _is_stuck(theirs, now)) or (full and _is_stuck(everybody, now)):
            raise Busy(BUSY)
        _queues[customer_id] = [*theirs, now]
    try:
        yield MOMENT if crowded or full else settings.DATABASE_LOCK_TIMEOUT
    finally:
        with _queues_lock:
            _queues[customer_id].remove(now)
            if not _queues[customer_id]:
                del _queues[customer_id]


def _is_stuck(queue: list[float], now: float) -> bool:
    return any(now - began > MOMENT for began in queue)


def lock_erasures(customer_id: UUID, *, shared: bool = False) -> None:
    """Delay each erasure of a person of this customer until the end of the transaction. With ``shared``, others may take this lock too.

    An erasure takes it after that of the customer. The record of a refusal takes it alone, and no other lock before.
    """
    with transaction.get_connection().cursor() as cursor:
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        cursor.execute(f"SELECT {function}(%s::bigint)", [lock_number(f"erasures {customer_id}")])


def customer_lock(customer_id: UUID) -> int:
    """Return the number of the advisory lock of a customer."""
    return lock_number(f"customer {customer_id}")


def lock_number(name: str) -> int:
    """Return the number of the advisory lock with this name. If two names have the same number, their transactions only wait for each other."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


def lock_user(user_id: UUID) -> User:
    """Lock a user and return them with their customer. Raises `NotFound`."""
    users = User.objects.select_for_update(of=("self",), no_key=True).select_related("customer")
    user = users.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such user.")
    return user


def lock_identity(identity_id: UUID) -> Identity:
    """Lock the customer, the user and the identity; return it with both and its connection. Raises `NotFound`."""
    found = Identity.objects.filter(pk=identity_id).values_list("connection__customer_id", "user_id").first()
    if found is None:
        raise NotFound("There is no such identity.")
    lock_customer(found[0])
    User.objects.select_for_update(no_key=True).get(pk=found[1])
    identities = Identity.objects.select_for_update(of=("self",), no_key=True)
    return identities.select_related("connection", "user__customer").get(pk=identity_id)


def locked_with_user(identities: models.QuerySet[Identity]) -> Identity | None:
    """Lock the user, then the identity, and read both as they are under the lock."""
    user_id = identities.values_list("user_id", flat=True).first()
    if user_id is None:
        return None
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    identity = identities.select_related("connection").select_for_update(of=("self",), no_key=True).first()
    if identity is not None:
        identity.user = user
    return identity
