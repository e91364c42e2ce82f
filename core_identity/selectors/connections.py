"""Connections by their slug or key."""

from uuid import UUID

from core_identity.errors import NotFound
from core_identity.models import (
    Connection,
)


def live_connection_by_id(connection_id: UUID) -> Connection:
    """Return this connection; `NotFound` where there is none or it is switched off (R1a)."""
    found = Connection.objects.filter(pk=connection_id, enabled=True).first()
    if found is None:
        raise NotFound("There is no such connection.")
    return found


def connection_by_slug(slug: str) -> Connection:
    """Return the connection of this slug, on or off; `NotFound` where there is none."""
    found = Connection.objects.select_related("customer").filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no connection {slug!r}.")
    return found


def connection_slugs() -> list[str]:
    """Return the slugs of all connections, on or off, in order."""
    return list(Connection.objects.order_by("slug").values_list("slug", flat=True))
