"""Read the roles of users with their sources, and the grants that have an effect (R32, R33)."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, UUIDField

from core_identity.compiled import Compiled, Given
from core_identity.models import (
    Grant,
    Role,
    User,
)
from core_identity.values import Channel

PROTECTING_APPS = ("core_identity", "sso", "scim", "oauth2_provider", "auth", "admin", "sessions", "contenttypes")
"""A role with a permission on any of these apps is protected, marked or not (R33)."""


@dataclass(frozen=True, slots=True)
class SourceShown:
    """The source of a grant. ``connection`` is a slug, and ``push_group`` the name of a group of either channel.

    ``since`` is aware. Only a grant by an administrator has ``given_by`` and ``reason``.
    """

    channel: str
    connection: str | None = None
    push_group: str | None = None
    since: datetime | None = None
    given_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RoleHeld:
    """A role with its sources. ``effective`` is False if the role is protected and only channels gave it (R33)."""

    name: str
    effective: bool
    sources: tuple[SourceShown, ...]
    id: UUID | None = None


def protected_roles() -> QuerySet[Role]:
    """Return the roles that no channel can give: marked roles, and roles with a permission on an app of `PROTECTING_APPS` (R33)."""
    touching = Role.permissions.through.objects.filter(
        role_id=OuterRef("pk"), permission__content_type__app_label__in=PROTECTING_APPS
    )
    return Role.objects.filter(Q(marked_protected=True) | Exists(touching))


def effective_grants() -> QuerySet[Grant]:
    """Return the grants with an effect: all grants of administrators, and grants of channels if the role is not protected (R33)."""
    return Grant.objects.filter(Q(channel=Channel.ADMIN.value) | ~Q(role__in=protected_roles().values("pk")))


_HELD: Final = Compiled(
    lambda: (
        Grant.objects.filter(user=Given("user", UUIDField()))
        .select_related("role", "connection")
        .annotate(effective=Exists(effective_grants().filter(pk=OuterRef("pk"))))
        .order_by("role__name_key", "created_at")
    )
)


def roles_of(user: User) -> list[RoleHeld]:
    """Return the roles of a user by name, each with all its sources (R32). One query."""
    sources: dict[str, list[SourceShown]] = defaultdict(list)
    ids: dict[str, UUID] = {}
    counts: dict[str, bool] = defaultdict(bool)
    for grant in _HELD.rows(user=user.pk):
        slug = grant.connection.slug if grant.connection else None
        shown = SourceShown(grant.channel, slug, grant.label or None, grant.created_at, grant.given_by, grant.reason)
        sources[grant.role.name].append(shown)
        ids[grant.role.name] = grant.role_id
        counts[grant.role.name] |= grant.effective  # type: ignore[attr-defined]  # annotated
    return [RoleHeld(name, counts[name], tuple(found), ids[name]) for name, found in sources.items()]


def role_values(user: User) -> list[dict[str, Any]]:
    """Return the effective roles of a user with all their sources, as plain JSON values (R32). One query."""
    return [
        {
            "name": role.name,
            "sources": [
                {"channel": source.channel, "connection": source.connection, "push_group": source.push_group}
                for source in role.sources
            ],
        }
        for role in roles_of(user)
        if role.effective
    ]
