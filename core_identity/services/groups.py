"""Push groups: linked to the role with the same name if it is grantable, else waiting (R28-R30). They never create a role (R27)."""

from collections.abc import Callable, Collection
from typing import Final
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from core_identity.brand import BRAND
from core_identity.errors import InvalidValue, NameTaken, UnknownGroup
from core_identity.event_kinds import EventKind
from core_identity.keys import clean_name, key
from core_identity.models import Connection, ExpectedMember, Identity, PushGroup, PushGroupMember, Role
from core_identity.models.connection import UnknownGroup as UnknownGroupPolicy
from core_identity.selectors.group_rows import counted_group, is_named, locked_group
from core_identity.selectors.groups import reached_by, role_keys
from core_identity.services import events, row_writes
from core_identity.services.grants import add_grants, end_grants, relabel_grants, source_of
from core_identity.services.locks import lock_channel, lock_customer, require_enabled
from core_identity.services.members import give_role
from core_identity.services.membership import add_first_members, change_members, has_members
from core_identity.services.permissions import require_superuser_for_own_idp
from core_identity.services.transactions import in_one_transaction, recording_refusals
from core_identity.values import Actor, GroupChange

_CHANGED: Final = ("display_name", "name_key", "external_id", "version", "changed_at", "member_count")
Read = Callable[[PushGroup], GroupChange]
"""Returns the values of a message for the group as it is under the lock. May raise `IdentityError`."""


@recording_refusals
@in_one_transaction
@events.together()
def create_group(*, actor: Actor, connection: Connection, change: GroupChange) -> PushGroup:
    """Create a push group. Raises `NameTaken`, `UnknownGroup` or `InvalidValue`; then nothing is changed."""
    name = _group_name(change.display_name)
    lock_channel(connection)
    role = _reachable_role(connection, key(name))
    _require_welcome(connection, name, role)
    _require_free(connection, name)
    group = PushGroup.objects.create(
        connection=connection, display_name=name, name_key=key(name), external_id=_external_id(change), role=role
    )
    changes = {"display_name": (None, name), "role": (None, role.name if role else None)}
    events.record(actor=actor, kind=EventKind.GROUP_CREATED, subject=group, changes=changes)
    if add_first_members(actor=actor, group=group, change=change):
        row_writes.update(group, ["member_count"])
    return group


@recording_refusals
def change_group(*, actor: Actor, connection: Connection, scim_id: UUID, read: Read, whole: bool = False) -> PushGroup:
    """Change the name or the members. Raises `NotFound`, `NameTaken`, `UnknownGroup`, `InvalidValue`, or an error of ``read``.

    ``whole``: the message lists all members, so it probably changes nothing. It is compared first, and takes a lock only if it differs.
    """
    if whole:
        group, count = counted_group(connection, scim_id)
        if _changes_nothing(group, count, read(group)):
            return group
    return _change_group(actor=actor, connection=connection, scim_id=scim_id, read=read)


@in_one_transaction
@events.together()
def _change_group(*, actor: Actor, connection: Connection, scim_id: UUID, read: Read) -> PushGroup:
    lock_customer(connection.customer_id)
    group = _lock_group(connection, scim_id)
    change = read(group)
    changed = False
    if change.display_name is not None:
        changed = _rename(actor=actor, group=group, name=_group_name(change.display_name))
    external_id = _external_id(change)
    if change.external_id is not None and external_id != group.external_id:
        changes = {"external_id": (group.external_id, external_id)}
        events.record(actor=actor, kind=EventKind.GROUP_CHANGED, subject=group, changes=changes)
        group.external_id = external_id
        changed = True
    if change_members(actor=actor, group=group, change=change) or changed:
        group.version += 1
        group.changed_at = timezone.now()
        row_writes.write(updates=[(group, _CHANGED)], inserts=events.take_gathered())
    return group


@in_one_transaction
@events.together()
def remove_group(
    *, actor: Actor, connection: Connection, scim_id: UUID, check: Callable[[PushGroup], None] | None = None
) -> None:
    """End the memberships that came through the group, and nothing else (R30).

    ``check`` gets the group under the lock, and may raise an error to refuse the request. Raises `NotFound`.
    """
    lock_customer(connection.customer_id)
    group = _lock_group(connection, scim_id)
    if check is not None:
        check(group)
    _link(actor=actor, group=group, role=None)
    events.record(
        actor=actor, kind=EventKind.GROUP_DELETED, subject=group, changes={"display_name": (group.display_name, None)}
    )
    group.delete()


@in_one_transaction
def link_waiting(*, actor: Actor, role_id: UUID, group_ids: Collection[UUID]) -> int:
    """Link waiting groups to the role with their name after an administrator confirmed it (R29). Return how many were linked. No push is needed."""
    waiting = PushGroup.objects.filter(pk__in=group_ids, role__isnull=True)
    for customer_id in sorted(set(waiting.values_list("connection__customer_id", flat=True))):
        lock_customer(customer_id)
    role = Role.objects.select_for_update(no_key=True).get(pk=role_id)
    groups = list(waiting.select_related("connection").order_by("pk"))
    require_superuser_for_own_idp(actor, *(group.connection for group in groups))
    linked = 0
    for group in groups:
        if _reachable_role(group.connection, group.name_key) == role:
            _link(actor=actor, group=group, role=role)
            linked += 1
    return linked


def relink_groups(*, actor: Actor, groups: Collection[PushGroup]) -> None:
    """End the links of groups that their connection or role no longer permits. New links are never made here (R29)."""
    closed = [group for group in groups if group.role is not None and not _may_give(group.connection, group.role)]
    unlink_groups(actor=actor, groups=closed)


def unlink_groups(*, actor: Actor, groups: Collection[PushGroup]) -> None:
    """Let groups wait again, and end their grants."""
    for group in groups:
        _link(actor=actor, group=group, role=None)


def follow_identity(*, actor: Actor, identity: Identity) -> None:
    """Adjust the grants by push groups after an identity became or stopped being a SCIM resource. Memberships stay, grants do not (R29).

    Call this after making a resource of an identity, or moving one to another connection, because groups may already contain its id.
    """
    if not is_named(identity):
        return
    # The answer of each group has one member more, or one fewer.
    PushGroup.objects.filter(members__identity=identity).update(version=F("version") + 1)
    if not identity.is_resource:
        drop_grants(actor=actor, identity=identity)
        return
    _let_in(actor=actor, identity=identity)
    for group in _groups_of(identity).filter(connection=identity.connection):
        if group.role is not None:
            add_grants(actor=actor, source=source_of(group), role=group.role, user_ids=[identity.user_id])


def drop_grants(*, actor: Actor, identity: Identity) -> None:
    """End the grants that the push groups of an identity gave to its user."""
    for group in _groups_of(identity):
        if group.role is not None:
            end_grants(actor=actor, source=source_of(group), role=group.role, user_ids=[identity.user_id])


def _let_in(*, actor: Actor, identity: Identity) -> None:
    """Make an identity a member of the groups that expect its id, in its own connection only (R1, R29)."""
    expected = ExpectedMember.objects.filter(scim_id=identity.scim_id, group__connection=identity.connection)
    groups = list(PushGroup.objects.filter(expected__in=expected).select_related("connection"))
    if not groups:
        return
    expected.delete()
    PushGroupMember.objects.bulk_create(
        [PushGroupMember(group=group, identity=identity) for group in groups], ignore_conflicts=True
    )
    PushGroup.objects.filter(pk__in=[group.pk for group in groups]).update(
        version=F("version") + 1, changed_at=timezone.now(), member_count=F("member_count") + 1
    )
    changes = {"members_added": (None, 1), "members_expected": (1, None)}
    events.record_many(
        events.new_event(actor=actor, kind=EventKind.GROUP_MEMBERS_CHANGED, subject=group, changes=changes)
        for group in groups
    )


def _groups_of(identity: Identity) -> QuerySet[PushGroup]:
    return PushGroup.objects.filter(members__identity=identity).select_related("connection", "role")


def _group_name(display_name: str | None) -> str:
    name = clean_name(display_name or "", field="displayName")
    if not name:
        raise InvalidValue("displayName", "displayName is required and must not be empty.")
    return name


def _external_id(change: GroupChange) -> str:
    return clean_name(change.external_id or "", field="externalId")


def _lock_group(connection: Connection, scim_id: UUID) -> PushGroup:
    group = locked_group(connection, scim_id)
    require_enabled(group.connection)
    return group


def _may_give(connection: Connection, role: Role) -> bool:
    return connection.takes_push_groups and role.grantable_by.filter(pk=connection.pk).exists()


def _reachable_role(connection: Connection, name_key: str) -> Role | None:
    """Return the role that a group of this name reaches, locked against a change of its names at the same instant (R28)."""
    role = Role.objects.select_for_update(no_key=True).filter(reached_by([name_key])).first()
    # An alias may have been removed before this lock, so compare again.
    if role is None or name_key not in role_keys(role):
        return None
    return role if _may_give(connection, role) else None


def _require_welcome(connection: Connection, name: str, role: Role | None) -> None:
    if role is None and connection.unknown_group == UnknownGroupPolicy.REFUSE:
        raise UnknownGroup(
            f"{BRAND} has no role named {name!r} that this connection may give. Ask a {BRAND} administrator to create the role "
            "or to permit it for this connection, then push the group again."
        )


def _require_free(connection: Connection, name: str) -> None:
    if PushGroup.objects.filter(connection=connection, name_key=key(name)).exists():
        raise NameTaken(f"A group named {name!r} is already pushed by this connection.")


def _rename(*, actor: Actor, group: PushGroup, name: str) -> bool:
    """Rename a group. Its link moves to the role with the new name, or the group waits; old grants end in the same transaction (R28).

    If its present role also has the new name, as its own or as an alias, the link stays, so nobody loses a role.
    """
    if name == group.display_name:
        return False
    before = group.display_name
    if key(name) != group.name_key:
        role = _reachable_role(group.connection, key(name))
        _require_welcome(group.connection, name, role)
        _require_free(group.connection, name)
        if role != group.role:
            _link(actor=actor, group=group, role=None)
        group.display_name, group.name_key = name, key(name)
        _link(actor=actor, group=group, role=role)
    group.display_name, group.name_key = name, key(name)
    relabel_grants(source=source_of(group))
    events.record(actor=actor, kind=EventKind.GROUP_RENAMED, subject=group, changes={"display_name": (before, name)})
    return True


def _link(*, actor: Actor, group: PushGroup, role: Role | None) -> None:
    """Move the link of a group, and with it the grants of all its members."""
    if group.role == role:
        return
    before = group.role
    if before is not None:
        end_grants(actor=actor, source=source_of(group), role=before)
    group.role = role
    group.save(update_fields=["role", "display_name", "name_key"])
    changes = {"role": (before.name if before else None, role.name if role else None)}
    events.record(
        actor=actor, kind=EventKind.GROUP_LINKED if role else EventKind.GROUP_UNLINKED, subject=group, changes=changes
    )
    if role is not None:
        give_role(group, actor=actor)


def _changes_nothing(group: PushGroup, count: int, change: GroupChange) -> bool:
    """Return whether a group with ``count`` members and expected ids equals a message that contains the whole list."""
    if change.display_name is not None and _group_name(change.display_name) != group.display_name:
        return False
    if change.external_id is not None and _external_id(change) != group.external_id:
        return False
    return has_members(group, count, change)
