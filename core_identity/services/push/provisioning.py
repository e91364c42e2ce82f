"""Apply SCIM's pushes of people, as `core_identity.policy.matching` decides (R8a)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core_identity.errors import IdentityError, TryAgain, UidRequired
from core_identity.event_kinds import EventKind
from core_identity.keys import key
from core_identity.models import Connection, Identity
from core_identity.policy import matching
from core_identity.policy.matching import Decision, Verb
from core_identity.policy.projection import Stored, would_change_nothing
from core_identity.policy.wording import ActiveMeans, in_words
from core_identity.selectors.rows import ResourceRow
from core_identity.selectors.stored import StoredRow, facts_of, resource_row_of, stored_row
from core_identity.services import events, expiry, groups, row_writes
from core_identity.services.conflicts import close_outdated_conflicts
from core_identity.services.identities import (
    changed_columns,
    clean_person,
    columns_of,
    known_values,
    require_user_name,
    save_changed,
)
from core_identity.services.locks import lock_customer
from core_identity.services.push.creating import create_newcomer, create_or_match
from core_identity.services.push.following import follow_push, set_active
from core_identity.services.push.locating import (
    conflict_of_keys,
    holder_of_external_id,
    locked_resource,
    owner_of_uid,
    push_of,
)
from core_identity.services.push.outcomes import Outcome
from core_identity.services.transactions import in_one_transaction, recording_refusals
from core_identity.services.uniqueness import (
    WAY_OUT,
    NameHeld,
    release_name_if_retry_succeeds,
    require_free_email,
    require_free_name,
)
from core_identity.values import Actor, Person

Read = Callable[[ResourceRow], Person]
"""Returns the values of a message for the resource as stored, so a PATCH uses true values. May raise `IdentityError`."""


@recording_refusals
def create_person(*, actor: Actor, connection: Connection, person: Person) -> Outcome:
    """Apply a POST. Raises `Duplicate`, `TryAgain`, `Conflict`, `UidRequired` or `InvalidValue`.

    After a refusal nothing is changed, except that `TryAgain` releases one userName (R8).
    """
    person = clean_person(person)
    require_user_name(person)
    if connection.uid_required_in_scim and not person.uid:
        raise UidRequired(
            f"This connection requires the attribute {connection.uid_attribute} in the enterprise extension. "
            "Map it in the provisioning settings of the app, with the value that SAML sends."
        )
    newcomer = create_newcomer(actor=actor, connection=connection, person=person)
    if newcomer is not None:
        return newcomer
    act = partial(create_or_match, actor=actor, connection=connection, person=person)
    return _act_or_release_name(act, actor=actor, connection=connection)


@recording_refusals
def change_person(
    *, actor: Actor, connection: Connection, scim_id: UUID, read: Read, deactivates: bool, is_patch: bool = False
) -> Outcome:
    """Apply a PUT or PATCH. Raises `NotFound`, `Conflict`, `TryAgain`, `InvalidValue` or what ``read`` raises.

    After a refusal nothing is changed, except that `TryAgain` releases one userName. A message that changes nothing takes no lock.
    ``deactivates``: the message contains ``active: false``. That is applied first. If the rest cannot be applied, it is dropped and noted (R23).
    ``is_patch``: a key that the message does not contain (None, not empty) counts as unchanged (R8a).
    """
    if deactivates:
        return _deactivate(actor=actor, connection=connection, scim_id=scim_id, read=read, is_patch=is_patch)
    read = _read_once(read)
    same = find_unchanged_resource(connection=connection, scim_id=scim_id, read=read)
    if same is not None:
        row, sent = same
        return _without_change(row, row.resource_row, sent)
    act = partial(_change, actor=actor, connection=connection, scim_id=scim_id, read=read, is_patch=is_patch)
    return _act_or_release_name(act, actor=actor, connection=connection)


def _read_once(read: Read) -> Read:
    """Return a reader that reads again only if the resource has changed since the last time.

    So a message is usually read before the lock, and not again under it.
    """
    last: tuple[ResourceRow, Person] | None = None

    def read_if_changed(row: ResourceRow) -> Person:
        nonlocal last
        if last is None or last[0] != row:
            last = row, read(row)
        return last[1]

    return read_if_changed


def find_unchanged_resource(*, connection: Connection, scim_id: UUID, read: Read) -> tuple[StoredRow, Person] | None:
    """Return the resource ``scim_id`` and the message's values, if it changes nothing. Return None if only the way under the lock can decide.

    Everything that could be refused takes that way too. One statement.
    """
    row = stored_row(connection, scim_id)
    if row is None or not row.enabled:
        return None
    sent = _message_if_unchanged(row.resource_row, row.facts, read=read)
    return None if sent is None else (row, sent)


def _message_if_unchanged(resource_row: ResourceRow, stored: Stored, *, read: Read) -> Person | None:
    """Return the values of a message if they change nothing of a resource. Return None in doubt. No statement."""
    try:
        sent = read(resource_row)
        person = clean_person(sent)
    except IdentityError:
        return None
    return sent if would_change_nothing(person, stored) else None


def _act_or_release_name(act: Callable[[], Outcome], *, actor: Actor, connection: Connection) -> Outcome:
    """Do ``act`` in a transaction, in which it locks the customer. If an inactive identity has the userName, release it instead (R8).

    Raises `TryAgain` after that. Savepoints are needed only then.
    """
    try:
        return in_one_transaction(events.together()(act))()
    except NameHeld:
        answer = _release_name(act, actor=actor, connection=connection)
    if isinstance(answer, TryAgain):
        raise answer
    return answer


@in_one_transaction
@events.together()
def _release_name(act: Callable[[], Outcome], *, actor: Actor, connection: Connection) -> Outcome | TryAgain:
    lock_customer(connection.customer_id)
    return release_name_if_retry_succeeds(actor=actor, act=act)


@in_one_transaction
@events.together()
def remove_person(
    *, actor: Actor, connection: Connection, scim_id: UUID, check: Callable[[ResourceRow], None] | None = None
) -> None:
    """Apply a DELETE. The resource is gone; the user stays, and is expired (R20).

    ``check`` gets the resource as it is under the lock, and may raise an error to refuse the request. Raises `NotFound`.
    """
    identity = locked_resource(connection, scim_id)
    if check is not None:
        check(resource_row_of(identity))
    before = columns_of(identity)
    set_active(actor=actor, identity=identity, active=False, reason="deleted by SCIM")
    expiry.expire_by_channel(actor=actor, identity=identity, reason="deleted by SCIM")
    identity.deleted_at = timezone.now()
    identity.session_epoch += 1
    save_changed(identity, before)
    events.record(actor=actor, kind=EventKind.IDENTITY_DELETED, subject=identity)
    groups.follow_identity(actor=actor, identity=identity)
    close_outdated_conflicts(actor=actor, user=identity.user)


def _change(*, actor: Actor, connection: Connection, scim_id: UUID, read: Read, is_patch: bool) -> Outcome:
    identity = locked_resource(connection, scim_id)
    return _change_locked(
        actor=actor, connection=connection, identity=identity, read=read, is_patch=is_patch, was=known_values(identity)
    )


@in_one_transaction
@events.together()
def _deactivate(*, actor: Actor, connection: Connection, scim_id: UUID, read: Read, is_patch: bool) -> Outcome:
    """Apply ``active: false``, and then the rest of the message as far as that is possible (R23)."""
    identity = locked_resource(connection, scim_id)
    was, before = known_values(identity), columns_of(identity)
    meaning = set_active(actor=actor, identity=identity, active=False, reason="deactivated by the identity provider")
    row_writes.write(updates=[(identity, changed_columns(identity, before))], inserts=events.take_gathered())
    resource_row = resource_row_of(identity)
    sent = _message_if_unchanged(resource_row, facts_of(identity), read=read)
    if sent is not None:  # the usual message contains no more, so it needs no savepoint
        return _after_deactivation(meaning, _without_change(identity, resource_row, sent))
    try:
        with transaction.atomic(), events.together():
            rest = _change_locked(
                actor=actor, connection=connection, identity=identity, read=read, is_patch=is_patch, was=was
            )
    except IdentityError as fault:
        refusal: IdentityError = fault
    except NameHeld as name_held:
        refusal = name_held.conflict
    else:
        return _after_deactivation(meaning, rest)
    # A deactivation opens no conflict, so the event must not refer to one.
    why = refusal.message.removesuffix(WAY_OUT).strip()
    events.record(actor=actor, kind=EventKind.PUSH_REST_DROPPED, subject=identity, reason=why)
    return Outcome(
        Decision.APPLY,
        locked_resource(connection, scim_id),
        # Only the code: the sentence quotes the message, and notes must not contain personal data (R34, R35). The event has the sentence.
        notes=(f"deactivated; the rest of the message was ignored: {refusal.code}",),
    )


def _without_change(resource: Identity | StoredRow, resource_row: ResourceRow, sent: Person) -> Outcome:
    notes = in_words(Decision.APPLY, noted=(), followed=(), active=None)
    return Outcome(Decision.APPLY, resource, notes=(*notes, *_kept_keys(resource_row, sent)), resource_row=resource_row)


def _after_deactivation(meaning: ActiveMeans | None, rest: Outcome) -> Outcome:
    if meaning is None:
        return rest
    notes = ("nothing else changed" if note == "nothing changed" else note for note in rest.notes)
    return replace(rest, notes=(f"first, {meaning}", *notes))


def _change_locked(
    *, actor: Actor, connection: Connection, identity: Identity, read: Read, is_patch: bool, was: matching.Known | None
) -> Outcome:
    sent = read(resource_row_of(identity))
    person = clean_person(sent)
    if person.user_name is not None:
        require_user_name(person)
    owner = owner_of_uid(connection, person.uid, subject=identity)
    push = push_of(
        connection,
        Verb.CHANGE,
        person,
        subject=identity,
        owner=owner,
        uid=person.uid,
        unsent=matching.unsent_keys(sent, is_patch),
        was=was,
    )
    decision = matching.decide_push(push)
    if decision is Decision.CONFLICT or push.external_id_taken:
        holder = holder_of_external_id(connection, person, but=identity)
        raise conflict_of_keys(connection, person, subject=identity, owner=owner, holder=holder)
    if person.user_name and key(person.user_name) != identity.user_name_key:
        require_free_name(actor=actor, connection=connection, person=person, subject=identity)
    if identity.pushed_at is None:
        require_free_email(connection=connection, person=person, subject=identity)
    notes = follow_push(
        actor=actor,
        connection=connection,
        identity=identity,
        person=person,
        uid=person.uid,
        decision=decision,
        was_live=was is None or was.is_live_and_not_expired,
    )
    resource_row = resource_row_of(identity)
    return Outcome(decision, identity, notes=(*notes, *_kept_keys(resource_row, sent)), resource_row=resource_row)


def _kept_keys(resource_row: ResourceRow, sent: Person) -> tuple[str, ...]:
    """Return a note for each key that the message removes and the identity still has, because no message clears one (R6)."""
    removed_keys = {
        "UID": sent.uid == "" and resource_row.uid is not None,
        "externalId": sent.external_id == "" and bool(resource_row.external_id),
    }
    return tuple(f"{name} not removed: a message never clears it" for name, is_kept in removed_keys.items() if is_kept)
