"""Read connections by slug or primary key."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from core_identity.errors import NotFound
from core_identity.models import Connection

_FIELDS: Final = Connection._meta.concrete_fields
CONNECTION_TABLE: Final = Connection._meta.db_table
CONNECTION_COLUMNS: Final = ", ".join(f"connection.{field.column}" for field in _FIELDS)
"""The columns that a statement selects from its table ``connection`` for `connection_of_row`."""


def connection_of_row(row: Sequence[Any]) -> Connection:
    """Return the connection from the values of `CONNECTION_COLUMNS`."""
    return Connection.from_db(DEFAULT_DB_ALIAS, [field.attname for field in _FIELDS], row)


def live_connection_by_id(connection_id: UUID) -> Connection:
    """Return this connection. Raise `NotFound` if there is none, or if it is switched off (R1a)."""
    found = Connection.objects.filter(pk=connection_id, enabled=True).first()
    if found is None:
        raise NotFound("There is no such connection.")
    return found


def connection_by_slug(slug: str) -> Connection:
    """Return the connection with this slug, on or off. Raise `NotFound` if there is none."""
    found = Connection.objects.select_related("customer").filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no connection {slug!r}.")
    return found


def connection_slugs(*, containing: str = "", limit: int | None = None) -> list[str]:
    """Return the slugs of connections, on or off, in order; those whose slug or name contains a text, at most ``limit``."""
    found = Connection.objects.order_by("slug")
    if containing:
        found = found.filter(Q(slug__icontains=containing) | Q(name__icontains=containing))
    return list(found.values_list("slug", flat=True)[:limit])


def connection_names(slugs: Collection[str]) -> dict[str, str]:
    """Return the names of these connections by slug, for users who do not know slugs. One query, or none."""
    return dict(Connection.objects.filter(slug__in=slugs).values_list("slug", "name")) if slugs else {}
