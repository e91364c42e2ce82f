"""Change the keys of a whole connection: a re-key (R3), or a successor that takes over (R1a)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from core_identity.clock import database_now
from core_identity.errors import InvalidValue, NotAllowed
from core_identity.event_kinds import EventKind
from core_identity.keys import clean_name
from core_identity.models import (
    Burst,
    Conflict,
    Connection,
    ExpectedMember,
    Grant,
    Identity,
    IdentityUid,
    PushGroup,
    PushGroupMember,
    Role,
    User,
)
from core_identity.models.connection import UidRule
from core_identity.services import events, expiry, groups
from core_identity.services.grants import end_these
from core_identity.services.locks import lock_connection, lock_connections, lock_customer
from core_identity.services.permissions import require_superuser, require_superuser_for_own_idp
from core_identity.services.transactions import in_one_transaction
from core_identity.signals import connection_switched_off
from core_identity.values import Actor

LONGEST_REKEY: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class RekeyPlan:
    """How many people of a connection can follow a re-key (R3).

    ``pushed`` are live and have all three keys: any one of them can change.
    ``derived`` are live, but SCIM sent no UID of them: they can get a UID, but not a new externalId.
    ``by_sign_in`` are live and came by sign-in only: their UID or externalId can change if the assertion contains externalId and NameID.
    ``cannot`` are the others: they are inactive, or have too few keys.
    """

    pushed: int
    derived: int
    by_sign_in: int
    cannot: int


def has_more_people(connection: Connection, most: int) -> bool:
    """Return whether `plan_rekey` has to count more people than this. It reads no more of them."""
    return Identity.objects.filter(connection=connection, deleted_at__isnull=True)[: most + 1].count() > most


def plan_rekey(connection: Connection) -> RekeyPlan:
    people = Identity.objects.filter(connection=connection, deleted_at__isnull=True)
    not_derived = Exists(IdentityUid.objects.filter(identity=OuterRef("pk"), current=True, derived=False))
    live = people.filter(active=True, external_id__isnull=False)
    named = live.filter(pushed_at__isnull=False, user_name_key__isnull=False)
    pushed, derived = named.filter(not_derived).count(), named.exclude(not_derived).count()
    by_sign_in = (
        live.filter(not_derived, pushed_at__isnull=True, offered_at__isnull=True).exclude(name_id_key="").count()
    )
    return RekeyPlan(pushed, derived, by_sign_in, people.count() - pushed - derived - by_sign_in)


@in_one_transaction
def rekey(
    *,
    actor: Actor,
    connection_id: UUID,
    until: datetime,
    reason: str,
    uid_attribute: str | None = None,
    uid_rule: str | None = None,
) -> Connection:
    """Let UIDs, externalIds or userNames change until ``until`` (aware, at most 90 days ahead), and the locked attribute and rule too (R3).

    Until then, a message that agrees in two of the three with one live identity changes the third. Raises `InvalidValue`.
    """
    connection = lock_connection(connection_id)
    require_superuser_for_own_idp(actor, connection)
    now = database_now()
    if not now < until <= now + LONGEST_REKEY:
        raise InvalidValue("until", f"The end must be in the future, at most {LONGEST_REKEY.days} days from now.")
    changes: dict[str, tuple[object, object]] = {"rekey_until": (connection.rekey_until, until)}
    connection.rekey_until = until
    if uid_attribute is not None:
        name = clean_name(uid_attribute, field="uid_attribute")
        if not name:
            raise InvalidValue("uid_attribute", "The attribute of the UID needs a name.")
        changes["uid_attribute"], connection.uid_attribute = (connection.uid_attribute, name), name
    if uid_rule is not None:
        if uid_rule not in UidRule.values:
            raise InvalidValue("uid_rule", f"The rule is one of {', '.join(UidRule.values)}.")
        changes["uid_rule"], connection.uid_rule = (connection.uid_rule, uid_rule), uid_rule
        if connection.uid_rule != UidRule.OTHER and connection.uid_mark != "required":
            raise InvalidValue(
                "uid_rule", "The mark beside the UID is waived, which only the rule other permits. Require it first."
            )
        if connection.uid_rule != UidRule.OTHER and connection.external_id_may_change:
            raise InvalidValue(
                "uid_rule", "The externalId may change here, which only the rule other permits. Switch that off first."
            )
    connection.save()
    events.record(
        actor=actor, kind=EventKind.CONNECTION_REKEY_BEGUN, subject=connection, changes=changes, reason=reason
    )
    return connection


@in_one_transaction
def end_rekey(*, actor: Actor, connection_id: UUID, reason: str) -> Connection:
    """End a re-key early. Its changes stay."""
    connection = lock_connection(connection_id)
    require_superuser_for_own_idp(actor, connection)
    if not connection.rekeying:
        raise NotAllowed(f"{connection} is not in re-key.")
    changes = {"rekey_until": (connection.rekey_until, None)}
    connection.rekey_until = None
    connection.save(update_fields=["rekey_until"])
    events.record(
        actor=actor, kind=EventKind.CONNECTION_REKEY_ENDED, subject=connection, changes=changes, reason=reason
    )
    return connection


@dataclass(frozen=True, slots=True)
class SuccessionPlan:
    """The rows that ``successor`` takes over from ``former``. ``stays`` are identities whose user, UID, externalId or userName it has already."""

    former: Connection
    successor: Connection
    moves: int
    stays: tuple[Identity, ...]
    groups: int
    groups_stay: tuple[str, ...]


def plan_succession(former: Connection, successor: Connection) -> SuccessionPlan:
    """Return what would move. Raises `NotAllowed` for one connection twice, or across customers."""
    if former == successor:
        raise NotAllowed("A connection cannot succeed itself.")
    if former.customer_id != successor.customer_id:
        raise NotAllowed("Only a connection of the same customer can take over.")
    staying = tuple(_known_to_both(former, successor).select_related("user").order_by("created_at"))
    theirs = PushGroup.objects.filter(connection=former)
    names = PushGroup.objects.filter(connection=successor).values("name_key")
    return SuccessionPlan(
        former,
        successor,
        Identity.objects.filter(connection=former).count() - len(staying),
        staying,
        theirs.exclude(name_key__in=names).count(),
        tuple(theirs.filter(name_key__in=names).values_list("display_name", flat=True)),
    )


@in_one_transaction
def succeed(*, actor: Actor, former_id: UUID, successor_id: UUID, reason: str) -> SuccessionPlan:
    """Let a connection take over the identities, UIDs, push groups and grants of a former one, which is switched off (R1a).

    SCIM ids stay, so that the IdP of a copied app finds its people. Sessions and tokens of the former end. A constant number of statements.
    """
    former, successor = lock_connections(former_id, successor_id)
    lock_customer(former.customer_id)
    require_superuser_for_own_idp(actor, former, successor)
    require_superuser(actor, User.objects.filter(identities__connection=former))
    plan = plan_succession(former, successor)
    moving = list(
        Identity.objects.filter(connection=former)
        .exclude(pk__in=[one.pk for one in plan.stays])
        .select_for_update(no_key=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    IdentityUid.objects.filter(identity__in=moving).update(connection=successor)
    Identity.objects.filter(pk__in=moving).update(connection=successor, session_epoch=F("session_epoch") + 1)
    _move_groups(former, successor, moving, actor=actor)
    expiry.hand_over(former=former, successor=successor, identities=moving)
    Burst.objects.filter(connection=former).update(connection=successor)
    known_causes = Conflict.objects.filter(connection=successor).values("cause_key")
    Conflict.objects.filter(connection=former).exclude(cause_key__in=known_causes).update(connection=successor)
    expected = ExpectedMember.objects.filter(group__connection=successor).values("scim_id")
    for identity in Identity.objects.filter(pk__in=moving, scim_id__in=expected).select_related("connection"):
        groups.follow_identity(actor=actor, identity=identity)
    Identity.objects.filter(connection=former).update(session_epoch=F("session_epoch") + 1)
    was_enabled, former.enabled = former.enabled, False
    former.save(update_fields=["enabled"])
    connection_switched_off.send(Connection, connection=former, actor=actor)
    changes = {
        "identities_moved": (None, plan.moves),
        "identities_left": (None, [str(one) for one in plan.stays]),
        "push_groups_moved": (None, plan.groups),
        "successor": (None, successor.slug),
        "enabled": (was_enabled, False),
    }
    for connection in (former, successor):
        events.record(
            actor=actor, kind=EventKind.CONNECTION_SUCCEEDED, subject=connection, changes=changes, reason=reason
        )
    return plan


def _known_to_both(former: Connection, successor: Connection) -> QuerySet[Identity]:
    there = Identity.objects.filter(connection=successor)
    uids = IdentityUid.objects.filter(connection=successor)
    return Identity.objects.filter(connection=former).filter(
        Q(user__in=there.values("user"))
        | Exists(there.filter(external_id=OuterRef("external_id")))
        | Exists(there.filter(user_name_key=OuterRef("user_name_key")))
        | Exists(IdentityUid.objects.filter(identity=OuterRef("pk"), uid_key__in=uids.values("uid_key")))
    )


def _move_groups(former: Connection, successor: Connection, moving: Collection[UUID], *, actor: Actor) -> None:
    """Move groups with those members who move. A group whose name the successor has already stays.

    A member whom the successor knows by another identity becomes a member by that one. Nobody else who stays remains a member or keeps its role.
    """
    names = PushGroup.objects.filter(connection=successor).values("name_key")
    moved_groups = list(
        PushGroup.objects.filter(connection=former).exclude(name_key__in=names).values_list("pk", flat=True)
    )
    successor.grantable_roles.add(*Role.objects.filter(push_groups__in=moved_groups).distinct())
    PushGroup.objects.filter(pk__in=moved_groups).update(connection=successor)
    moved = Q(channel="scim", key__in=[str(pk) for pk in moved_groups]) | Q(channel="sso", user__identities__in=moving)
    Grant.objects.filter(connection=former, pk__in=Grant.objects.filter(moved, connection=former).values("pk")).update(
        connection=successor
    )
    staying = PushGroupMember.objects.filter(group__in=moved_groups, identity__connection=former)
    there = Identity.objects.filter(connection=successor, user__identities=OuterRef("identity_id")).values("pk")[:1]
    staying.filter(Exists(there)).update(identity=Subquery(there))
    staying.delete()
    grants = Grant.objects.filter(channel="scim", connection=successor, key__in=[str(pk) for pk in moved_groups])
    members = Identity.objects.filter(Identity.RESOURCE, connection=successor)
    end_these(
        actor=actor, grants=grants.exclude(user__identities__in=members), reason="stays with the former connection"
    )
    _leave_behind(former, successor, actor=actor)


def _leave_behind(former: Connection, successor: Connection, *, actor: Actor) -> None:
    """End what the former connection still gives to people who moved. A grant stays only if the successor takes roles from its channel (R31)."""
    left = PushGroupMember.objects.filter(group__connection=former, identity__connection=successor)
    keys = [str(pk) for pk in PushGroup.objects.filter(connection=former).values_list("pk", flat=True)]
    gone = Grant.objects.filter(channel="scim", connection=former, key__in=keys)
    end_these(
        actor=actor,
        grants=gone.filter(user__identities__connection=successor),
        reason="stays with the former connection",
    )
    left.delete()
    if not successor.takes_push_groups:
        linked = PushGroup.objects.filter(connection=successor, role__isnull=False)
        groups.unlink_groups(actor=actor, groups=linked.select_related("connection", "role"))
    if not successor.takes_sso_groups:
        by_sso = Grant.objects.filter(channel="sso", connection=successor)
        end_these(actor=actor, grants=by_sso, reason="the successor takes no roles from sign-ins")
