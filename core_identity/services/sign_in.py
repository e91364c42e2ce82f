"""Sign in by SSO: find the user of a verified assertion, or make one (R7, R8b, R12, R13)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection as database
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Subquery, UUIDField
from django.utils import timezone

from core_identity.compiled import Compiled, Given
from core_identity.errors import Conflict, MayNotSignIn, MissingAttributes, NoMark, UnknownPerson
from core_identity.event_kinds import EventKind
from core_identity.keys import key
from core_identity.models import Conflict as ConflictRow
from core_identity.models import Connection, Identity, IdentityUid, User
from core_identity.models.connection import Mark
from core_identity.policy.collisions import keys_of
from core_identity.policy.emails import email_as_mark, email_that_follows
from core_identity.policy.expiry import Bar, bar_to_sign_in
from core_identity.policy.projection import FOLLOWS, texts_that_follow
from core_identity.policy.sign_in import Assertion, SignIn, decide_sign_in, mark_that_agrees
from core_identity.selectors.users import standing_of
from core_identity.services import events
from core_identity.services.conflicts import PENDING, settle
from core_identity.services.identities import (
    claim,
    cleaned,
    known,
    make_user,
    project,
    save_identity,
    set_uid,
    write_identity,
)
from core_identity.services.locks import lock_channel
from core_identity.services.refusals import recording_refusals
from core_identity.services.sso_groups import follow_sso_groups
from core_identity.services.transactions import in_one_transaction
from core_identity.services.uniqueness import WAY_OUT, require_claimable, require_free_email, require_free_name
from core_identity.services.unlisted_groups import keep_unlisted_groups
from core_identity.values import Actor, Cause, Collision, Person

BAR_TEXTS = {
    Bar.EXPIRED: "Your access to CORE has been ended.",
    Bar.INACTIVE: "Your organisation has not activated you for CORE.",
    Bar.CONNECTION_OFF: "Sign-in through this connection is switched off.",
    Bar.STAFF: "People who administer CORE cannot sign in through this connection.",
}


def _row_of_uid() -> QuerySet[IdentityUid]:
    return IdentityUid.objects.filter(
        connection=Given("connection", UUIDField()), uid_key=Given("uid_key", CharField())
    ).order_by()


def _of_connection(field: str) -> Subquery:
    return Subquery(Connection.objects.filter(pk=Given("connection", UUIDField())).values(field))


# Each table is found by its primary key, which a sub-query gives. A join by other columns can become quadratic if PostgreSQL believes a table empty.
_KNOWN: Final = Compiled(
    lambda: (
        IdentityUid.objects.select_related("identity__user")
        .filter(
            pk=Subquery(_row_of_uid().values("pk")[:1]),
            identity=Subquery(_row_of_uid().values("identity")[:1]),
            identity__user=Subquery(_row_of_uid().values("identity__user")[:1]),
            uid_key=Given("uid_key", CharField()),
        )
        .annotate(
            connection_enabled=_of_connection("enabled"),
            connection_own_idp=_of_connection("own_idp"),
            conflict_pending=Exists(
                ConflictRow.objects.filter(
                    PENDING,
                    Q(subject=OuterRef("identity"))
                    | Q(other=OuterRef("identity__user"))
                    | Q(uid_key=Given("said_uid_key", CharField()), external_id=Given("external_id", CharField())),
                    connection=Given("connection", UUIDField()),
                )
            ),
        )
        .order_by()
        .select_for_update(of=("identity__user", "identity", "self"), no_key=True)
    )
)
"""The identity of a UID, with user, identity and UID locked. Rows that changed their UID while it waited are not found."""

_SIGNED_IN: Final = f"""
WITH signed_in AS (UPDATE {User._meta.db_table} SET last_login = %(at)s WHERE id = %(user)s)
UPDATE {Identity._meta.db_table} SET signed_in_at = %(at)s WHERE id = %(identity)s
"""  # noqa: S608 - names of our own


@dataclass(frozen=True, slots=True)
class Entrance:
    """The identity that signed in, and how that was decided. ``mark`` is the second fact that agreed (R8b); empty if nobody had the UID."""

    identity: Identity
    decision: SignIn
    mark: str = ""


def sign_in(*, actor: Actor, connection: Connection, person: Person) -> Identity:
    """Do as `enter`, and return the identity only."""
    return enter(actor=actor, connection=connection, person=person).identity


@recording_refusals
def enter(*, actor: Actor, connection: Connection, person: Person) -> Entrance:
    """Return the identity of a verified assertion with its user, after both followed the assertion.

    Raises `MissingAttributes`, `NoMark`, `Conflict`, `UnknownPerson`, `MayNotSignIn` or `InvalidValue`; then nothing is changed.
    """
    person = cleaned(person)
    if not person.uid:
        raise MissingAttributes(
            f"The attribute {connection.uid_attribute} is missing in the message of your identity provider.",
            missing=(connection.uid_attribute,),
            arrived=(),
        )
    # The common case locks one person only; who is new has to stand in the customer's line.
    entered = _enter(actor=actor, connection=connection, person=person, whole_customer=False)
    if entered is None:
        entered = _enter(actor=actor, connection=connection, person=person, whole_customer=True)
    assert entered is not None  # noqa: S101 - with the customer locked there is always an answer or a refusal
    return entered


@in_one_transaction
def _enter(*, actor: Actor, connection: Connection, person: Person, whole_customer: bool) -> Entrance | None:
    """Decide, and apply the decision. Return None if that needs the customer's lock."""
    if whole_customer:
        lock_channel(connection)
        owner = _holder_of_uid(connection, person.uid or "")
    else:
        owner = _known_person(connection, person)
        if owner is None:
            return None
    identities = Identity.objects.filter(connection=connection)
    external = None
    if person.external_id and (owner is None or owner.external_id != person.external_id):
        others = identities.filter(external_id=person.external_id).exclude(pk__in=[owner.pk] if owner else [])
        external = _lock(others.values_list("pk", flat=True).first()) if owner is None else others.first()
    named = None
    if owner is None and person.name_id:
        named = _lock(identities.filter(user_name_key=key(person.name_id)).values_list("pk", flat=True).first())
    known_owner = known(owner)
    said = Assertion(
        external_id=person.external_id,
        name_id_key=key(person.name_id or ""),
        email_key=email_as_mark(person),
        mark_waived=connection.uid_mark == Mark.WAIVED,
        owner=known_owner,
        named=known(named),
        external=known(external),
        rekeying=connection.rekeying,
        uid_key=key(person.uid or ""),
        external_id_may_change=connection.external_id_may_change,
    )
    decision = decide_sign_in(said)
    match decision:
        case SignIn.NO_MARK:
            assert owner is not None  # noqa: S101
            raise NoMark(
                "A user has this UID, but neither the name nor the email in this sign-in matches. "
                f"The sign-in was refused. {WAY_OUT}",
                Collision(Cause.NO_MARK, person, owner.user_id, owner.pk),
            )
        case SignIn.CONFLICT:
            other = external or named
            assert other is not None  # noqa: S101
            raise Conflict(
                f"The externalId in this sign-in belongs to another person of the connection. The sign-in was refused. {WAY_OUT}",
                Collision(Cause.EXTERNAL_ID, person, other.user_id, other.pk, owner.pk if owner else None),
            )
        case SignIn.CREATE:
            with events.together():
                return Entrance(_make(actor=actor, connection=connection, person=person), decision)
        case SignIn.TAKE_OVER_DERIVED | SignIn.CLAIM:
            identity = named
        case SignIn.MOVE_UID:
            identity = external
        case SignIn.ENTER:
            identity = owner
    assert identity is not None  # noqa: S101 - both decisions speak of somebody
    texts = texts_that_follow(person, {source: getattr(identity, source) for source in FOLLOWS})
    person = replace(person, email=email_that_follows(person, identity.email), **texts)
    if decision is SignIn.CLAIM:
        require_claimable(connection=connection, person=person, identity=identity)
    require_open_gate(identity)
    if person.name_id and key(person.name_id) not in {identity.name_id_key, identity.user_name_key}:
        if not whole_customer:
            return None
        require_free_name(actor=actor, connection=connection, person=person, subject=identity)
    uid_moves = False
    if decision is SignIn.CLAIM:
        require_free_email(connection=connection, person=person, subject=identity)
        claim(actor=actor, identity=identity)
    if known_owner is None or known_owner.derived:  # R6: what a sign-in sends is not derived any more
        uid_moves = set_uid(actor=actor, identity=identity, uid=person.uid or "")
        identity.__dict__.pop("uid_now", None)
    _follow(actor=actor, connection=connection, identity=identity, person=person, uid_moves=uid_moves)
    return Entrance(identity, decision, mark_that_agrees(said) if known_owner else "")


def _make(*, actor: Actor, connection: Connection, person: Person) -> Identity:
    wanted = {"first_name": person.given_name, "last_name": person.family_name, "email": person.email}
    missing = tuple(name for name, value in wanted.items() if not (value or "").strip())
    if not connection.sso_makes_users:
        raise UnknownPerson("You are not known in CORE yet. Ask your administrator to provision you first.")
    if missing:
        raise MissingAttributes(
            "Your identity provider did not send everything that CORE needs to identify you.",
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
    _greet(actor=actor, connection=connection, identity=identity, person=person)
    return identity


def _follow(*, actor: Actor, connection: Connection, identity: Identity, person: Person, uid_moves: bool) -> None:
    """Copy the assertion to the identity and, by the same policy, to the user (R13)."""
    changes = write_identity(identity, person)
    signed_in_before = identity.signed_in_at
    if uid_moves:
        identity.session_epoch += 1  # R21: as after any relink; the session of this sign-in begins later
    if changes or uid_moves:
        save_identity(identity)
    if changes:
        events.record(actor=actor, kind=EventKind.IDENTITY_CHANGED, subject=identity, changes=changes)
    project(actor=actor, connection=connection, identity=identity, said=person, uid_moves=uid_moves)
    _greet(actor=actor, connection=connection, identity=identity, person=person, signed_in_before=signed_in_before)


def _greet(
    *,
    actor: Actor,
    connection: Connection,
    identity: Identity,
    person: Person,
    signed_in_before: datetime | None = None,
) -> None:
    if person.groups_unlisted and identity.connection.takes_sso_groups:
        keep_unlisted_groups(actor=actor, identity=identity, listed_at=signed_in_before)
    else:
        follow_sso_groups(actor=actor, identity=identity, names=person.groups)
    identity.signed_in_at = identity.user.last_login = timezone.now()
    with database.cursor() as cursor:
        cursor.execute(_SIGNED_IN, {"at": identity.signed_in_at, "user": identity.user_id, "identity": identity.pk})
    if getattr(identity, "conflict_pending", True):
        settle(actor=actor, identity=identity, person=person)
    events.record(actor=actor, kind=EventKind.USER_SIGNED_IN, subject=identity.user, connection=connection)


def require_open_gate(identity: Identity) -> None:
    """Raise `MayNotSignIn` if the user of ``identity`` (with its connection loaded) may not sign in (R21, R22, R26)."""
    bar = bar_to_sign_in(standing_of(identity))
    if bar is not None:
        raise MayNotSignIn(bar.value, BAR_TEXTS[bar], user_id=identity.user_id)


def _known_person(connection: Connection, person: Person) -> Identity | None:
    """Return the identity with this UID, locked. None if nobody has it, or if it has moved meanwhile. One query; two for a former UID."""
    keys = keys_of(person)
    found = _KNOWN.first(
        connection=connection.pk,
        uid_key=key(person.uid or ""),
        said_uid_key=keys.uid_key,
        external_id=keys.external_id,
    )
    if found is None:
        return None
    identity = found.identity
    identity.connection = connection
    connection.enabled = found.connection_enabled  # type: ignore[attr-defined]  # annotated
    connection.own_idp = found.connection_own_idp  # type: ignore[attr-defined]
    if found.current:
        identity.__dict__["uid_now"] = found
    identity.__dict__["conflict_pending"] = found.conflict_pending  # type: ignore[attr-defined]  # annotated
    return identity


def _holder_of_uid(connection: Connection, uid: str) -> Identity | None:
    row = IdentityUid.objects.filter(connection=connection, uid_key=key(uid)).values_list("identity_id", flat=True)
    holder = _lock(row.first())
    # Under the lock the UID may have moved on: read again rather than trust the first look.
    return holder if holder is not None and holder.pk == row.first() else None


def _lock(identity_id: UUID | None) -> Identity | None:
    if identity_id is None:
        return None
    user_id = Identity.objects.values_list("user_id", flat=True).get(pk=identity_id)
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    identity = (
        Identity.objects.select_for_update(of=("self",), no_key=True).select_related("connection").get(pk=identity_id)
    )
    identity.user = user
    return identity
