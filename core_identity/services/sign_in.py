"""Sign in by SSO: find the user of a verified assertion, or create one (R7, R8b, R12, R13)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from core_identity.attributes import NAMES
from core_identity.brand import BRAND
from core_identity.errors import Conflict, MayNotSignIn, MissingAttributes, NoMark, UnknownPerson
from core_identity.event_kinds import EventKind
from core_identity.keys import key
from core_identity.models import Connection, Identity
from core_identity.policy.expiry import Bar, bar_to_sign_in
from core_identity.policy.matching import Known
from core_identity.policy.projection import FOLLOWS, email_that_follows, texts_that_follow
from core_identity.policy.sign_in import SignIn, decide_sign_in, mark_that_agrees
from core_identity.selectors.users import standing_of
from core_identity.services import events, row_writes
from core_identity.services.candidates import Candidates, find_candidates
from core_identity.services.conflicts import close_conflicts_of_message
from core_identity.services.identities import (
    changed_columns,
    claim,
    clean_person,
    columns_of,
    make_user,
    project,
    set_uid,
    write_identity,
)
from core_identity.services.sso_groups import follow_sso_groups, keep_unlisted_groups
from core_identity.services.transactions import in_one_transaction, recording_refusals
from core_identity.services.uniqueness import WAY_OUT, require_claimable, require_free_email, require_free_name
from core_identity.values import Actor, Cause, Collision, Person

BAR_TEXTS = {
    Bar.EXPIRED: f"You no longer have access to {BRAND}.",
    Bar.INACTIVE: f"Your company has not activated you for {BRAND}.",
    Bar.CONNECTION_OFF: "Sign-in through this connection is switched off.",
    Bar.STAFF: f"People who administer {BRAND} cannot sign in through this connection.",
}


@dataclass(frozen=True, slots=True)
class Entrance:
    """The identity that signed in, and how that was decided. ``mark`` is the second fact that agreed (R8b); empty if nobody had the UID."""

    identity: Identity
    decision: SignIn
    mark: str = ""


@recording_refusals
def enter(*, actor: Actor, connection: Connection, person: Person) -> Entrance:
    """Return the identity of a verified assertion with its user, after both followed the assertion.

    Raises `MissingAttributes`, `NoMark`, `Conflict`, `UnknownPerson`, `MayNotSignIn` or `InvalidValue`; then nothing is changed.
    """
    person = clean_person(person)
    if not person.uid:
        raise MissingAttributes(
            f"The attribute {connection.uid_attribute} is missing in the message of your identity provider.",
            missing=(connection.uid_attribute,),
            arrived=(),
        )
    # A known person needs only the lock of their own rows. A new person needs the lock of the customer.
    entered = _enter(actor=actor, connection=connection, person=person, whole_customer=False)
    if entered is None:
        entered = _enter(actor=actor, connection=connection, person=person, whole_customer=True)
    assert entered is not None  # noqa: S101 - with the customer locked there is always an answer or a refusal
    return entered


@in_one_transaction
@events.together()
def _enter(*, actor: Actor, connection: Connection, person: Person, whole_customer: bool) -> Entrance | None:
    """Decide, and apply the decision. Return None if that needs the customer's lock."""
    candidates = find_candidates(connection, person, whole_customer=whole_customer)
    if candidates is None:
        return None
    decision = decide_sign_in(candidates.assertion)
    _refuse(decision, person, candidates)
    if decision is SignIn.CREATE:
        return Entrance(_make(actor=actor, connection=connection, person=person), decision)
    identity = candidates.chosen_by(decision)
    before = columns_of(identity)
    person = _as_stored(person, identity)
    claims = decision is SignIn.CLAIM
    if claims:
        require_claimable(connection=connection, person=person, identity=identity)
    require_open_gate(identity)
    if _has_new_name(person, identity):
        if not whole_customer:
            return None
        require_free_name(actor=actor, connection=connection, person=person, subject=identity)
    if claims:
        require_free_email(connection=connection, person=person, subject=identity)
        claim(actor=actor, identity=identity)
    uid_moves = _take_uid(actor=actor, identity=identity, person=person, owner=candidates.assertion.owner)
    _follow(actor=actor, connection=connection, identity=identity, before=before, person=person, uid_moves=uid_moves)
    return Entrance(identity, decision, mark_that_agrees(candidates.assertion) if candidates.owner else "")


def _refuse(decision: SignIn, person: Person, candidates: Candidates) -> None:
    """Raise the conflict of a decision that opens no account (R8b)."""
    owner = candidates.owner
    if decision is SignIn.NO_MARK:
        assert owner is not None  # noqa: S101
        raise NoMark(
            "A user has this UID, but neither the name nor the email in this sign-in matches. "
            f"The sign-in was refused. {WAY_OUT}",
            Collision(Cause.NO_MARK, person, owner.user_id, owner.pk),
        )
    if decision is SignIn.CONFLICT:
        other = candidates.external or candidates.named
        assert other is not None  # noqa: S101
        raise Conflict(
            f"The externalId in this sign-in belongs to another person of the connection. The sign-in was refused. {WAY_OUT}",
            Collision(Cause.EXTERNAL_ID, person, other.user_id, other.pk, owner.pk if owner else None),
        )


def _as_stored(person: Person, identity: Identity) -> Person:
    """Return the assertion with the stored value of each field that differs only in blanks, or has several values (R12)."""
    texts = texts_that_follow(person, {source: getattr(identity, source) for source in FOLLOWS})
    return replace(person, email=email_that_follows(person, identity.email), **texts)


def _has_new_name(person: Person, identity: Identity) -> bool:
    """Whether the NameID is a name that the connection does not know for this identity, so that it must be free (R9)."""
    return bool(person.name_id) and key(person.name_id or "") not in {identity.name_id_key, identity.user_name_key}


def _take_uid(*, actor: Actor, identity: Identity, person: Person, owner: Known | None) -> bool:
    """Give the identity the UID of the assertion, unless it has this UID and the UID is not derived (R6). Return whether it changed."""
    if owner is not None and not owner.derived:
        return False
    return set_uid(actor=actor, identity=identity, uid=person.uid or "")


def _make(*, actor: Actor, connection: Connection, person: Person) -> Identity:
    values = {**{name.field: getattr(person, name.source) for name in NAMES}, "email": person.email}
    missing = tuple(name for name, value in values.items() if not (value or "").strip())
    if not connection.sso_creates_users:
        raise UnknownPerson(f"You are not known in {BRAND} yet. Ask your administrator to provision you first.")
    if missing:
        raise MissingAttributes(
            f"Your identity provider did not send everything that {BRAND} needs to identify you.",
            missing=missing,
            arrived=(),
        )
    if person.name_id:
        require_free_name(actor=actor, connection=connection, person=person, subject=None)
    shared = require_free_email(connection=connection, person=person)
    user = make_user(
        actor=actor, connection=connection, person=person, username=person.email or "", email_shared=shared
    )
    identity = Identity(connection=connection, user=user)
    changes = write_identity(identity, person)
    identity.save(force_insert=True)
    events.record(actor=actor, kind=EventKind.IDENTITY_CREATED, subject=identity, changes=changes)
    set_uid(actor=actor, identity=identity, uid=person.uid or "")
    _finish(actor=actor, connection=connection, identity=identity, person=person)
    return identity


def _follow(
    *,
    actor: Actor,
    connection: Connection,
    identity: Identity,
    before: Mapping[str, Any],
    person: Person,
    uid_moves: bool,
) -> None:
    """Copy the assertion to the identity and, by the same policy, to the user (R13). ``before`` are the stored columns of the identity."""
    changes = write_identity(identity, person)
    signed_in_before = identity.signed_in_at
    if uid_moves:
        identity.session_epoch += 1  # R21: as after any relink; the session of this sign-in begins later
    to_save = changed_columns(identity, before)
    if changes:
        events.record(actor=actor, kind=EventKind.IDENTITY_CHANGED, subject=identity, changes=changes)
    followed = project(actor=actor, connection=connection, identity=identity, person=person, uid_moves=uid_moves)
    _finish(
        actor=actor,
        connection=connection,
        identity=identity,
        person=person,
        to_save=to_save,
        followed=followed,
        signed_in_before=signed_in_before,
    )


def _finish(
    *,
    actor: Actor,
    connection: Connection,
    identity: Identity,
    person: Person,
    to_save: Iterable[str] = (),
    followed: Iterable[str] = (),
    signed_in_before: datetime | None = None,
) -> None:
    """Adjust the roles, and write the sign-in. ``to_save`` and ``followed`` are the changed columns of the identity and of its user."""
    if person.groups_unlisted and identity.connection.takes_sso_groups:
        keep_unlisted_groups(actor=actor, identity=identity, listed_at=signed_in_before)
    else:
        follow_sso_groups(actor=actor, identity=identity, names=person.groups)
    identity.signed_in_at = identity.user.last_login = timezone.now()
    events.record(actor=actor, kind=EventKind.USER_SIGNED_IN, subject=identity.user, connection=connection)
    row_writes.write(
        updates=[(identity.user, [*followed, "last_login"]), (identity, [*to_save, "signed_in_at"])],
        inserts=events.take_gathered(),
    )
    close_conflicts_of_message(actor=actor, identity=identity, person=person)


def require_open_gate(identity: Identity) -> None:
    """Raise `MayNotSignIn` if the user of ``identity`` (with its connection loaded) may not sign in (R21, R22, R26)."""
    bar = bar_to_sign_in(standing_of(identity))
    if bar is not None:
        raise MayNotSignIn(bar.value, BAR_TEXTS[bar], user_id=identity.user_id)
