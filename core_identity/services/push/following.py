"""Copy a push to the identity that it is about, and to its user (R8a, R19, R20). Callers hold the locks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from django.utils import timezone

from core_identity.event_kinds import EventKind
from core_identity.models import Connection, Identity
from core_identity.models.identity import Loaded
from core_identity.policy.expiry import expires
from core_identity.policy.matching import Decision
from core_identity.policy.wording import ActiveMeans, in_words
from core_identity.services import bursts, events, expiry, groups, row_writes
from core_identity.services.conflicts import close_conflicts_of_message
from core_identity.services.identities import (
    changed_columns,
    claim,
    columns_of,
    current_uid,
    new_uid,
    new_user,
    project,
    record_new_user,
    record_uid,
    set_uid,
    write_identity,
)
from core_identity.services.push.locating import owner_of_uid
from core_identity.services.uniqueness import require_claimable
from core_identity.values import Actor, Person


def follow_push(
    *,
    actor: Actor,
    connection: Connection,
    identity: Identity,
    person: Person,
    uid: str | None,
    decision: Decision,
    was_live: bool,
) -> tuple[str, ...]:
    """Copy a push to a known identity, and to its user as far as policy permits. Return notes for the log. Raises `Conflict` (R10)."""
    before, was_resource = columns_of(identity), identity.is_resource
    if identity.offered_at is not None:
        require_claimable(connection=connection, person=person, identity=identity)
        claim(actor=actor, identity=identity)
    uid_change = _UidChange()
    if decision is Decision.DRIFT:
        _keep_as_drift(identity, person.uid, was_live=was_live)
    elif uid:
        uid_change = _follow_uid(actor=actor, identity=identity, uid=uid)
    changes = _follow_values(identity, person, decision, before)
    if not uid or decision is Decision.DRIFT:
        _follow_rename(actor=actor, connection=connection, identity=identity)
    meaning = set_active(
        actor=actor,
        identity=identity,
        active=person.active if was_resource or person.active is not None else True,
        reason="deactivated by the identity provider",
        uid_moves=uid_change.moves,
    )
    # An equal identity keeps its version (RFC 7644 section 3.5.2.1).
    to_save = changed_columns(identity, before, anyway=uid_change.differs)
    if changes or decision not in {Decision.APPLY, Decision.DRIFT}:
        events.record(actor=actor, kind=_KINDS[decision], subject=identity, changes=changes)
    followed = project(actor=actor, connection=connection, identity=identity, person=person, uid_moves=uid_change.moves)
    row_writes.write(
        updates=[(identity, to_save), (identity.user, followed)],
        inserts=events.take_gathered(),
        read_again=(identity, "attributes"),
    )
    if not was_resource:
        groups.follow_identity(actor=actor, identity=identity)
    close_conflicts_of_message(actor=actor, identity=identity, person=person)
    return in_words(decision, noted=changes, followed=followed, active=meaning)


class _UidChange(NamedTuple):
    """``moves``: the identity got another UID. ``differs``: this, or the same UID in another spelling, or one that is no longer derived."""

    moves: bool = False
    differs: bool = False


def _keep_as_drift(identity: Identity, uid: str | None, *, was_live: bool) -> None:
    """Store a UID that nothing else in the message proves (R8a)."""
    identity.drift_uid = uid or ""
    identity.uid_needs_decision = identity.uid_needs_decision or not was_live


def _follow_uid(*, actor: Actor, identity: Identity, uid: str) -> _UidChange:
    """Make ``uid`` the current UID, and end the drift of another one. The sessions of the former UID end."""
    former = current_uid(identity)
    identity.drift_uid = ""
    differs = former is None or former.derived or former.uid != uid
    moves = set_uid(actor=actor, identity=identity, uid=uid)
    if moves:
        identity.session_epoch += 1
        identity.uid_needs_decision = False
    return _UidChange(moves, differs)


def _follow_values(
    identity: Identity, person: Person, decision: Decision, before: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    """Copy the other values to the identity in memory, which is a SCIM resource from now on. Return the changes since ``before``.

    With a UID that is kept as drift, the externalId stays too: it may be that of another person (R8a).
    """
    changes = write_identity(identity, replace(person, external_id=None) if decision is Decision.DRIFT else person)
    if identity.drift_uid != before["drift_uid"]:
        changes["drift_uid"] = (before["drift_uid"], identity.drift_uid)
    identity.pushed_at = identity.pushed_at or timezone.now()
    identity.deleted_at = None
    return changes


_KINDS = {
    Decision.APPLY: EventKind.IDENTITY_CHANGED,
    Decision.RELINK: EventKind.IDENTITY_RELINKED,
    Decision.REVIVE: EventKind.IDENTITY_REVIVED,
    Decision.ADOPT: EventKind.IDENTITY_ADOPTED,
    Decision.CLAIM: EventKind.IDENTITY_CHANGED,
    Decision.DRIFT: EventKind.IDENTITY_CHANGED,
}


def make_identity(
    *,
    actor: Actor,
    connection: Connection,
    person: Person,
    username: str,
    uid: str,
    derived: bool,
    email_shared: bool = False,
) -> Identity:
    """Create the user, the identity and the UID of a new person. The caller knows that ``username`` and ``uid`` are free.

    `core_identity.selectors.stored.resource_row_of` takes the identity as if it had been read.
    """
    user = new_user(connection=connection, person=person, username=username, email_shared=email_shared)
    identity = Identity(connection=connection, user=user, pushed_at=timezone.now(), active=person.active is not False)
    changes = write_identity(identity, person)
    current = new_uid(identity, uid, derived=derived)
    record_new_user(actor=actor, connection=connection, user=user)
    events.record(actor=actor, kind=EventKind.IDENTITY_CREATED, subject=identity, changes=changes)
    record_uid(actor=actor, identity=identity, uid_row=current, before=None)
    row_writes.write(inserts=[user, identity, current, *events.take_gathered()], read_again=(identity, "attributes"))
    identity.loaded = Loaded(uid_row=current, groups=())
    return identity


def _follow_rename(*, actor: Actor, connection: Connection, identity: Identity) -> None:
    """Let a derived UID follow the userName, unless another identity has that UID (R6)."""
    uid_row = current_uid(identity)
    if uid_row is not None and (not uid_row.derived or uid_row.uid_key == identity.user_name_key):
        return
    owner = owner_of_uid(connection, identity.user_name)
    if owner is None or owner.pk == identity.pk:
        set_uid(actor=actor, identity=identity, uid=identity.user_name, derived=True)


def set_active(
    *, actor: Actor, identity: Identity, active: bool | None, reason: str, uid_moves: bool = False
) -> ActiveMeans | None:
    """Copy ``active`` from the IdP (None: not sent). Return the meaning for the user (R20, R22, R25), or None if nothing changed.

    ``uid_moves``: the same message contains another UID, so it unexpires nobody (R22).
    """
    was = identity.active
    if active is None or was == active:
        return None
    identity.active = active
    events.record(actor=actor, kind=EventKind.IDENTITY_ACTIVE_SET, subject=identity, changes={"active": (was, active)})
    if expires(was_active=was, active=active):
        identity.session_epoch += 1
        identity.reactivation_requested_at = None
        expiry.expire_by_channel(actor=actor, identity=identity, reason=reason)
        bursts.note_deactivation(actor=actor, identity=identity)
        return ActiveMeans.EXPIRED
    return expiry.note_reactivation(actor=actor, identity=identity, uid_moves=uid_moves)
