"""SCIM's pushes of people: what `core_identity.policy.matching` decides is done here (R8a)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from core_identity.errors import Conflict, Duplicate, IdentityError, NotFound, UidRequired
from core_identity.keys import key
from core_identity.models import Connection, Identity, IdentityUid, User
from core_identity.policy import matching
from core_identity.policy.expiry import expires
from core_identity.policy.matching import Decision, Push, Verb
from core_identity.policy.wording import ActiveMeans, in_words
from core_identity.services import bursts, events, expiry, groups
from core_identity.services.conflicts import settle
from core_identity.services.identities import (
    claim,
    cleaned,
    current_uid,
    known,
    make_user,
    project,
    require_user_name,
    save_identity,
    set_uid,
    write_identity,
)
from core_identity.services.refusals import recording_refusals
from core_identity.services.transactions import in_one_transaction, lock_customer
from core_identity.services.uniqueness import (
    WAY_OUT,
    NameGivenUp,
    is_confirmed,
    require_free_email,
    require_free_name,
)
from core_identity.values import Actor, Cause, Collision, Person


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a push. ``created`` tells that 201 is due; ``notes`` are sentences for the log."""

    decision: Decision
    identity: Identity
    created: bool = False
    notes: tuple[str, ...] = ()


Read = Callable[[Identity], Person]
"""Turns the identity as it stands, under lock, into what the message says: so a PATCH is computed on what is true. May raise `IdentityError`."""


@recording_refusals
def create_person(*, actor: Actor, connection: Connection, person: Person) -> Outcome:
    """Take a POST. Raises `Duplicate`, `TryAgain`, `Conflict`, `UidRequired` or `InvalidValue`; then nothing was changed."""
    answer = _create(actor=actor, connection=connection, person=cleaned(person))
    if isinstance(answer, NameGivenUp):
        raise answer.refusal
    return answer


@recording_refusals
def change_person(*, actor: Actor, connection: Connection, scim_id: UUID, read: Read, deactivates: bool) -> Outcome:
    """Take a PUT or PATCH. Raises `NotFound`, `Conflict`, `TryAgain`, `InvalidValue` or what ``read`` raises; then nothing was changed.

    ``deactivates``: the message says ``active: false``. That is applied first, and whatever else in it cannot be is dropped and noted (R23).
    """
    answer = _change(actor=actor, connection=connection, scim_id=scim_id, read=read, deactivates=deactivates)
    if isinstance(answer, NameGivenUp):
        raise answer.refusal
    return answer


@in_one_transaction
def remove_person(*, actor: Actor, connection: Connection, scim_id: UUID) -> None:
    """Take a DELETE: the resource is gone, the user stays and is expired (R20)."""
    lock_customer(connection.customer_id)
    identity = _resource(connection, scim_id)
    _set_active(actor=actor, identity=identity, active=False, reason="deleted by SCIM")
    expiry.expire_by_channel(actor=actor, identity=identity, reason="deleted by SCIM")
    identity.deleted_at = timezone.now()
    identity.session_epoch += 1
    save_identity(identity)
    events.record(actor=actor, kind="identity.deleted", subject=identity)
    groups.follow_identity(actor=actor, identity=identity)


@in_one_transaction
def _create(*, actor: Actor, connection: Connection, person: Person) -> Outcome | NameGivenUp:
    user_name = require_user_name(person)
    if connection.uid_required_in_scim and not person.uid:
        raise UidRequired(
            f"This connection requires the attribute {connection.uid_attribute} in the enterprise extension. "
            "Map it in the provisioning settings of the app, with the value that SAML sends."
        )
    lock_customer(connection.customer_id)
    subject = None
    if person.external_id:
        subject = _locked(Identity.objects.filter(connection=connection, external_id=person.external_id))
    uid, derived = matching.uid_to_read(person, creating=subject is None)
    owner = _owner(connection, uid)
    if subject is None and owner is None:
        subject = _offered(connection, user_name)
    push = _push(connection, Verb.POST, person, subject=subject, owner=owner, uid_sent=bool(uid))
    decision = matching.decide_push(push)
    if decision in {Decision.CONFLICT, Decision.DUPLICATE} and is_confirmed(connection, person):
        decision = matching.decide_push(replace(push, confirmed=True))
    if decision is Decision.CONFLICT:
        raise _conflict(connection, person, subject=subject, owner=owner)
    if decision is Decision.DUPLICATE:
        raise Duplicate(f"A user with the userName {user_name!r} is already provisioned by this connection.")
    identity = subject or owner
    try:
        if identity is None or identity.deleted_at is not None or key(user_name) != identity.user_name_key:
            require_free_name(actor=actor, connection=connection, person=person, subject=identity)
    except NameGivenUp as given_up:
        return given_up
    if decision is Decision.CREATE or identity is None:
        shared = require_free_email(connection=connection, person=person)
        identity = _make_identity(
            actor=actor,
            connection=connection,
            person=person,
            uid=uid or user_name,
            derived=derived,
            email_shared=shared,
        )
        settle(actor=actor, identity=identity, person=person)
        inactive = ActiveMeans.NEVER_EXPIRED if person.active is False else None
        notes = in_words(Decision.CREATE, noted=(), followed=(), active=inactive)
        return Outcome(Decision.CREATE, identity, created=True, notes=notes)
    if decision in {Decision.ADOPT, Decision.CLAIM}:
        require_free_email(connection=connection, person=person, subject=identity)
    said_uid = None if derived else uid
    notes = _apply(
        actor=actor, connection=connection, identity=identity, person=person, uid=said_uid, decision=decision
    )
    return Outcome(decision, identity, created=True, notes=notes)


@in_one_transaction
def _change(
    *, actor: Actor, connection: Connection, scim_id: UUID, read: Read, deactivates: bool
) -> Outcome | NameGivenUp:
    lock_customer(connection.customer_id)
    identity = _resource(connection, scim_id)
    if not deactivates:
        return _change_locked(actor=actor, connection=connection, identity=identity, read=read)
    meaning = _set_active(actor=actor, identity=identity, active=False, reason="deactivated by the IdP")
    save_identity(identity)
    try:
        with transaction.atomic():
            rest = _change_locked(
                actor=actor, connection=connection, identity=_resource(connection, scim_id), read=read
            )
    except IdentityError as fault:
        dropped: str = fault.message
    else:
        if isinstance(rest, Outcome):
            return rest if meaning is None else replace(rest, notes=(f"first, {meaning}", *rest.notes))
        dropped = rest.refusal.message
    events.record(actor=actor, kind="push.rest_dropped", subject=identity, reason=dropped)
    return Outcome(
        Decision.APPLY,
        _resource(connection, scim_id),
        notes=(f"deactivated first (R23); the rest was dropped: {dropped}",),
    )


def _change_locked(*, actor: Actor, connection: Connection, identity: Identity, read: Read) -> Outcome | NameGivenUp:
    person = cleaned(read(identity))
    if person.user_name is not None:
        require_user_name(person)
    owner = _owner(connection, person.uid)
    push = _push(connection, Verb.CHANGE, person, subject=identity, owner=owner, uid_sent=bool(person.uid))
    decision = matching.decide_push(push)
    taken = None
    if person.external_id and person.external_id != identity.external_id:
        taken = Identity.objects.filter(connection=connection, external_id=person.external_id).first()
    if decision is Decision.CONFLICT or taken is not None:
        raise _conflict(connection, person, subject=identity, owner=owner, taken=taken)
    if person.user_name and key(person.user_name) != identity.user_name_key:
        try:
            require_free_name(actor=actor, connection=connection, person=person, subject=identity)
        except NameGivenUp as given_up:
            return given_up
    notes = _apply(
        actor=actor, connection=connection, identity=identity, person=person, uid=person.uid, decision=decision
    )
    return Outcome(decision, identity, notes=notes)


def _apply(
    *, actor: Actor, connection: Connection, identity: Identity, person: Person, uid: str | None, decision: Decision
) -> tuple[str, ...]:
    """Let a known identity, and its user as far as policy permits, follow a push that was decided to be theirs."""
    uid_moves = False
    was_resource = identity.is_resource
    said, said_uid = person, identity.said_uid
    if identity.offered_at is not None:
        claim(actor=actor, identity=identity)
    if decision is Decision.DRIFT:
        identity.said_uid = person.uid or ""
        said = replace(person, external_id=None)
    elif uid:
        identity.said_uid = ""
        uid_moves = set_uid(actor=actor, identity=identity, uid=uid)
        if uid_moves:
            identity.session_epoch += 1
    changes = write_identity(identity, said)
    if identity.said_uid != said_uid:
        changes["said_uid"] = (said_uid, identity.said_uid)
    _follow_rename(actor=actor, connection=connection, identity=identity)
    if identity.pushed_at is None:
        identity.pushed_at = timezone.now()
    identity.deleted_at = None
    wished = person.active if was_resource or person.active is not None else True
    meaning = _set_active(actor=actor, identity=identity, active=wished, reason="deactivated by the IdP")
    save_identity(identity)
    if changes or decision not in {Decision.APPLY, Decision.DRIFT}:
        events.record(actor=actor, kind=f"identity.{_PAST[decision]}", subject=identity, changes=changes)
    followed = project(actor=actor, connection=connection, identity=identity, said=person, uid_moves=uid_moves)
    if not was_resource:
        groups.follow_identity(actor=actor, identity=identity)
    settle(actor=actor, identity=identity, person=person)
    return in_words(decision, noted=changes, followed=followed, active=meaning)


_PAST = {
    Decision.APPLY: "changed",
    Decision.RELINK: "relinked",
    Decision.REVIVE: "revived",
    Decision.ADOPT: "adopted",
    Decision.CLAIM: "changed",
    Decision.DRIFT: "changed",
}


def _make_identity(
    *, actor: Actor, connection: Connection, person: Person, uid: str, derived: bool, email_shared: bool
) -> Identity:
    user = make_user(
        actor=actor,
        connection=connection,
        person=person,
        username=require_user_name(person),
        email_shared=email_shared,
    )
    identity = Identity(connection=connection, user=user, pushed_at=timezone.now(), active=person.active is not False)
    changes = write_identity(identity, person)
    identity.save(force_insert=True)
    events.record(actor=actor, kind="identity.created", subject=identity, changes=changes)
    set_uid(actor=actor, identity=identity, uid=uid, derived=derived)
    return identity


def _follow_rename(*, actor: Actor, connection: Connection, identity: Identity) -> None:
    """R6: a derived UID follows the userName, unless that is somebody's UID already: then it stays as it was."""
    uid = current_uid(identity)
    if uid is not None and (not uid.derived or uid.uid_key == identity.user_name_key):
        return
    owner = _owner(connection, identity.user_name)
    if owner is None or owner.pk == identity.pk:
        set_uid(actor=actor, identity=identity, uid=identity.user_name, derived=True)


def _set_active(*, actor: Actor, identity: Identity, active: bool | None, reason: str) -> ActiveMeans | None:
    """Let ``active`` follow the IdP (None: not said); return what that meant for the user (R20, R22, R25), or None where it changed nothing."""
    was = identity.active
    if active is None or was == active:
        return None
    identity.active = active
    events.record(actor=actor, kind="identity.active_set", subject=identity, changes={"active": (was, active)})
    if expires(was_active=was, active=active):
        identity.session_epoch += 1
        identity.reactivation_requested_at = None
        expiry.expire_by_channel(actor=actor, identity=identity, reason=reason)
        bursts.note_deactivation(actor=actor, identity=identity)
        return ActiveMeans.EXPIRED
    return expiry.note_reactivation(actor=actor, identity=identity)


def _push(
    connection: Connection,
    verb: Verb,
    person: Person,
    *,
    subject: Identity | None,
    owner: Identity | None,
    uid_sent: bool,
) -> Push:
    return Push(
        verb=verb,
        external_id=person.external_id,
        uid_sent=uid_sent,
        user_name_key=key(person.user_name) if person.user_name else None,
        email_key=key(person.email or ""),
        subject=known(subject),
        owner=known(owner),
        owner_is_subject=subject is not None and owner is not None and subject.pk == owner.pk,
        rekeying=connection.rekeying,
    )


def _owner(connection: Connection, uid: str | None) -> Identity | None:
    """Return, locked, who has or had ``uid`` (R5)."""
    if not uid:
        return None
    row = IdentityUid.objects.filter(connection=connection, uid_key=key(uid)).first()
    return None if row is None else _locked(Identity.objects.filter(pk=row.identity_id))


def _offered(connection: Connection, user_name: str) -> Identity | None:
    """Return, locked, whom an administrator offered to the connection under this userName (R10)."""
    offers = Identity.objects.filter(connection=connection, offered_at__isnull=False, user_name_key=key(user_name))
    return _locked(offers)


def _resource(connection: Connection, scim_id: UUID) -> Identity:
    """Return the SCIM resource, locked, or raise `NotFound`: also for one of another connection, never pushed, or deleted."""
    found = _locked(Identity.objects.filter(Identity.RESOURCE, connection=connection, scim_id=scim_id))
    if found is None:
        raise NotFound(f"There is no user with the id {scim_id} in this connection.")
    return found


def _locked(identities: models.QuerySet[Identity]) -> Identity | None:
    """Lock the user, then the identity, and read both as they are under the lock."""
    user_id = identities.values_list("user_id", flat=True).first()
    if user_id is None:
        return None
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    identity = identities.select_related("connection").select_for_update(of=("self",), no_key=True).first()
    if identity is not None:
        identity.user = user
    return identity


def _conflict(
    connection: Connection,
    person: Person,
    *,
    subject: Identity | None,
    owner: Identity | None,
    taken: Identity | None = None,
) -> Conflict:
    """Say which key is whose: the UID is ``owner``'s, the externalId ``taken``'s, or ``subject`` has another externalId (R8a)."""
    other = next((one for one in (owner, taken) if one is not None and one != subject), subject)
    assert other is not None  # noqa: S101 - without anybody known there is nothing to contradict
    cause = Cause.UID if other == owner and other != subject else Cause.EXTERNAL_ID
    if cause is Cause.UID:
        sent = f"{connection.uid_attribute} {person.uid!r}" if person.uid else f"userName {person.user_name!r} (as UID)"
        why = "it belongs to another person of the connection. Check that the UID is unique and the same in SAML and SCIM."
    elif other == subject:
        sent = f"externalId {person.external_id!r}"
        why = "this resource is known under another externalId."
    else:
        sent, why = f"externalId {person.external_id!r}", "it belongs to another person of the connection."
    return Conflict(
        f"The push with the {sent} contradicts what CORE knows: {why} Nothing was changed. {WAY_OUT}",
        Collision(cause, person, other.user_id, other.pk, subject.pk if subject else None),
    )
