"""Refuse a userName or email that another user of the customer holds now (R9). The caller holds the customer's lock."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.db import transaction
from django.db.models import BooleanField, F, Func, Q, QuerySet

from core_identity.brand import BRAND
from core_identity.errors import Conflict, TryAgain
from core_identity.keys import key, message_keys
from core_identity.models import Conflict as ConflictRow
from core_identity.models import Connection, Identity, User
from core_identity.models.conflict import ConflictState
from core_identity.selectors.users import guarded_users
from core_identity.services import events
from core_identity.services.identities import release_user_name
from core_identity.values import Actor, Cause, Collision, Person

T = TypeVar("T")

WAY_OUT = (
    f"If you cannot correct this at the identity provider, ask a {BRAND} administrator to decide it under Conflicts in the administration, "
    "by this reference. Then send the same again."
)


class NameHeld(Exception):
    """An inactive identity has the userName of a push with another externalId (R8). ``conflict`` is the answer if the name is not released."""

    def __init__(self, holder: Identity, conflict: Conflict) -> None:
        self.holder, self.conflict = holder, conflict


def release_name_if_retry_succeeds(*, actor: Actor, act: Callable[[], T]) -> T | TryAgain:
    """Return what ``act`` returns, or `TryAgain` after releasing a userName that an inactive person had (R8).

    The retry is tried first and undone. If it would be refused, that refusal is the answer, and no name is released.
    """
    try:
        with transaction.atomic(), events.together():
            return act()
    except NameHeld as name_held:
        with transaction.atomic(), events.together() as tried_out:
            release_user_name(actor=actor, identity=name_held.holder)
            act()
            transaction.set_rollback(True)
            tried_out.clear()
        holder = Identity.objects.get(pk=name_held.holder.pk)
        release_user_name(actor=actor, identity=holder)
        return TryAgain(
            f"The userName {holder.user_name!r} belonged to a deactivated person and is free now. Send the same request again: it succeeds."
        )


def require_free_name(*, actor: Actor, connection: Connection, person: Person, subject: Identity | None) -> None:
    """Raise `Conflict` if another user of the customer has this name now. For SSO the NameID counts as userName (R9).

    Raise `NameHeld` if an inactive identity of this connection must release the name for a push with another externalId (R8). A deleted identity
    releases it at once, and so does an inactive one after an administrator decided about this push.
    """
    user_name = person.user_name or person.name_id or ""
    external_id = person.external_id or (subject.external_id if subject else None)
    name_key, mine = key(user_name), [subject.user_id] if subject else []
    holder = Identity.objects.filter(connection=connection, user_name_key=name_key).exclude(user_id__in=mine).first()
    if holder is not None and holder.deleted_at is not None:
        release_user_name(actor=actor, identity=holder)
    elif (
        holder is not None
        and person.user_name
        and not holder.active
        and external_id
        and external_id != holder.external_id
    ):
        if not is_decided(connection, person):
            raise NameHeld(holder, _name_conflict(connection, person, holder.user, subject))
        release_user_name(actor=actor, identity=holder)
    others = [user for user in users_with_name(connection, name_key) if user.pk not in mine]
    other = _undecided(others, connection, person, subject)
    if other is not None:
        raise _name_conflict(connection, person, other, subject)


def _name_conflict(connection: Connection, person: Person, other: User, subject: Identity | None) -> Conflict:
    return Conflict(
        f"The userName {person.user_name or person.name_id or ''!r} is already in use by another user of this customer in {BRAND}. "
        f"Nothing was created or changed. {WAY_OUT}",
        _collision(Cause.USER_NAME, connection, person, other, subject),
    )


def require_free_email(*, connection: Connection, person: Person, subject: Identity | None = None) -> bool:
    """Raise `Conflict` if another user of the customer holds this email now, in CORE or at an IdP (R9).

    Called on create and adoption only. Return whether the address is shared with an administrator's permission (*different people*).
    """
    if not person.email:
        return False
    mine = [subject.user_id] if subject else []
    others = [user for user in holders_of_email(connection, key(person.email)) if user.pk not in mine]
    if not others:
        return False
    other = _undecided(others, connection, person, subject)
    if other is not None:
        raise Conflict(
            f"The email address {person.email!r} is already in use by another user of this customer in {BRAND}. "
            "Nothing was created or changed. If both are the same person, check that SAML and SCIM send the same UID for "
            f"them. {WAY_OUT}",
            _collision(Cause.EMAIL, connection, person, other, subject),
        )
    return True


def _undecided(others: list[User], connection: Connection, person: Person, subject: Identity | None) -> User | None:
    """Return the first of these users about whom no administrator has decided *different people* for this message (R9). One query, or none."""
    if not others:
        return None
    different = set(different_people(connection, person, subject).values_list("other_id", flat=True))
    return next((other for other in others if other.pk not in different), None)


def require_claimable(*, connection: Connection, person: Person, identity: Identity) -> None:
    """Raise `Conflict` if the user of an offer could not be offered any more (R10), unless an administrator decided *same person*.

    The offer may be old. If the user has become staff or expired, or holds a protected role now, only an administrator can link them (R11).
    """
    user = identity.user
    barred = user.expired_at is not None or guarded_users().filter(pk=user.pk).exists()
    if barred and not is_confirmed(connection, person, subject=identity):
        raise Conflict(
            f"The userName {identity.user_name!r} was offered to this connection, and cannot be claimed at present. "
            f"Nothing was changed. {WAY_OUT}",
            _collision(Cause.USER_NAME, connection, person, user, None if _has_keys(person) else identity),
        )


def is_confirmed(connection: Connection, person: Person, *, subject: Identity | None = None) -> bool:
    """Whether an administrator decided *same person* for this UID and externalId, and no message was accepted since.

    A message without keys is recognised by its ``subject``, the identity of the ``id`` in the address.
    """
    same = _same(person) if _has_keys(person) or subject is None else Q(subject=subject, uid_key="", external_id="")
    return ConflictRow.objects.filter(same, connection=connection, let_through=True).exists()


def is_decided(connection: Connection, person: Person) -> bool:
    """Whether an administrator decided that a message with this UID and externalId is accepted (R9)."""
    decided = Q(let_through=True) | Q(state=ConflictState.DIFFERENT_PEOPLE)
    return ConflictRow.objects.filter(_same(person), decided, connection=connection).exists()


def different_people(connection: Connection, person: Person, subject: Identity | None) -> QuerySet[ConflictRow]:
    """Return the resolutions that let this person share a name or address with another user; a subquery of ``other_id`` (R9)."""
    whose = _same(person) if subject is None else _same(person) | Q(subject=subject)
    return ConflictRow.objects.filter(whose, connection=connection, state=ConflictState.DIFFERENT_PEOPLE)


def _same(person: Person) -> Q:
    """Return the condition for conflicts with the same keys. A message without keys equals no other, because two may be about two people."""
    keys = message_keys(person)
    return Q(uid_key=keys.uid_key, external_id=keys.external_id) if _has_keys(person) else Q(pk__in=[])


def _has_keys(person: Person) -> bool:
    keys = message_keys(person)
    return bool(keys.uid_key or keys.external_id)


_HAS_NAME_ID: Final = Func(F("name_id_key"), template="%(expressions)s <> ''", output_field=BooleanField())
"""The condition of the index of NameIDs, with the empty text in the SQL itself: a generic plan cannot use the index if the text is a parameter."""


def users_with_name(connection: Connection, name_key: str) -> list[User]:
    """Return the users of the customer with this name now.

    That is the userName of an identity, the NameID if SCIM never pushed the identity, or the username of a user without identities.
    """
    identities = _live_identities(connection)
    pushed = identities.filter(user_name_key=name_key)
    signed_in_only = identities.filter(name_id_key=name_key, pushed_at__isnull=True).filter(_HAS_NAME_ID)
    created_here = User.objects.filter(username_key=name_key, identities__isnull=True).order_by()
    return _users(connection, pushed.values("user").union(signed_in_only.values("user"), created_here.values("pk")))


def holders_of_email(connection: Connection, email_key: str) -> list[User]:
    """Return the users of the customer who hold an address now and may not share it."""
    sent = _live_identities(connection).filter(email_key=email_key)
    own = User.objects.filter(email_key=email_key).order_by()
    holders = _users(connection, sent.values("user").union(own.values("pk"))) if email_key else []
    return [user for user in holders if not user.email_shared]


def _live_identities(connection: Connection) -> QuerySet[Identity]:
    return Identity.objects.filter(connection__customer=connection.customer_id, deleted_at__isnull=True).order_by()


def _users(connection: Connection, ids: Any) -> list[User]:
    """Return those users with these ids who belong to the customer and are not tombstones.

    ``ids`` is a UNION of look-ups that each have an index. The other conditions are applied here, because PostgreSQL believes that a table
    without statistics is small, and would read all users of the customer instead of joining.
    """
    found = [pk for row in ids for pk in row.values()]
    users = User.objects.filter(pk__in=found) if found else ()
    return [user for user in users if user.customer_id == connection.customer_id and user.merged_into_id is None]


def _collision(
    cause: Cause, connection: Connection, person: Person, other: User, subject: Identity | None
) -> Collision:
    theirs = Identity.objects.filter(connection=connection, user=other).values_list("pk", flat=True).first()
    return Collision(cause, person, other.pk, theirs, subject.pk if subject else None)
