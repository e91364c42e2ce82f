"""Store, count and close conflicts (R9). `core_identity.services.resolutions` resolves them."""

from typing import Final

from django.db.models import Q
from django.utils import timezone

from core_identity import errors
from core_identity.event_kinds import EventKind
from core_identity.keys import message_keys
from core_identity.models import Conflict, Connection, Identity, IdentityUid, User
from core_identity.models.conflict import ConflictState
from core_identity.policy.collisions import STORED_FIELDS, digest, value_in_doubt
from core_identity.services import events
from core_identity.services.uniqueness import holders_of_email, users_with_name
from core_identity.values import Actor, Cause, Collision, Person

PENDING: Final = Q(state=ConflictState.OPEN) | Q(let_through=True)
"""Conflicts that a message can close or use up."""


def record_conflict(*, actor: Actor, connection: Connection, refusal: errors.Conflict) -> Conflict:
    """Count a collision, and open its conflict if it is new or was closed. A dismissed conflict stays dismissed (R9)."""
    now, collision = timezone.now(), refusal.collision
    person, keys, cause_key = collision.person, message_keys(collision.person), digest(collision)
    met = {
        "last_at": now,
        "reference": actor.request_id,
        "message": refusal.message[:1024],
        "sent_values": {name: value for name in STORED_FIELDS if (value := getattr(person, name))},
    }
    found = (
        Conflict.objects.select_for_update(of=("self",), no_key=True)
        .filter(connection=connection, cause_key=cause_key)
        .first()
    )
    if found is None:
        found = Conflict.objects.create(
            connection=connection,
            cause=collision.cause.value,
            cause_key=cause_key,
            channel=actor.channel.value,
            uid_key=keys.uid_key,
            external_id=keys.external_id,
            value_key=value_in_doubt(collision),
            subject_id=collision.subject_id,
            other_id=collision.other_user_id,
            other_identity_id=collision.other_identity_id,
            first_at=now,
            **met,
        )
        _record(actor=actor, kind=EventKind.CONFLICT_OPENED, conflict=found)
        return found
    for field, value in met.items():
        setattr(found, field, value)
    found.count += 1
    if found.state not in {ConflictState.OPEN, ConflictState.DISMISSED}:
        found.state, found.let_through = ConflictState.OPEN, False
        _record(actor=actor, kind=EventKind.CONFLICT_OPENED, conflict=found)
    found.save()
    return found


def store_different_people(*, actor: Actor, identity: Identity, other: User, reason: str) -> None:
    """Store that ``identity`` and ``other`` are different people who may share a name (R9, R24). The caller records the event."""
    current = IdentityUid.objects.filter(identity=identity, current=True, derived=False).first()
    person = Person(
        uid=current.uid if current else None,
        external_id=identity.external_id,
        user_name=identity.user_name or None,
        name_id=identity.name_id or None,
        email=identity.email or None,
    )
    collision, keys, now = (
        Collision(Cause.USER_NAME, person, other.pk, None, identity.pk),
        message_keys(person),
        timezone.now(),
    )
    values = {
        "cause": collision.cause.value,
        "channel": actor.channel.value,
        "sent_values": {name: value for name in STORED_FIELDS if (value := getattr(person, name))},
        "uid_key": keys.uid_key,
        "external_id": keys.external_id,
        "value_key": value_in_doubt(collision),
        "subject": identity,
        "other": other,
        "message": "An administrator decided: different people.",
        "state": ConflictState.DIFFERENT_PEOPLE,
        "count": 0,
        "first_at": now,
        "last_at": now,
        "resolved_at": now,
        "resolved_by": actor.label[:300],
        "reason": reason,
    }
    Conflict.objects.update_or_create(connection=identity.connection, cause_key=digest(collision), defaults=values)


def close_conflicts_of_message(*, actor: Actor, identity: Identity, person: Person) -> None:
    """Close the conflicts of a message that was applied, and all other conflicts of this person that no longer apply.

    One query if nothing is open. No query if the identity was read together with the answer (`Loaded`).
    """
    keys = message_keys(person)
    if identity.loaded is not None and (keys.uid_key, keys.external_id) in identity.loaded.settled_keys:
        return
    connection = identity.connection
    concerned = Q(subject=identity) | Q(other=identity.user_id) | Q(uid_key=keys.uid_key, external_id=keys.external_id)
    waiting = Conflict.objects.filter(PENDING, connection=connection)
    for conflict in waiting.filter(concerned).select_related("connection", "subject"):
        same = (conflict.uid_key, conflict.external_id) == (keys.uid_key, keys.external_id)
        if not keys.uid_key and not keys.external_id:  # a message without keys is recognised by its identity alone
            same = same and conflict.subject_id == identity.pk
        went_through = conflict.subject_id == identity.pk or same
        if conflict.let_through:
            if same:
                Conflict.objects.filter(pk=conflict.pk).update(let_through=False)
        elif conflict.cause == Cause.NO_MARK:
            # The sign-in of the owner proves nothing about a person with other names.
            if same and conflict.value_key == keys.marks:
                _close(actor=actor, conflict=conflict)
        elif went_through or not still_exists(conflict):
            _close(actor=actor, conflict=conflict)


def close_outdated_conflicts(*, actor: Actor, user: User) -> None:
    """Close the conflicts of a changed user who no longer causes them. If the user was merged into another, close all."""
    of_user = Conflict.objects.filter(other=user, state=ConflictState.OPEN)
    for conflict in of_user.select_related("connection", "subject"):
        if user.merged_into_id is not None or not still_exists(conflict):
            _close(actor=actor, conflict=conflict)


def still_exists(conflict: Conflict) -> bool:
    """Whether the other user is still in the way, and is still a different user."""
    subject = conflict.subject
    if subject is not None and subject.pk != conflict.other_identity_id and subject.user_id == conflict.other_id:
        return False
    match conflict.cause:
        case Cause.USER_NAME:
            return conflict.other_id in {user.pk for user in users_with_name(conflict.connection, conflict.value_key)}
        case Cause.EMAIL:
            return conflict.other_id in {user.pk for user in holders_of_email(conflict.connection, conflict.value_key)}
        case Cause.UID | Cause.NO_MARK:
            holder = IdentityUid.objects.filter(connection=conflict.connection_id, uid_key=conflict.uid_key)
            return holder.filter(identity=conflict.other_identity_id).exists()
        case Cause.EXTERNAL_ID:
            return _external_id_still_exists(conflict)
    return True


def _external_id_still_exists(conflict: Conflict) -> bool:
    """Return whether the other user still has the externalId of the message.

    If the message was about that same user, return whether the user still has an externalId.
    """
    if conflict.other_identity_id is None:
        return False
    other = Identity.objects.filter(pk=conflict.other_identity_id, external_id__isnull=False)
    if conflict.subject_id not in {None, conflict.other_identity_id}:
        other = other.filter(external_id=conflict.external_id)
    return other.exists()


def _close(*, actor: Actor, conflict: Conflict) -> None:
    Conflict.objects.filter(pk=conflict.pk).update(state=ConflictState.GONE, resolved_at=timezone.now())
    _record(actor=actor, kind=EventKind.CONFLICT_GONE, conflict=conflict)


def _record(*, actor: Actor, kind: EventKind, conflict: Conflict) -> None:
    events.record(
        actor=actor,
        kind=kind,
        subject=conflict,
        connection=conflict.connection,
        user_id=conflict.other_id,
        changes={"cause": (None, conflict.cause)},
    )
