"""The content of the database, as plain values: to find what a message changed, and that a refused one changed nothing."""

from collections.abc import Mapping
from typing import Any

from django.db import connection, models

from core_identity.models import Connection, Grant, Identity, IdentityUid, PushGroup, PushGroupMember, Role, User

PEOPLE: tuple[type[models.Model], ...] = (User, Identity, IdentityUid)
ALL: tuple[type[models.Model], ...] = (*PEOPLE, Grant, Role, PushGroup, PushGroupMember, Connection)

Row = Mapping[str, Any]
Snapshot = dict[tuple[str, Any], Row]
"""``{(model, primary key): {column: value}}``."""


def snapshot(kinds: tuple[type[models.Model], ...] = ALL) -> Snapshot:
    """Return every row of these models. One query each, written by hand: to build a QuerySet takes longer than the database does."""
    return {(model.__name__, row[str(model._meta.pk.column)]): row for model in kinds for row in _rows(model)}


def _rows(model: type[models.Model]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')  # noqa: S608  (a name of ours)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def changes(before: Snapshot, after: Snapshot) -> dict[tuple[str, Any], tuple[Row | None, Row | None]]:
    """Return the rows that came, went or differ, each with its former and its present value."""
    return {
        row: (before.get(row), after.get(row))
        for row in before.keys() | after.keys()
        if before.get(row) != after.get(row)
    }
