"""The reads. Nothing here writes or decides."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from core_identity.errors import Ambiguous, NotFound
from core_identity.keys import key
from core_identity.models import (
    Connection,
    Event,
    Grant,
    Identity,
    IdentityUid,
    PushGroup,
    PushGroupMember,
    Role,
    User,
)
from core_identity.policy.expiry import SNAPSHOT, Standing
from core_identity.values import Channel

PROTECTING_APPS = ("core_identity", "sso", "scim", "oauth2_provider", "auth", "admin", "sessions", "contenttypes")
"""A role that may touch any of these is protected, marked or not (R33)."""


# Connections


def live_connection(slug: str) -> Connection:
    """Return the connection of this slug; `NotFound` where there is none or it is switched off (R1a)."""
    return _live(Connection.objects.filter(slug=slug))


def live_connection_by_id(connection_id: UUID) -> Connection:
    """Return this connection; `NotFound` where there is none or it is switched off (R1a)."""
    return _live(Connection.objects.filter(pk=connection_id))


def connection_by_slug(slug: str) -> Connection:
    """Return the connection of this slug, on or off; `NotFound` where there is none."""
    found = Connection.objects.select_related("customer").filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no connection {slug!r}.")
    return found


def _live(connections: QuerySet[Connection]) -> Connection:
    found = connections.filter(enabled=True).first()
    if found is None:
        raise NotFound("There is no such connection.")
    return found


# What SCIM sees


def scim_identities(connection: Connection) -> QuerySet[Identity]:
    """Return the identities that are SCIM resources of a connection, in a stable order (R8a)."""
    return Identity.objects.filter(Identity.RESOURCE, connection=connection).order_by("created_at", "id")


def with_rendering(identities: QuerySet[Identity]) -> QuerySet[Identity]:
    """Add what an answer shows: the user, ``current_uids`` and ``groups_shown``. Two queries more, whatever the number of rows."""
    return identities.select_related("user").prefetch_related(
        Prefetch("uids", queryset=IdentityUid.objects.filter(current=True), to_attr="current_uids"),
        Prefetch(
            "memberships",
            queryset=PushGroupMember.objects.select_related("group").order_by("pk"),
            to_attr="groups_shown",
        ),
    )


def scim_identity(connection: Connection, scim_id: UUID) -> Identity:
    """Return one SCIM resource with what its answer shows; `NotFound` also for one of another connection."""
    found = with_rendering(scim_identities(connection)).filter(scim_id=scim_id).first()
    if found is None:
        raise NotFound(f"There is no user with the id {scim_id} in this connection.")
    return found


def push_groups(connection: Connection) -> QuerySet[PushGroup]:
    """Return the push groups of a connection, in a stable order."""
    return PushGroup.objects.filter(connection=connection).order_by("created_at", "id")


def push_group(connection: Connection, scim_id: UUID) -> PushGroup:
    """Return one push group; `NotFound` also for one of another connection."""
    found = push_groups(connection).filter(scim_id=scim_id).first()
    if found is None:
        raise NotFound(f"There is no group with the id {scim_id} in this connection.")
    return found


def group_members(group_ids: Collection[UUID]) -> Mapping[UUID, list[tuple[UUID, str]]]:
    """Return per group (primary key) its members as (SCIM id, name to show): live SCIM resources only. One query."""
    members: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
    resources = Identity.objects.filter(Identity.RESOURCE)
    rows = PushGroupMember.objects.filter(group_id__in=group_ids, identity__in=resources).order_by("pk")
    for group_id, scim_id, name in rows.values_list("group_id", "identity__scim_id", "identity__user_name"):
        members[group_id].append((scim_id, name))
    return members


# Roles


@dataclass(frozen=True, slots=True)
class SourceShown:
    """By which way a role is held; ``connection`` is a slug, ``push_group`` a group's name (of either channel)."""

    channel: str
    connection: str | None = None
    push_group: str | None = None


@dataclass(frozen=True, slots=True)
class RoleHeld:
    """A role with its sources; ``effective`` is False where it is protected and only channels gave it (R33)."""

    name: str
    effective: bool
    sources: tuple[SourceShown, ...]


def protected_roles() -> QuerySet[Role]:
    """Return roles that no channel can give: marked, or holding a permission on what protects the rest (R33)."""
    touching = Role.permissions.through.objects.filter(
        role_id=OuterRef("pk"), permission__content_type__app_label__in=PROTECTING_APPS
    )
    return Role.objects.filter(Q(marked_protected=True) | Exists(touching))


def effective_grants() -> QuerySet[Grant]:
    """Return the grants that count: those of administrators, and those of channels where the role is not protected (R33)."""
    return Grant.objects.filter(Q(channel=Channel.ADMIN.value) | ~Q(role__in=protected_roles().values("pk")))


def roles_of(user: User) -> list[RoleHeld]:
    """Return the roles of a user by name, each with all its sources (R32). Two queries."""
    effective = set(effective_grants().filter(user=user).values_list("pk", flat=True))
    sources: dict[str, list[SourceShown]] = defaultdict(list)
    counts: dict[str, bool] = defaultdict(bool)
    for grant in (
        Grant.objects.filter(user=user).select_related("role", "connection").order_by("role__name_key", "created_at")
    ):
        slug = grant.connection.slug if grant.connection else None
        sources[grant.role.name].append(SourceShown(grant.channel, slug, grant.label or None))
        counts[grant.role.name] |= grant.pk in effective
    return [RoleHeld(name, counts[name], tuple(found)) for name, found in sources.items()]


# Users


def standing_of(identity: Identity) -> Standing:
    """Return what the gate looks at for a sign-in or session by ``identity`` (its user and connection loaded)."""
    user, connection = identity.user, identity.connection
    return Standing(
        expired=user.expired_at is not None,
        staff=user.is_staff or user.is_superuser,
        identity_active=identity.active and identity.deleted_at is None,
        connection_enabled=connection.enabled,
        own_idp=connection.own_idp,
    )


def status_of(user: User) -> str:
    """Return merged (R11), expired, inactive (every IdP that knows the user calls them inactive, R25) or active."""
    if user.merged_into_id is not None:
        return "merged"
    if user.expired_at is not None:
        return "expired"
    words = [identity.active and identity.deleted_at is None for identity in user.identities.all()]
    return "active" if not words or any(words) else "inactive"


def guarded_users() -> QuerySet[User]:
    """Return whom only a superuser may touch: staff, superusers, and who holds a protected role by an administrator (R11, R33)."""
    holders = effective_grants().filter(role__in=protected_roles().values("pk")).values("user_id")
    return User.objects.filter(Q(is_staff=True) | Q(is_superuser=True) | Q(pk__in=holders))


def break_glass_users() -> QuerySet[User]:
    """Return the superusers whom no channel reaches: they have a password and no identity, and can sign in (R26)."""
    superusers = User.objects.filter(is_superuser=True, is_staff=True, expired_at__isnull=True, identities__isnull=True)
    return superusers.exclude(Q(password="") | Q(password__startswith=UNUSABLE_PASSWORD_PREFIX))


def user_summary(user: User) -> dict[str, Any]:
    """Return who a user is, as plain JSON values."""
    return {
        "id": str(user.pk),
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "status": status_of(user),
    }


def changed_since_expiry(user: User) -> list[tuple[str, str, str, str]]:
    """Return what the IdPs changed since a user was expired: (connection slug, name, then, now), names as compared (R24)."""
    return changes_since_expiry(user, user.identities.select_related("connection").prefetch_related("uids"))


def changes_since_expiry(user: User, identities: Iterable[Identity]) -> list[tuple[str, str, str, str]]:
    """As `changed_since_expiry`, from identities that the caller has loaded with connection and UIDs."""
    then = {said.get("identity"): said for said in user.expired_snapshot}
    changed = []
    for identity in identities:
        now = {
            "uid": next((uid.uid_key for uid in identity.uids.all() if uid.current), None),
            "external_id": identity.external_id,
            "user_name": identity.user_name_key,
            "email": identity.email_key,
        }
        before = then.get(str(identity.pk), {})
        changed += [
            (identity.connection.slug, name, before.get(name) or "", now[name] or "")
            for name in SNAPSHOT
            if (before.get(name) or "") != (now[name] or "")
        ]
    return changed


def events_of(user: User) -> QuerySet[Event]:
    """Return the events of a user and of everybody who was merged into them (R11), newest first."""
    return Event.objects.filter(user_id__in=[user.pk, *user.tombstones.values_list("pk", flat=True)])


def story(user: User, *, events: int | None = 100) -> dict[str, Any]:
    """Return the whole story of a user as plain JSON values (R36); the newest ``events`` events, all of them where None."""
    expired = None
    if user.expired_at is not None:
        expired = {
            "at": user.expired_at.isoformat(),
            "by": user.expired_by,
            "channel": user.expired_channel,
            "reason": user.expired_reason,
        }
    told = events_of(user)
    return {
        **user_summary(user),
        "expired": expired,
        "merged_into": str(user.merged_into_id) if user.merged_into_id else None,
        "identities": [_identity_told(identity) for identity in user.identities.select_related("connection")],
        "roles": [
            {
                "name": held.name,
                "sources": [
                    {"channel": source.channel, "connection": source.connection, "push_group": source.push_group}
                    for source in held.sources
                ],
            }
            for held in roles_of(user)
            if held.effective
        ],
        "events": [
            {
                "at": event.at.isoformat(),
                "kind": event.kind,
                "channel": event.channel,
                "actor": event.actor,
                "changes": event.changes,
                "reason": event.reason,
                "reference": event.request_id,
            }
            for event in (told if events is None else told[:events])
        ],
    }


def _identity_told(identity: Identity) -> dict[str, Any]:
    uid = identity.uids.filter(current=True).first()
    return {
        "connection": identity.connection.slug,
        "uid": uid.uid if uid else None,
        "uid_derived": bool(uid and uid.derived),
        "user_name": identity.user_name or None,
        "external_id": identity.external_id,
        "scim_id": str(identity.scim_id) if identity.pushed_at else None,
        "active": identity.active,
        "deleted": identity.deleted_at is not None,
    }


def uid_row(connection: Connection, uid: str) -> IdentityUid:
    """Return the row of a UID, current or former; `NotFound` where nobody of the connection has it (R5)."""
    row = IdentityUid.objects.filter(connection=connection, uid_key=key(uid)).select_related("identity__user").first()
    if row is None:
        raise NotFound(f"Nobody in {connection} has or had the UID {uid!r}.")
    return row


def find_user(wanted: str, *, connection: Connection | None = None) -> User:
    """Return the one user with this UID, userName, username, email, id or SCIM id, within ``connection`` if given.

    Raises `NotFound`, and `Ambiguous` where it fits more than one.
    """
    name = key(wanted)
    users = User.objects.filter(merged_into__isnull=True)
    by_identity = Q(user_name_key=name) | Q(uids__uid_key=name)
    whom = Q(username_key=name) | Q(email_key=name) | Q(tombstones__username_key=name)
    try:
        exact = UUID(wanted)
    except ValueError:
        pass
    else:
        by_identity |= Q(scim_id=exact)
        whom |= Q(pk=exact) | Q(tombstones=exact)
    identities = Identity.objects.filter(by_identity)
    if connection is not None:
        identities = identities.filter(connection=connection)
        users = users.filter(identities__connection=connection)
    found = list(users.filter(whom | Q(identities__in=identities)).distinct()[:2])
    if not found:
        raise NotFound(f"There is no user known as {wanted!r}.")
    if len(found) > 1:
        raise Ambiguous(f"More than one user is known as {wanted!r}. Use --connection SLUG, or the id.")
    return found[0]
