"""Keep the names of an erased person out of rows of logs, and out of events of refusals, that are written after the erasure (R34, R35).

The row of a request is written after its answer, up to half a second later, by any worker. So an erasure cannot find all rows. It stores the
traces of the person for a day, and each statement that writes a row of a log compares it with them.
"""

import time
from collections.abc import Iterable
from typing import Final

from django.db import connection as database

from core_identity.lookup_keys import lookup_keys
from core_identity.models import Connection, ErasedNames
from core_identity.services.locks import lock_erasures
from core_identity.signals import ErasedTraces

_TABLE: Final = ErasedNames._meta.db_table

FORGET: Final = f"forgotten AS (DELETE FROM {_TABLE} WHERE at < statement_timestamp() - interval '1 day')"  # noqa: S608 - a name of our own
"""A part for the WITH of each statement that writes rows of a log: it deletes traces that are a day old.

It also takes the lock for which `remember_erased` waits, before PostgreSQL takes the snapshot of the statement. So such a statement either
commits before the erasure looks for rows, or sees the traces.
"""

_INSERT: Final = f"""
INSERT INTO {_TABLE} (at, connections, ids, keys)
VALUES (clock_timestamp(), %s::uuid[], %s::uuid[], %s::bigint[])
"""  # noqa: S608 - a name of our own


def of_erased(rows: str, *, own_id: str, at: str) -> str:
    """Return the SQL condition that a row of ``rows`` is about an erased person or names one.

    ``own_id`` is the column with the id of the person, ``at`` an expression for the time of the row by the clock of the database. A row with a
    time of up to one minute after the erasure counts too, because its request may have begun before. A later row is about a new message.
    """
    return f"""EXISTS (
    SELECT FROM {_TABLE} AS erasure WHERE erasure.at > {at} - interval '1 minute' AND {rows}.connection_id = ANY (erasure.connections)
    AND ({rows}.{own_id} = ANY (erasure.ids) OR {rows}.keys && erasure.keys)
)"""


def names_erased_person(connection: Connection, names: Iterable[str], *, since: float) -> bool:
    """Wait for an erasure in the customer of ``connection``. Return whether one of these names is of a person erased ``since`` (monotonic seconds).

    No erasure begins before the end of this transaction. Two statements.
    """
    lock_erasures(connection.customer_id, shared=True)
    with database.cursor() as cursor:
        cursor.execute(_IS_ERASED, [time.monotonic() - since, connection.pk, lookup_keys(names)])
        found: bool = cursor.fetchone()[0]
    return found


_IS_ERASED: Final = f"""
SELECT EXISTS (
    SELECT FROM {_TABLE} WHERE at > statement_timestamp() - make_interval(secs => %s) AND %s = ANY (connections) AND keys && %s::bigint[]
)
"""  # noqa: S608 - a name of our own


def remember_erased(traces: ErasedTraces) -> None:
    """Store the traces of a person, and let no log write a row until the end of this transaction.

    Afterwards the caller blanks the rows that are there. It does so last, because the writers of all logs wait. Raises `Busy`, by its transaction,
    if a writer does not end within ``lock_timeout``.
    """
    ids = [*traces.users, *traces.identities, *traces.scim_ids]
    keys = lookup_keys([*traces.names, *map(str, traces.scim_ids)])
    with database.cursor() as cursor:
        # The weakest lock that keeps the writers out. A backup of the database takes a lock that does not conflict with it.
        cursor.execute(f"LOCK TABLE {_TABLE} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(_INSERT, [list(traces.connections), ids, keys])
