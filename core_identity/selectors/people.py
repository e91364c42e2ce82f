"""The people and groups of rows of the logs, a few statements for a whole page (R35)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from core_identity.keys import key
from core_identity.models import Conflict, Event, Identity, PushGroup, User
from core_identity.models.conflict import ConflictState
from core_identity.models.event import REFUSED_KINDS


@dataclass(frozen=True, slots=True)
class Named:
    """A user or a push group behind an id. ``user_id`` is None for a group, and the last two are None for a user."""

    name: str
    detail: str
    user_id: UUID | None = None
    connection_id: UUID | None = None
    group_id: UUID | None = None


def named_resources(scim_ids: Collection[UUID]) -> dict[UUID, Named]:
    """Return the users and push groups with these SCIM ids. Two statements, or none."""
    if not scim_ids:
        return {}
    identities = Identity.objects.filter(scim_id__in=scim_ids).select_related("user").order_by()
    found = {one.scim_id: _named(one.user) for one in identities}
    groups = PushGroup.objects.filter(scim_id__in=set(scim_ids) - set(found)).select_related("role").order_by()
    for group in groups:
        detail = f"gives the role {group.role}" if group.role else "waits for a role"
        found[group.scim_id] = Named(group.display_name, detail, connection_id=group.connection_id, group_id=group.pk)
    return found


def named_users(user_ids: Iterable[UUID | None], *, without_expired: bool = False) -> dict[UUID, Named]:
    """Return the users with these ids, or only those who are not expired. One statement, or none."""
    ids = {one for one in user_ids if one is not None}
    if not ids:
        return {}
    users = User.objects.filter(pk__in=ids).order_by()
    return {user.pk: _named(user) for user in (users.filter(expired_at=None) if without_expired else users)}


def conflict_of_request(reference: str) -> Conflict | None:
    """Return the conflict that a refused request opened or met again; its event names it. Two statements."""
    refused = Event.objects.filter(request_id=reference, kind__in=REFUSED_KINDS).values_list("changes", flat=True)[:10]
    ids = [pair[1] for changes in refused if (pair := changes.get("conflict"))]
    return Conflict.objects.filter(pk__in=ids).select_related("other", "connection").first() if ids else None


def is_open(conflict: Conflict) -> bool:
    return conflict.state == ConflictState.OPEN


def user_called(connection_id: UUID, name: str) -> Named | None:
    """Return the user whom a connection knows by this userName, NameID or email now. One statement, or none."""
    if not name.strip():
        return None
    name_key = key(name)
    fits = Q(user_name_key=name_key) | (Q(name_id_key=name_key) & ~Q(name_id_key="")) | Q(email_key=name_key)
    identity = (
        Identity.objects.filter(fits, connection=connection_id).select_related("user").order_by("-active").first()
    )
    return _named(identity.user) if identity else None


def _named(user: User) -> Named:
    full = " ".join(part for part in (user.first_name, user.last_name) if part)
    return Named(full or user.username, user.username if full else "", user.pk)
