"""Roles are made, renamed and deleted by administrators only (R27); here is also what an administrator or an assertion grants."""

from collections.abc import Collection
from uuid import UUID

from django.contrib.auth.models import Permission

from core_identity.errors import InvalidValue, NameTaken, NotFound
from core_identity.keys import MAX_NAME, clean_name, key
from core_identity.models import Connection, Grant, PushGroup, Role, User
from core_identity.services import events
from core_identity.services.grants import Source, add_grants, end_grants
from core_identity.services.groups import relink_groups
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor, Channel

BY_ADMIN = Source(Channel.ADMIN)


@in_one_transaction
def create_role(
    *,
    actor: Actor,
    name: str,
    description: str = "",
    marked_protected: bool = False,
    permissions: Collection[Permission] = (),
    grantable_by: Collection[Connection] | None = None,
) -> Role:
    """Make a role. ``grantable_by`` None presets it where only one connection exists (R28). Raises `NameTaken`, `InvalidValue`.

    Push groups that wait for the name keep waiting until they are confirmed: see `core_identity.services.groups.link_waiting` (R29).
    """
    name = _free_name(name)
    if grantable_by is None:
        connections = list(Connection.objects.all()[:2])
        grantable_by = connections if len(connections) == 1 else []
    role = Role.objects.create(
        name=name, name_key=key(name), description=description, marked_protected=marked_protected
    )
    role.permissions.set(permissions)
    role.grantable_by.set(grantable_by)
    told: dict[str, tuple[object, object]] = {
        "name": (None, name),
        "grantable_by": ([], [connection.slug for connection in grantable_by]),
    }
    events.record(actor=actor, kind="role.created", subject=role, changes=told)
    return role


@in_one_transaction
def change_role(
    *,
    actor: Actor,
    role_id: UUID,
    name: str | None = None,
    description: str | None = None,
    marked_protected: bool | None = None,
    permissions: Collection[Permission] | None = None,
    grantable_by: Collection[Connection] | None = None,
) -> Role:
    """Change what is given; None leaves as it is. A rename keeps the links of push groups (R28); closing a role to a connection ends them.

    Raises `NotFound`, `NameTaken`, `InvalidValue`.
    """
    role = _locked(role_id)
    changes: dict[str, tuple[object, object]] = {}
    if name is not None and clean_name(name, field="name") != role.name:
        new = _free_name(name, but=role)
        changes["name"] = (role.name, new)
        role.name, role.name_key = new, key(new)
    for field, value in (("description", description), ("marked_protected", marked_protected)):
        if value is not None and value != getattr(role, field):
            changes[field] = (getattr(role, field), value)
            setattr(role, field, value)
    if permissions is not None:
        held = sorted(role.permissions.values_list("codename", flat=True))
        wished = sorted(permission.codename for permission in permissions)
        if held != wished:
            changes["permissions"] = (held, wished)
        role.permissions.set(permissions)
    if grantable_by is not None:
        before = sorted(role.grantable_by.values_list("slug", flat=True))
        after = sorted(connection.slug for connection in grantable_by)
        role.grantable_by.set(grantable_by)
        if before != after:
            changes["grantable_by"] = (before, after)
            relink_groups(actor=actor, groups=_linked(role))
            _end_closed_sso_grants(actor=actor, role=role, open_to=grantable_by)
    if changes:
        role.save()
        events.record(actor=actor, kind="role.changed", subject=role, changes=changes)
    return role


@in_one_transaction
def delete_role(*, actor: Actor, role_id: UUID) -> None:
    """Delete a role with every hold on it; its push groups wait again. Raises `NotFound`."""
    role = _locked(role_id)
    waiting = [group.display_name for group in _linked(role)]
    holders = list(Grant.objects.filter(role=role).values_list("user_id", flat=True).distinct())
    Grant.objects.filter(role=role).delete()
    PushGroup.objects.filter(role=role).update(role=None)
    told = {"name": (role.name, None), "waiting_again": (None, waiting)}
    events.record(actor=actor, kind="role.deleted", subject=role, changes=told)
    events.record_many(
        {
            "actor": actor,
            "kind": "grant.removed",
            "subject": role,
            "user_id": holder,
            "changes": {"role": (role.name, None)},
        }
        for holder in holders
    )
    role.delete()


@in_one_transaction
def grant_role(*, actor: Actor, user_id: UUID, role_id: UUID) -> bool:
    """Let an administrator give a role; return whether that is new. Raises `NotFound`."""
    role = _locked(role_id)
    if not User.objects.filter(pk=user_id, merged_into__isnull=True).exists():
        raise NotFound("There is no such user.")
    return bool(add_grants(actor=actor, source=BY_ADMIN, role=role, user_ids=[user_id]))


@in_one_transaction
def revoke_role(*, actor: Actor, user_id: UUID, role_id: UUID) -> bool:
    """End what an administrator gave; what a channel gives stays (R32). Return whether there was anything. Raises `NotFound`."""
    return bool(end_grants(actor=actor, source=BY_ADMIN, role=_locked(role_id), user_ids=[user_id]))


def follow_sso_groups(*, actor: Actor, connection: Connection, user_id: UUID, names: Collection[str] | None) -> None:
    """Let a user's grants by SSO follow the groups of the assertion: it says all of them, and an absent attribute says none (R31).

    Where the connection does not take roles from SSO the attribute is not read and the grants that came by it end.
    """
    said: dict[str, str] = {}
    if connection.takes_sso_groups:
        said = {key(name): name.strip()[:MAX_NAME] for name in names or () if len(key(name)) <= MAX_NAME}
    reached = {role.name_key: role for role in Role.objects.filter(grantable_by=connection, name_key__in=said)}
    held = Grant.objects.filter(user_id=user_id, channel=Channel.SSO.value, connection=connection).select_related(
        "role"
    )
    for grant in held:
        if grant.key not in reached or reached[grant.key] != grant.role:
            source = Source(Channel.SSO, connection, grant.key, grant.label)
            end_grants(actor=actor, source=source, role=grant.role, user_ids=[user_id])
    for name_key, role in reached.items():
        source = Source(Channel.SSO, connection, name_key, said[name_key])
        add_grants(actor=actor, source=source, role=role, user_ids=[user_id])


def _end_closed_sso_grants(*, actor: Actor, role: Role, open_to: Collection[Connection]) -> None:
    closed = Grant.objects.filter(role=role, channel=Channel.SSO.value).exclude(connection__in=open_to)
    for grant in closed.select_related("connection"):
        source = Source(Channel.SSO, grant.connection, grant.key, grant.label)
        end_grants(actor=actor, source=source, role=role, user_ids=[grant.user_id])


def _linked(role: Role) -> Collection[PushGroup]:
    return PushGroup.objects.filter(role=role).select_related("connection", "role")


def _locked(role_id: UUID) -> Role:
    role = Role.objects.select_for_update(no_key=True).filter(pk=role_id).first()
    if role is None:
        raise NotFound("There is no such role.")
    return role


def _free_name(name: str, *, but: Role | None = None) -> str:
    name = clean_name(name, field="name")
    if not name:
        raise InvalidValue("name", "A role needs a name.")
    if Role.objects.filter(name_key=key(name)).exclude(pk__in=[but.pk] if but else []).exists():
        raise NameTaken(f"A role named {name!r} exists already.")
    return name
