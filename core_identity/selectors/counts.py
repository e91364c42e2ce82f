"""Numbers beside the rows of a list. A count ends at `MOST`, so that a page costs the same whatever the size of a customer."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.db import connection as database

from core_identity.models import Grant, User

MOST: Final = 1_000

_COUNTS: Final = """
SELECT one.id, (SELECT count(%s) FROM (SELECT %s FROM %s WHERE %s = one.id LIMIT %%s) AS counted)
FROM unnest(%%s::uuid[]) AS one (id)
"""
_OF_CUSTOMER: Final = _COUNTS % ("*", "1", User._meta.db_table, "customer_id")
_OF_ROLE: Final = _COUNTS % ("DISTINCT user_id", "user_id", Grant._meta.db_table, "role_id")


def users_of_customers(customers: Collection[UUID]) -> dict[UUID, int]:
    """Return how many users each customer has, `MOST` at most. One query, none for no customer."""
    return _counted(_OF_CUSTOMER, customers)


def holders_of_roles(roles: Collection[UUID]) -> dict[UUID, int]:
    """Return how many users hold each role, counted among its first `MOST` grants. One query, none for no role."""
    return _counted(_OF_ROLE, roles)


def _counted(statement: str, ids: Collection[UUID]) -> dict[UUID, int]:
    if not ids:
        return {}
    with database.cursor() as cursor:
        cursor.execute(statement, [MOST, list(ids)])
        return dict(cursor.fetchall())
