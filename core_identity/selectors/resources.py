"""Read the people and groups of one connection that SCIM shows (R1)."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from core_identity.errors import NotFound
from core_identity.models import (
    Connection,
    Identity,
    IdentityUid,
    PushGroup,
    PushGroupMember,
)
from core_identity.selectors.rows import Key, ResourceRow, with_key


def scim_identities(connection: Connection) -> QuerySet[Identity]:
    """Return the identities that are SCIM resources of a connection, in a stable order (R8a)."""
    return Identity.objects.filter(Identity.RESOURCE, connection=connection).order_by("created_at", "id")


def scim_identity(connection: Connection, scim_id: UUID) -> ResourceRow:
    """Return one SCIM resource as its answer shows it. Raise `NotFound` also for a resource of another connection."""
    found = with_key(connection, Key.SCIM_ID, scim_id)
    if found is None:
        raise NotFound(f"There is no user with the id {scim_id} in this connection.")
    return found


def has_active(connection: Connection, scim_ids: Collection[UUID]) -> bool:
    """Whether at least one of these SCIM resources is active."""
    return scim_identities(connection).filter(scim_id__in=scim_ids, active=True).exists()


def shown_uids(connection: Connection) -> QuerySet[IdentityUid]:
    """Return the UIDs that an answer shows: current, and sent by the IdP rather than derived (R6)."""
    return IdentityUid.objects.filter(connection=connection, current=True, derived=False).order_by()


def push_groups(connection: Connection) -> QuerySet[PushGroup]:
    """Return the push groups of a connection, in a stable order."""
    return PushGroup.objects.filter(connection=connection).order_by("created_at", "id")


def memberships(connection: Connection) -> QuerySet[PushGroupMember]:
    """Return the memberships of a connection's groups, only of live SCIM resources."""
    people = Identity.objects.filter(Identity.RESOURCE, connection=connection)
    return PushGroupMember.objects.filter(group__connection=connection, identity__in=people)
