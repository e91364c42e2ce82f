"""The work that is pending for an administrator, the oldest first, and the number of people. Each function is one query over an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection as database

from core_identity.models import Conflict, Connection, Identity, PushGroup, User
from core_identity.models.conflict import ConflictState

SHOWN: Final = 4
"""How many of a kind Home shows; a link leads to all."""
FEW: Final = 50_000
"""A table with up to this many rows is counted. For a larger one, PostgreSQL's own estimate is good enough for a number on a page."""


@dataclass(frozen=True, slots=True)
class People:
    """``expired`` and ``inactive`` are None where counting would take long, and ``users`` is an estimate then.

    ``inactive`` are not expired, and not active at any IdP.
    """

    users: int
    expired: int | None
    inactive: int | None

    @property
    def may_sign_in(self) -> int:
        return self.users - (self.expired or 0) - (self.inactive or 0)


def open_conflicts() -> Sequence[Conflict]:
    conflicts = Conflict.objects.filter(state=ConflictState.OPEN).select_related("connection", "other")
    return list(conflicts.order_by("first_at", "pk")[:SHOWN])


def reactivation_requests() -> Sequence[Identity]:
    requests = Identity.objects.filter(reactivation_requested_at__isnull=False, user__expired_at__isnull=False)
    return list(requests.select_related("user", "connection").order_by("reactivation_requested_at", "pk")[:SHOWN])


def groups_without_a_role() -> Sequence[PushGroup]:
    groups = PushGroup.objects.filter(role__isnull=True).select_related("connection")
    return list(groups.order_by("created_at", "pk")[:SHOWN])


def connections() -> Sequence[Connection]:
    """Return all connections with their customers, by name: there is one for each IdP."""
    return list(Connection.objects.select_related("customer").order_by("name", "slug"))


def people() -> People:
    table, identities = User._meta.db_table, Identity._meta.db_table
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT reltuples::bigint,
                CASE WHEN reltuples < {FEW} THEN (SELECT count(*) FROM {table} WHERE merged_into_id IS NULL) END,
                CASE WHEN reltuples < {FEW} THEN (
                    SELECT count(*) FROM {table} WHERE merged_into_id IS NULL AND expired_at IS NOT NULL
                ) END,
                CASE WHEN reltuples < {FEW} THEN (
                    SELECT count(*) FROM {table} AS person WHERE merged_into_id IS NULL AND expired_at IS NULL
                        AND id IN (SELECT user_id FROM {identities} WHERE NOT active OR deleted_at IS NOT NULL)
                        AND NOT EXISTS (
                            SELECT FROM {identities} WHERE user_id = person.id AND active AND deleted_at IS NULL
                        )
                ) END
            FROM pg_class WHERE oid = '{table}'::regclass
            """  # noqa: S608 - names of our own
        )
        estimate, users, expired, inactive = cursor.fetchone()
    return People(estimate if users is None else users, expired, inactive)
