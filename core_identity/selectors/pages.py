"""Read all SCIM resources of a connection, page by page. The position of a page and the total are found without counting.

A connection has blocks of about a thousand resources, each with its number of people, and changes that no block counts yet. Together they are
exact in each snapshot of the database, because the trigger appends a change in the transaction of the identity. So the number of resources before a
block is the sum of the blocks and changes before it, and a page begins within a block.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection as database

from core_identity.models import Connection, Identity, ResourceBlock, ResourceChange
from core_identity.selectors.rows import COLUMNS, JOIN_IDENTITY, JOIN_USER, ResourceRow, to_resource_row

LARGEST_PAGE: Final = 250
"""The most resources that one statement reads."""
_FURTHEST: Final = 2**40
"""More rows than any table has."""


def page_at(connection: Connection, skipped: int, count: int) -> tuple[list[ResourceRow], int]:
    """Return up to ``count`` resources in the order of creation, after ``skipped`` others, and the total. One statement.

    ``count`` is at most `LARGEST_PAGE`.
    """
    rows = _read(_AT, {"connection": connection.pk, "skipped": min(skipped, _FURTHEST), "count": count})
    return [to_resource_row(row[1:]) for row in rows if row[1] is not None], int(rows[0][0])


def page_after(connection: Connection, created_at: datetime, pk: UUID, count: int) -> list[ResourceRow]:
    """Return up to ``count`` resources (at most `LARGEST_PAGE`) that follow this key, in the order of creation. One statement."""
    params = {"connection": connection.pk, "created_at": created_at, "pk": pk, "count": count}
    return [to_resource_row(row) for row in _read(_AFTER, params)]


def number_of_resources(connection: Connection) -> int:
    """Return the number of SCIM resources of a connection."""
    [[total]] = _read(_TOTAL, {"connection": connection.pk})
    return int(total)


def _read(statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


_IDENTITY, _BLOCK, _CHANGE = (model._meta.db_table for model in (Identity, ResourceBlock, ResourceChange))
_KEYS: Final = (
    f"SELECT created_at, id FROM {_IDENTITY} WHERE connection_id = %(connection)s AND {Identity.RESOURCE_SQL}"  # noqa: S608
)
_COUNTED: Final = f"""
SELECT created_at, identity_id, people, TRUE AS is_block FROM {_BLOCK} WHERE connection_id = %(connection)s
UNION ALL SELECT created_at, identity_id, people, FALSE FROM {_CHANGE} WHERE connection_id = %(connection)s
"""  # noqa: S608

_TOTAL: Final = f"SELECT COALESCE(sum(people), 0)::bigint FROM ({_COUNTED}) AS counted"  # noqa: S608

# The client chooses the number of rows, so it is a parameter, and PostgreSQL prepares one statement for all numbers. The larger limit within is a
# number in the SQL: without it PostgreSQL would expect a tenth of all people, and plan the statement again each time.
# A connection may have no block yet, hence one before everybody. A change at the very key of a block is within that block.
_AT: Final = f"""
WITH counted AS MATERIALIZED ({_COUNTED} UNION ALL SELECT '-infinity', '00000000-0000-0000-0000-000000000000', 0, TRUE),
size AS MATERIALIZED (SELECT sum(people)::bigint AS total FROM counted),
place AS MATERIALIZED (
    SELECT created_at, identity_id, before FROM (
        SELECT created_at, identity_id, is_block,
            (sum(people) OVER (ORDER BY created_at, identity_id, is_block DESC ROWS UNBOUNDED PRECEDING) - people)::bigint AS before
        FROM counted
    ) AS summed WHERE is_block AND before <= %(skipped)s ORDER BY created_at DESC, identity_id DESC LIMIT 1
)
SELECT size.total, page.* FROM size LEFT JOIN (
    SELECT {COLUMNS} FROM place CROSS JOIN LATERAL (
        SELECT * FROM (
            {_KEYS} AND (created_at, id) >= (place.created_at, place.identity_id)
            ORDER BY created_at, id OFFSET %(skipped)s - place.before LIMIT {LARGEST_PAGE}
        ) AS most ORDER BY created_at, id LIMIT %(count)s
    ) AS found {JOIN_IDENTITY} {JOIN_USER}
) AS page ON TRUE ORDER BY page.created COLLATE "C", page.pk COLLATE "C"
"""  # noqa: S608

_AFTER: Final = f"""
SELECT {COLUMNS} FROM (
    SELECT * FROM (
        {_KEYS} AND (created_at, id) > (%(created_at)s, %(pk)s) ORDER BY created_at, id LIMIT {LARGEST_PAGE}
    ) AS most ORDER BY created_at, id LIMIT %(count)s
) AS found {JOIN_IDENTITY} {JOIN_USER} ORDER BY one.created_at, one.id
"""  # noqa: S608
