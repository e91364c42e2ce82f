"""Create and change connections, and switch them on and off. They are never deleted (R1, R1a, R3)."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import F, Q

from core_identity.brand import BRAND
from core_identity.errors import InvalidValue, Locked, NameTaken
from core_identity.event_kinds import EventKind
from core_identity.keys import clean_name, clean_text
from core_identity.models import Connection, Customer, Grant, Identity, PushGroup, Role
from core_identity.models.connection import UidRule
from core_identity.selectors.groups import role_keys
from core_identity.services import events
from core_identity.services.groups import link_waiting, relink_groups
from core_identity.services.locks import lock_connection, lock_customer
from core_identity.services.permissions import require_superuser_for_own_idp
from core_identity.services.sso_groups import end_sso_grants
from core_identity.services.transactions import in_one_transaction
from core_identity.signals import connection_switched_off
from core_identity.values import Actor

SETTINGS: Final = frozenset(
    {
        "name",
        "uid_attribute",
        "uid_rule",
        "uid_mark",
        "uid_required_in_scim",
        "external_id_may_change",
        "sso_creates_users",
        "own_idp",
        "roles_from",
        "overage_days",
        "unknown_group",
        "reactivation",
    }
)
LOCKED_WITH_IDENTITIES: Final = frozenset({"uid_attribute", "uid_rule"})
"""R3: locked once an identity exists, because a change would mix up people. A re-key may change them."""


@in_one_transaction
def create_connection(*, actor: Actor, customer: Customer, slug: str, name: str, **settings: Any) -> Connection:
    """Create a connection. ``settings`` are those of `SETTINGS`. Raises `NameTaken`, `InvalidValue`."""
    if Connection.objects.filter(slug=slug).exists():
        raise NameTaken(f"A connection with the slug {slug!r} exists already.")
    connection = Connection(customer=customer, slug=slug, name=clean_name(name, field="name"))
    changes = _set(connection, settings)
    require_superuser_for_own_idp(actor, connection)
    connection.save(force_insert=True)
    changes["slug"] = (None, slug)
    events.record(actor=actor, kind=EventKind.CONNECTION_CREATED, subject=connection, changes=changes)
    return connection


@in_one_transaction
def change_connection(*, actor: Actor, connection_id: UUID, **settings: Any) -> Connection:
    """Change settings. Raises `NotFound`, `InvalidValue`, and `Locked` for those that R3 freezes."""
    connection = lock_connection(connection_id)
    require_superuser_for_own_idp(actor, connection)
    changes = _set(connection, settings)
    require_superuser_for_own_idp(actor, connection)
    frozen = sorted(LOCKED_WITH_IDENTITIES & set(changes))
    if frozen and Identity.objects.filter(connection=connection).exists():
        raise Locked(
            f"{', '.join(frozen)} cannot change any more, because this connection already has people. "
            f"{BRAND} could not recognise them after a change."
        )
    if changes:
        connection.save()
        events.record(actor=actor, kind=EventKind.CONNECTION_CHANGED, subject=connection, changes=changes)
        if "roles_from" in changes:
            linked = PushGroup.objects.filter(connection=connection, role__isnull=False)
            relink_groups(actor=actor, groups=linked.select_related("connection", "role"))
            if not connection.takes_sso_groups:
                end_sso_grants(actor=actor, grants=Grant.objects.filter(connection=connection))
    return connection


@in_one_transaction
def set_external_id_may_change(*, actor: Actor, connection_id: UUID, permitted: bool, reason: str) -> Connection:
    """Decide whether the IdP may change the externalId of a person whose UID and userName stay (R8a).

    Raises `NotFound`. Raises `InvalidValue` unless the UID rule is *other*, because the UID and the names change together under other rules.
    """
    connection = lock_connection(connection_id)
    require_superuser_for_own_idp(actor, connection)
    changes = _set(connection, {"external_id_may_change": permitted})
    if changes:
        connection.save(update_fields=["external_id_may_change"])
        events.record(
            actor=actor,
            kind=EventKind.CONNECTION_CHANGED,
            subject=connection,
            changes=changes,
            reason=clean_text(reason, field="reason"),
        )
    return connection


@in_one_transaction
def set_grantable_roles(
    *, actor: Actor, connection: Connection, roles: Collection[Role], confirm_waiting: bool
) -> None:
    """Decide which roles the groups of a connection may give (R28). ``confirm_waiting`` links the groups that wait for them (R29)."""
    require_superuser_for_own_idp(actor, connection)
    lock_customer(connection.customer_id)
    _lock_roles(Q(grantable_by=connection) | Q(pk__in=[role.pk for role in roles]))
    before = set(connection.grantable_roles.values_list("name", flat=True))
    after = {role.name for role in roles}
    connection.grantable_roles.set(roles)
    if before != after:
        changes = {"grantable_roles": (sorted(before), sorted(after))}
        events.record(actor=actor, kind=EventKind.CONNECTION_CHANGED, subject=connection, changes=changes)
    linked = PushGroup.objects.filter(connection=connection, role__isnull=False)
    relink_groups(actor=actor, groups=linked.select_related("connection", "role"))
    end_sso_grants(actor=actor, grants=Grant.objects.filter(connection=connection).exclude(role__in=roles))
    if confirm_waiting:
        for role in roles:
            waiting = PushGroup.objects.filter(connection=connection, role__isnull=True, name_key__in=role_keys(role))
            link_waiting(actor=actor, role_id=role.pk, group_ids=list(waiting.values_list("pk", flat=True)))


@in_one_transaction
def switch_off(*, actor: Actor, connection_id: UUID, reason: str) -> Connection:
    """Refuse both channels, and end sessions, tokens, codes and set-up links permanently (R1a). Identities and UIDs stay.

    Raises `NotFound`.
    """
    return _switch(actor=actor, connection_id=connection_id, enabled=False, reason=reason)


@in_one_transaction
def switch_on(*, actor: Actor, connection_id: UUID, reason: str) -> Connection:
    """Open both channels again. Sessions and tokens that ended stay ended. Raises `NotFound`."""
    return _switch(actor=actor, connection_id=connection_id, enabled=True, reason=reason)


def _switch(*, actor: Actor, connection_id: UUID, enabled: bool, reason: str) -> Connection:
    connection = lock_connection(connection_id)
    require_superuser_for_own_idp(actor, connection)
    if connection.enabled == enabled:
        return connection
    connection.enabled = enabled
    connection.save(update_fields=["enabled"])
    if not enabled:
        lock_customer(connection.customer_id)
        Identity.objects.filter(connection=connection).update(session_epoch=F("session_epoch") + 1)
        connection_switched_off.send(Connection, connection=connection, actor=actor)
    kind = EventKind.CONNECTION_ON if enabled else EventKind.CONNECTION_OFF
    events.record(
        actor=actor, kind=kind, subject=connection, changes={"enabled": (not enabled, enabled)}, reason=reason
    )
    return connection


def _set(connection: Connection, settings: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    changes: dict[str, tuple[object, object]] = {}
    for field, value in settings.items():
        if field not in SETTINGS:
            raise InvalidValue(field, f"{field} is not a setting of a connection.")
        if field in {"name", "uid_attribute"}:
            value = clean_name(value, field=field)
        if getattr(connection, field) != value:
            changes[field] = (getattr(connection, field), value)
            setattr(connection, field, value)
    if connection.external_id_may_change and connection.uid_rule != UidRule.OTHER:
        raise InvalidValue(
            "external_id_may_change",
            "The externalId may change only if the UID rule is other: a stable value that no person can edit.",
        )
    try:
        connection.full_clean(exclude=["customer"], validate_unique=False)
    except ValidationError as faults:
        field, messages = next(iter(faults.message_dict.items()))
        raise InvalidValue(field, " ".join(messages)) from faults
    return changes


def _lock_roles(which: Q) -> None:
    """Lock roles, so that no group and no sign-in gives them at the same instant."""
    list(
        Role.objects.filter(pk__in=Role.objects.filter(which).values("pk"))
        .order_by("pk")
        .select_for_update(no_key=True)
    )
