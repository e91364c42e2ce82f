"""Erase a person: blank the values in rows and events permanently. The ids and the fact of the expiry stay (R34)."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection as database
from django.db.models import Q, QuerySet
from django.utils import timezone

from core_identity import signals
from core_identity.attributes import FIELDS, SOURCES
from core_identity.errors import NotAllowed, NotFound
from core_identity.event_kinds import EventKind
from core_identity.keys import key
from core_identity.models import (
    Conflict,
    Connection,
    Event,
    Grant,
    Identity,
    IdentityUid,
    PushGroupMember,
    SetupProposal,
    User,
)
from core_identity.models.conflict import ConflictState
from core_identity.models.event import PEOPLE_BY_ID, PROMOTIONS, REFUSED_KINDS
from core_identity.services import events, expiry
from core_identity.services.erased_names import remember_erased
from core_identity.services.grants import end_these
from core_identity.services.locks import lock_customer, lock_erasures
from core_identity.services.permissions import may_touch_guarded
from core_identity.services.transactions import in_one_transaction
from core_identity.signals import ERASED
from core_identity.values import Actor, ActorKind

KINDS_OF_REFUSAL: Final = (*REFUSED_KINDS, EventKind.PUSH_REST_DROPPED.value)
"""The kinds of events whose reason may quote the names of another person: refusals of a push, of a sign-in, or of a part of a push."""
AT_ONCE: Final = 10_000
"""Events that one statement blanks."""

OF_USER: Final = ("email", "email_key", *FIELDS)
OF_IDENTITY: Final = ("user_name", "email", "email_key", "drift_uid", "name_id", "name_id_key", *SOURCES)


@dataclass(frozen=True, slots=True)
class ErasePlan:
    """The people and rows that an erasure reaches: the user, and all users who were merged into them (R11)."""

    user: User
    people: tuple[User, ...]
    identities: tuple[Identity, ...]
    conflicts: int
    event_ids: tuple[int, ...]
    grants: int

    @property
    def events(self) -> int:
        return len(self.event_ids)


def plan_erase(user: User) -> ErasePlan:
    """Return what would be blanked. Raises `NotAllowed` for a user who is not expired, or was merged into another."""
    if user.merged_into_id is not None:
        raise NotAllowed(f"{user} was merged into {user.merged_into}. Erase that user instead.")
    if user.erased_at is not None:
        raise NotAllowed("This person is erased already.")
    if user.expired_at is None:
        raise NotAllowed(f"{user} is not expired. Expire them first, because an erased person never signs in again.")
    people = (user, *user.tombstones.order_by("pk"))
    identities = tuple(Identity.objects.filter(user__in=people).select_related("connection").order_by("pk"))
    return ErasePlan(
        user,
        people,
        identities,
        _conflicts(people, identities).count(),
        tuple(_event_ids(people, identities)),
        Grant.objects.filter(user__in=people).count(),
    )


@in_one_transaction
def erase(*, actor: Actor, user_id: UUID, reason: str) -> ErasePlan:
    """Blank the values of an expired user, their identities, conflicts and events. Keep ids, UID keys and the expiry (R34).

    The same UID never makes a second user: the next message with it becomes a conflict. Roles end, SCIM answers 404, the userName and the
    address are free. It cannot be undone. Only superusers may do it. Raises `NotFound`, `NotAllowed`.
    """
    found = User.objects.filter(pk=user_id).first()
    if found is None:
        raise NotFound("There is no such user.")
    if not may_touch_guarded(actor):
        raise NotAllowed("Only a superuser may erase somebody.")
    if actor.kind is ActorKind.ADMIN and actor.id == str(found.pk):
        raise NotAllowed("You cannot erase yourself.")
    if found.customer_id is not None:
        lock_customer(found.customer_id)
        lock_erasures(found.customer_id)
    user = User.objects.select_for_update(no_key=True).get(pk=found.pk)
    list(User.objects.select_for_update(no_key=True).filter(merged_into=user).order_by("pk"))
    list(Identity.objects.select_for_update(no_key=True).filter(user__in=[user, *user.tombstones.all()]).order_by("pk"))
    plan = plan_erase(user)
    traces, administrators = _traces(plan), [one for one in plan.people if _was_administrator(one)]
    end_these(actor=actor, grants=Grant.objects.filter(user__in=plan.people), reason="erased")
    # The events first, because they are found by the values that are blanked next.
    with _events_open():
        _blank_story(plan)
        _blank_acts(administrators)
    _blank_conflicts(plan)
    _blank_identities(plan.identities)
    _blank_people(plan.people)
    changes = {"identities": (None, len(plan.identities)), "events": (None, plan.events), "grants": (None, plan.grants)}
    events.record(actor=actor, kind=EventKind.USER_ERASED, subject=user, changes=changes, reason=reason)
    # The logs last, because no process writes its log until the end of this transaction.
    remember_erased(traces)
    signals.user_erased.send(sender=User, traces=traces)
    user.refresh_from_db()
    return plan


def _traces(plan: ErasePlan) -> signals.ErasedTraces:
    return signals.ErasedTraces(
        users=tuple(one.pk for one in plan.people),
        identities=tuple(one.pk for one in plan.identities),
        scim_ids=tuple(one.scim_id for one in plan.identities),
        names=tuple(_names(plan.people, plan.identities)),
        connections=tuple(_connections(plan.people)),
        usernames=tuple(one.username for one in plan.people),
    )


def _connections(people: Collection[User]) -> list[UUID]:
    """Return the connections of the erased users' customers. No other connection can contain their values."""
    customers = {one.customer_id for one in people if one.customer_id is not None}
    return list(Connection.objects.filter(customer__in=customers).values_list("pk", flat=True))


def _blank_people(people: Collection[User]) -> None:
    for one in people:
        one.username = f"{ERASED}-{one.pk}"
        one.username_key = key(one.username)
        for field in OF_USER:
            setattr(one, field, "")
        one.set_unusable_password()
        one.erased_at = timezone.now()
        one.save(update_fields=["username", "username_key", "password", "erased_at", *OF_USER])
        expiry.forget_values(one)


def _blank_identities(identities: Collection[Identity]) -> None:
    ids = [one.pk for one in identities]
    PushGroupMember.objects.filter(identity__in=ids).delete()
    # The key stays and still finds this identity (R5). The readable text is blanked.
    IdentityUid.objects.filter(identity__in=ids).update(uid=ERASED)
    now = timezone.now()
    for one in identities:
        for field in OF_IDENTITY:
            setattr(one, field, "")
        one.user_name_key = one.external_id = one.offered_at = one.reactivation_requested_at = None
        one.attributes, one.unmapped_groups = {}, {}
        one.active = False
        one.deleted_at = one.deleted_at or now
        one.session_epoch += 1
        one.version += 1
        one.changed_at = now
        one.save()


def _conflicts(people: Collection[User], identities: Collection[Identity]) -> QuerySet[Conflict]:
    """Return the conflicts in which they are in the way, or which contain their id or UID."""
    uids = IdentityUid.objects.filter(identity__in=identities)
    spoken_of = Q(subject__in=identities) | Q(other__in=people) | Q(other_identity__in=identities)
    by_uid = Q(uid_key__in=uids.values("uid_key"), connection__in=[one.connection_id for one in identities])
    return Conflict.objects.filter(spoken_of | by_uid)


def _blank_conflicts(plan: ErasePlan) -> None:
    """Close open conflicts, because their cause, a name or an address, is gone. If the UID comes again, a new conflict is opened."""
    found = Conflict.objects.filter(pk__in=list(_conflicts(plan.people, plan.identities).values_list("pk", flat=True)))
    found.filter(state=ConflictState.OPEN).update(state=ConflictState.GONE, resolved_at=timezone.now())
    found.update(sent_values={}, message=ERASED, value_key="", external_id="", reason="", let_through=False)


def _event_ids(people: Collection[User], identities: Collection[Identity]) -> set[int]:
    """Return their events, the events of their conflicts, and those that name them in a text. Events stay, only their texts are blanked.

    Each query has an index, and none reads the events of other customers. But no index finds a name inside of a text, so the refusals of their own
    customer are read one by one.
    """
    subjects = [one.pk for one in (*people, *identities)]
    conflicts = list(_conflicts(people, identities).values_list("pk", flat=True))
    in_their_connections = Event.objects.filter(connection_id__in=_connections(people))
    of_people = Q(user_id__in=[one.pk for one in people]) | Q(subject_id__in=[*subjects, *conflicts])
    found = [Event.objects.filter(of_people)]
    if names := _names(people, identities):
        quoted = Q(actor__in=[f"{name} by SSO"[:300] for name in names])
        for name in names:
            quoted |= Q(reason__contains=repr(name))
        found.append(in_their_connections.filter(quoted, kind__in=KINDS_OF_REFUSAL))
    if identities:
        left_behind = Q()
        for one in identities:
            left_behind |= Q(changes__identities_left__1__contains=[str(one)])
        found.append(in_their_connections.filter(left_behind, kind=EventKind.CONNECTION_SUCCEEDED))
    return {pk for events in found for pk in events.order_by().values_list("pk", flat=True)}


def _names(people: Collection[User], identities: Collection[Identity]) -> list[str]:
    """Return every name by which a refusal may have quoted them, as it was written."""
    uids = IdentityUid.objects.filter(identity__in=identities).values_list("uid", flat=True)
    of_identities = [name for one in identities for name in (one.user_name, one.name_id, one.email, one.external_id)]
    names = [*(name for one in people for name in (one.username, one.email)), *of_identities, *uids]
    return sorted({name for name in names if name})


def _blank_story(plan: ErasePlan) -> None:
    """Blank texts of events. The guard in the database permits this for four columns, in this transaction only."""
    labels = [
        *(one.username for one in plan.people),
        *(f"{name} by SSO" for name in _names(plan.people, plan.identities)),
    ]
    # Those of the plan, and those that were appended since: the ends of their grants.
    theirs = Event.objects.filter(user_id__in=[one.pk for one in plan.people]).order_by().values_list("pk", flat=True)
    found = list({*plan.event_ids, *theirs})
    for first in range(0, len(found), AT_ONCE):
        blank = Event.objects.filter(pk__in=found[first : first + AT_ONCE])
        blank.filter(actor__in=labels).update(actor=ERASED)
        blank.update(changes={}, reason="")
        blank.filter(subject_type__in=("user", "identity", "conflict")).update(subject=ERASED)


@contextmanager
def _events_open() -> Iterator[None]:
    """Let this transaction blank texts of events."""
    with database.cursor() as cursor:
        cursor.execute("SELECT set_config('core_identity.erase', 'on', true)")
        yield
        cursor.execute("SELECT set_config('core_identity.erase', '', true)")


def _was_administrator(user: User) -> bool:
    """Whether a user is staff or a superuser, or has been. Only then can rows of other people name the user as their administrator."""
    return user.is_staff or user.is_superuser or Event.objects.filter(PROMOTIONS, user_id=user.pk).exists()


def _blank_acts(administrators: Collection[User]) -> None:
    """Keep the acts of an erased administrator in the rows of other people, without the name.

    Their events have an index. The tables of conflicts, users and grants are read whole, so this is only for administrators.
    """
    for one in administrators:
        by_link = f"(link by {one.username})"
        Event.objects.filter(actor_kind__in=PEOPLE_BY_ID, actor_id=str(one.pk)).update(actor=ERASED)
        links = Event.objects.filter(actor_kind=ActorKind.SETUP_LINK.value)
        links.filter(actor__endswith=by_link).update(actor=ERASED)
        consents = Event.objects.filter(kind=EventKind.CONSENTER_EXPIRED.value)
        consents.filter(reason__startswith=f"{one.username}. ").update(reason="")
        SetupProposal.objects.filter(proposed_by__endswith=by_link).update(proposed_by=ERASED)
        expiry.forget_administrator(one.username, instead=ERASED)
        Conflict.objects.filter(resolved_by=one.username).update(resolved_by=ERASED)
        Grant.objects.filter(given_by=one.username).update(given_by=ERASED)
