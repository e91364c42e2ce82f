"""The blocks by which lists of SCIM resources find their place: changes of the trigger are added to them, some at once.

Each statement below is exact in its own snapshot: it takes away the changes that it sees, and counts the resources that it sees. So writers go on
meanwhile, and their changes stay for the next time.
"""

from typing import Final
from uuid import UUID

from django.db import connection as database
from django.db import transaction

from core_identity.models import Identity, ResourceBlock, ResourceChange

UNCOUNTED: Final = 1_000
"""How many changes a list adds up itself. With more, it lets them be counted."""

OF_BLOCK: Final = 1_000


def count_changes(connection_id: UUID, *, of_block: int = OF_BLOCK) -> None:
    """Add the changes of a connection to its blocks of about ``of_block`` people. Do nothing while another process does it."""
    asked = {"connection": connection_id, "of_block": of_block}
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('resource blocks ' || %(connection)s, 0))", asked)
        if cursor.fetchone() == (True,):
            cursor.execute(_FIRST, asked)
            cursor.execute(_COUNT, asked)


def count_all_changes(*, of_block: int = OF_BLOCK) -> int:
    """Do the same for all connections with changes. Return how many connections these are."""
    connections = ResourceChange.objects.order_by().values_list("connection_id", flat=True).distinct()
    found = list(connections)
    for connection_id in found:
        count_changes(connection_id, of_block=of_block)
    return len(found)


_IDENTITY, _BLOCK, _CHANGE = (model._meta.db_table for model in (Identity, ResourceBlock, ResourceChange))

_FIRST: Final = f"""
INSERT INTO {_BLOCK} (connection_id, created_at, identity_id, people)
VALUES (%(connection)s, '0001-01-01 00:00:00+00', '00000000-0000-0000-0000-000000000000', 0) ON CONFLICT DO NOTHING
"""  # noqa: S608 - nothing but names of our own
"""The first block of a connection, before everybody."""

_COUNT: Final = f"""
WITH gone AS MATERIALIZED (
    DELETE FROM {_CHANGE} WHERE connection_id = %(connection)s RETURNING created_at, identity_id
),
touched AS MATERIALIZED (
    SELECT DISTINCT block.created_at, block.identity_id FROM gone CROSS JOIN LATERAL (
        SELECT created_at, identity_id FROM {_BLOCK}
        WHERE connection_id = %(connection)s AND (created_at, identity_id) <= (gone.created_at, gone.identity_id)
        ORDER BY created_at DESC, identity_id DESC LIMIT 1
    ) AS block
),
bounded AS MATERIALIZED (
    SELECT touched.created_at, touched.identity_id,
        COALESCE(later.created_at, 'infinity') AS until_at, COALESCE(later.identity_id, '00000000-0000-0000-0000-000000000000') AS until_id
    FROM touched LEFT JOIN LATERAL (
        SELECT created_at, identity_id FROM {_BLOCK}
        WHERE connection_id = %(connection)s AND (created_at, identity_id) > (touched.created_at, touched.identity_id)
        ORDER BY created_at, identity_id LIMIT 1
    ) AS later ON TRUE
),
numbered AS (
    SELECT block.created_at AS block_at, block.identity_id AS block_id, one.created_at, one.id,
        count(one.id) OVER (PARTITION BY block.created_at, block.identity_id) AS people,
        (row_number() OVER (PARTITION BY block.created_at, block.identity_id ORDER BY one.created_at, one.id) - 1) / %(of_block)s AS piece
    FROM bounded AS block LEFT JOIN LATERAL (
        SELECT created_at, id FROM {_IDENTITY} WHERE connection_id = %(connection)s AND {Identity.RESOURCE_SQL}
        AND (created_at, id) >= (block.created_at, block.identity_id) AND (created_at, id) < (block.until_at, block.until_id)
        ORDER BY created_at, id
    ) AS one ON TRUE
),
placed AS (
    SELECT block_at, block_id, created_at, id, CASE WHEN people < 2 * %(of_block)s THEN 0 ELSE piece END AS piece FROM numbered
)
INSERT INTO {_BLOCK} (connection_id, created_at, identity_id, people)
SELECT %(connection)s,
    CASE WHEN piece = 0 THEN block_at ELSE min(created_at) END,
    CASE WHEN piece = 0 THEN block_id ELSE (array_agg(id ORDER BY created_at, id))[1] END,
    count(id)
FROM placed GROUP BY block_at, block_id, piece
ON CONFLICT (connection_id, created_at, identity_id) DO UPDATE SET people = excluded.people
"""  # noqa: S608
"""Count the blocks of the changes anew. A block of twice the size becomes several; its first piece keeps its key."""
