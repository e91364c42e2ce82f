"""Create, rename and delete roles (R27), and give them to users, as an administrator."""

from collections.abc import Collection, Mapping
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from core_identity.errors import InvalidValue, NameTaken, NotFound
from core_identity.event_kinds import EventKind
from core_identity.keys import clean_name, clean_text, key
from core_identity.models import Connection, Grant, PushGroup, Role, RoleAlias, User
from core_identity.selectors.groups import reached_by, role_keys
from core_identity.services import events
from core_identity.services.grants import Source, add_grants, end_grants, end_these
from core_identity.services.groups import relink_groups, unlink_groups
from core_identity.services.permissions import (
    require_superuser,
    require_superuser_for_own_idp,
    require_superuser_for_role,
)
from core_identity.services.sso_groups import end_sso_grants
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
    aliases: Collection[str] = (),
) -> Role:
    """Create a role. If ``grantable_by`` is None, a connection that is the only one is preset (R28). Raises `NameTaken`, `InvalidValue`.

    Push groups that wait for the name or an alias keep waiting until an administrator confirms them (`groups.link_waiting`, R29).
    """
    name = _free_name(name)
    if grantable_by is None:
        connections = list(Connection.objects.all()[:2])
        grantable_by = connections if len(connections) == 1 else []
    else:
        require_superuser_for_own_idp(actor, *grantable_by)
    others = {name_key: alias for name_key, alias in _clean_aliases(aliases).items() if name_key != key(name)}
    _require_free(others)
    role = Role.objects.create(
        name=name, name_key=key(name), description=description, marked_protected=marked_protected
    )
    _write_aliases(role, others)
    role.permissions.set(permissions)
    require_superuser_for_role(actor, role.pk)
    role.grantable_by.set(grantable_by)
    changes: dict[str, tuple[object, object]] = {
        "name": (None, name),
        "grantable_by": ([], [connection.slug for connection in grantable_by]),
        **({"aliases": ([], sorted(others.values()))} if others else {}),
    }
    events.record(actor=actor, kind=EventKind.ROLE_CREATED, subject=role, changes=changes)
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
    aliases: Collection[str] | None = None,
) -> Role:
    """Change the given fields; None keeps a field. A rename keeps the links of push groups (R28).

    Closing a role to a connection ends the links of its groups. Removing an alias ends those of groups with that name. Grants by SSO end likewise.

    Raises `NotFound`, `NameTaken`, `InvalidValue`.
    """
    role = _lock_role(role_id)
    require_superuser_for_role(actor, role_id)
    changes: dict[str, tuple[object, object]] = {}
    if name is not None and clean_name(name, field="name") != role.name:
        new = _free_name(name, but=role)
        changes["name"] = (role.name, new)
        role.name, role.name_key = new, key(new)
    before_aliases = {alias.name_key: alias.name for alias in role.aliases.all()}
    new_aliases = before_aliases if aliases is None else _clean_aliases(aliases)
    after_aliases = {name_key: alias for name_key, alias in new_aliases.items() if name_key != role.name_key}
    if after_aliases != before_aliases:
        _require_free(after_aliases, but=role)
        changes["aliases"] = (sorted(before_aliases.values()), sorted(after_aliases.values()))
        role.aliases.all().delete()  # before the role is saved: its new name may have been an alias
    for field, value in (("description", description), ("marked_protected", marked_protected)):
        if value is not None and value != getattr(role, field):
            changes[field] = (getattr(role, field), value)
            setattr(role, field, value)
    if permissions is not None:
        changes |= _set_permissions(role, permissions)
    if grantable_by is not None:
        changes |= _set_grantable_by(role, grantable_by, actor=actor)
    if changes:
        role.save()
        require_superuser_for_role(actor, role_id)
    if "aliases" in changes:
        _write_aliases(role, after_aliases)
        dropped = before_aliases.keys() - after_aliases.keys() - {role.name_key}
        unlink_groups(actor=actor, groups=_linked(role).filter(name_key__in=dropped))
        end_sso_grants(actor=actor, grants=Grant.objects.filter(role=role, key__in=dropped))
    if changes:
        events.record(actor=actor, kind=EventKind.ROLE_CHANGED, subject=role, changes=changes)
    return role


def _set_permissions(role: Role, permissions: Collection[Permission]) -> dict[str, tuple[object, object]]:
    """Replace the permissions of a role. Return the change, or nothing."""
    before = sorted(role.permissions.values_list("codename", flat=True))
    after = sorted(permission.codename for permission in permissions)
    role.permissions.set(permissions)
    return {"permissions": (before, after)} if before != after else {}


def _set_grantable_by(
    role: Role, grantable_by: Collection[Connection], *, actor: Actor
) -> dict[str, tuple[object, object]]:
    """Open and close a role to connections. End what a closed one gave. Return the change, or nothing."""
    former = set(role.grantable_by.all())
    require_superuser_for_own_idp(actor, *former.symmetric_difference(grantable_by))
    before, after = (sorted(connection.slug for connection in some) for some in (former, grantable_by))
    role.grantable_by.set(grantable_by)
    if before == after:
        return {}
    relink_groups(actor=actor, groups=_linked(role))
    end_sso_grants(actor=actor, grants=Grant.objects.filter(role=role).exclude(connection__in=grantable_by))
    return {"grantable_by": (before, after)}


@in_one_transaction
def delete_role(*, actor: Actor, role_id: UUID) -> None:
    """Delete a role and all its grants. Its push groups wait again. Raises `NotFound`."""
    role = _lock_role(role_id)
    require_superuser_for_role(actor, role_id)
    waiting = list(_linked(role))
    end_these(actor=actor, grants=Grant.objects.filter(role=role))
    PushGroup.objects.filter(role=role).update(role=None)
    changes = {
        "name": (role.name, None),
        "aliases": ([alias.name for alias in role.aliases.all()], []),
        "waiting_again": (None, [group.display_name for group in waiting]),
    }
    events.record_many(
        events.new_event(actor=actor, kind=EventKind.GROUP_UNLINKED, subject=group, changes={"role": (role.name, None)})
        for group in waiting
    )
    events.record(actor=actor, kind=EventKind.ROLE_DELETED, subject=role, changes=changes)
    role.delete()


@in_one_transaction
def grant_role(*, actor: Actor, user_id: UUID, role_id: UUID, reason: str) -> bool:
    """Give a role as an administrator, for a reason (R32). Return whether the grant is new.

    Raises `NotFound`, and `InvalidValue` without a reason.
    """
    reason = _reason(reason)
    role = _lock_role(role_id)
    user = User.objects.filter(pk=user_id, merged_into__isnull=True, erased_at__isnull=True).first()
    if user is None:
        raise NotFound("There is no such user.")
    _require_permission(actor, role, user)
    return bool(add_grants(actor=actor, source=BY_ADMIN, role=role, user_ids=[user_id], reason=reason))


@in_one_transaction
def revoke_role(*, actor: Actor, user_id: UUID, role_id: UUID, reason: str = "") -> bool:
    """End an administrator's grant. Grants by channels stay (R32). Return whether there was a grant. Raises `NotFound`."""
    role = _lock_role(role_id)
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such user.")
    _require_permission(actor, role, user)
    return bool(end_grants(actor=actor, source=BY_ADMIN, role=role, user_ids=[user_id], reason=reason))


def _reason(text: str) -> str:
    reason = clean_text(text, field="reason")
    if not reason:
        raise InvalidValue("reason", "Give a reason. It is stored in the events.")
    return reason


def _require_permission(actor: Actor, role: Role, user: User) -> None:
    require_superuser_for_role(actor, role.pk)
    require_superuser(actor, [user])


def _linked(role: Role) -> QuerySet[PushGroup]:
    return PushGroup.objects.filter(role=role).select_related("connection", "role")


def _lock_role(role_id: UUID) -> Role:
    role = Role.objects.select_for_update(no_key=True).filter(pk=role_id).first()
    if role is None:
        raise NotFound("There is no such role.")
    return role


def _free_name(name: str, *, but: Role | None = None) -> str:
    name = clean_name(name, field="name")
    if not name:
        raise InvalidValue("name", "A role needs a name.")
    _require_free({key(name): name}, but=but)
    return name


def _clean_aliases(aliases: Collection[str]) -> dict[str, str]:
    """Return aliases by their compared form, without empty ones."""
    names = [clean_name(alias, field="aliases") for alias in aliases]
    return {key(name): name for name in names if name}


def _require_free(names: Mapping[str, str], *, but: Role | None = None) -> None:
    """Raise `NameTaken` if one of ``names``, in compared form, belongs to another role (R28)."""
    others = Role.objects.exclude(pk=but.pk) if but else Role.objects.all()
    for role in others.filter(reached_by(names)).prefetch_related("aliases"):
        name = next(names[name_key] for name_key in role_keys(role) if name_key in names)
        if key(name) == role.name_key:
            raise NameTaken(f"A role named {name!r} exists already.")
        raise NameTaken(f"The role {role.name!r} has the alias {name!r}. A name belongs to one role only.")


def _write_aliases(role: Role, aliases: Mapping[str, str]) -> None:
    RoleAlias.objects.bulk_create(RoleAlias(role=role, name=name, name_key=key) for key, name in aliases.items())
