"""R9: a userName or email that another user of the customer holds now. The caller holds the customer's lock."""

from typing import Any

from django.db.models import Q, QuerySet

from core_identity.errors import Conflict, TryAgain
from core_identity.keys import key
from core_identity.models import Conflict as ConflictRow
from core_identity.models import Connection, Identity, User
from core_identity.models.conflict import ConflictState
from core_identity.policy.collisions import keys_of
from core_identity.selectors.users import guarded_users
from core_identity.services.identities import release_user_name
from core_identity.values import Actor, Cause, Collision, Person

WAY_OUT = (
    "If it cannot be mended at the identity provider, a CORE administrator decides under Conflicts in the administration, by this reference; "
    "after that the same request goes through."
)


class NameGivenUp(Exception):
    """Told to the caller so that the release is committed before `TryAgain` is raised (R8)."""

    def __init__(self, refusal: TryAgain) -> None:
        self.refusal = refusal


def require_free_name(*, actor: Actor, connection: Connection, person: Person, subject: Identity | None) -> None:
    """Raise `Conflict` where another user of the customer is called so now; for SSO the NameID counts as userName (R9).

    An inactive identity of this connection gives its name up to a push with another externalId and raises `NameGivenUp` (R8); a deleted one at once.
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
        release_user_name(actor=actor, identity=holder)
        raise NameGivenUp(
            TryAgain(
                f"The userName {user_name!r} belonged to a deactivated person, who has now given it up. Try again: "
                "the same request will be taken as a new person."
            )
        )
    others = [user for user in called(connection, name_key) if user.pk not in mine]
    other = _not_told_apart(others, connection, person, subject)
    if other is not None:
        raise Conflict(
            f"The userName {user_name!r} is already in use by another user of this customer in CORE. "
            f"Nothing was created or changed. {WAY_OUT}",
            _collision(Cause.USER_NAME, connection, person, other, subject),
        )


def require_free_email(*, connection: Connection, person: Person, subject: Identity | None = None) -> bool:
    """Raise `Conflict` where another user of the customer holds this email now, as CORE or as an IdP has it (R9).

    Asked on create and adoption only. Return whether the address is shared, as an administrator permitted (*different people*).
    """
    if not person.email:
        return False
    mine = [subject.user_id] if subject else []
    others = [user for user in holders_of_email(connection, key(person.email)) if user.pk not in mine]
    if not others:
        return False
    other = _not_told_apart(others, connection, person, subject)
    if other is not None:
        raise Conflict(
            f"The email address {person.email!r} is already held by another user of this customer in CORE. "
            "Nothing was created or changed. If both are the same person, check that SAML and SCIM send the same UID for "
            f"them. {WAY_OUT}",
            _collision(Cause.EMAIL, connection, person, other, subject),
        )
    return True


def _not_told_apart(
    others: list[User], connection: Connection, person: Person, subject: Identity | None
) -> User | None:
    """Return the first of these users whom no administrator has told apart from the person of the message (R9). One query, or none."""
    if not others:
        return None
    told_apart = set(different_people(connection, person, subject).values_list("other_id", flat=True))
    return next((other for other in others if other.pk not in told_apart), None)


def require_claimable(*, connection: Connection, person: Person, identity: Identity) -> None:
    """Raise `Conflict` where whom an offer is about could not be offered any more (R10), unless an administrator said *same person*.

    It may be long ago that they were: who is staff, expired or holds a protected role by now is tied in by nobody but an administrator (R11).
    """
    user = identity.user
    barred = user.expired_at is not None or guarded_users().filter(pk=user.pk).exists()
    if barred and not is_confirmed(connection, person):
        raise Conflict(
            f"The userName {identity.user_name!r} was offered to this connection, and cannot be claimed as things are now. "
            f"Nothing was changed. {WAY_OUT}",
            _collision(Cause.USER_NAME, connection, person, user, None),
        )


def is_confirmed(connection: Connection, person: Person) -> bool:
    """Whether an administrator said *same person* of this UID and externalId, and nothing has come through since."""
    return ConflictRow.objects.filter(_same(person), connection=connection, let_through=True).exists()


def different_people(connection: Connection, person: Person, subject: Identity | None) -> QuerySet[ConflictRow]:
    """Return the resolutions by which whoever sends this may share a name or address with somebody; a subquery of ``other_id`` (R9)."""
    whose = _same(person) if subject is None else _same(person) | Q(subject=subject)
    return ConflictRow.objects.filter(whose, connection=connection, state=ConflictState.DIFFERENT_PEOPLE)


def _same(person: Person) -> Q:
    keys = keys_of(person)
    return Q(uid_key=keys.uid_key, external_id=keys.external_id)


def called(connection: Connection, name_key: str) -> list[User]:
    """Return the users of the customer with this name now.

    That is the userName of an identity, the NameID where SCIM never pushed the identity, or the username of a user without identities.
    """
    identities = _live_identities(connection)
    pushed = identities.filter(user_name_key=name_key)
    signed_in_only = identities.filter(name_id_key=name_key, pushed_at__isnull=True)
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
    """Return the users with these ids, the few that are of the customer and no tombstone.

    ``ids`` is a UNION of look-ups that each have an index. The rest is judged here: PostgreSQL believes a table that was never analysed to be small,
    and would rather read all users of the customer than join a condition on them with the look-ups.
    """
    found = [pk for row in ids for pk in row.values()]
    users = User.objects.filter(pk__in=found) if found else ()
    return [user for user in users if user.customer_id == connection.customer_id and user.merged_into_id is None]


def _collision(
    cause: Cause, connection: Connection, person: Person, other: User, subject: Identity | None
) -> Collision:
    theirs = Identity.objects.filter(connection=connection, user=other).values_list("pk", flat=True).first()
    return Collision(cause, person, other.pk, theirs, subject.pk if subject else None)
