"""Let an administrator change the link between a user and a connection: offer, release a UID, relink (R5, R8a, R10)."""

from collections.abc import Collection
from uuid import UUID

from django.utils import timezone

from core_identity.attributes import NAMES
from core_identity.errors import NameTaken, NotAllowed, NotFound
from core_identity.event_kinds import EventKind
from core_identity.keys import clean_name, key
from core_identity.models import Connection, Identity, IdentityUid, User
from core_identity.selectors.users import guarded_users
from core_identity.services import events, groups
from core_identity.services.conflicts import close_outdated_conflicts
from core_identity.services.identities import accept_drift, save_identity, set_uid
from core_identity.services.locks import lock_customer, lock_identity
from core_identity.services.permissions import require_superuser
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor


def obstacles_to_offer(connection: Connection, users: Collection[User]) -> dict[UUID, str]:
    """Return for each of ``users`` who cannot be offered the reason, as words after the name (R10). A constant number of queries."""
    ids = [user.pk for user in users]
    guarded = set(guarded_users().filter(pk__in=ids).values_list("pk", flat=True))
    there = Identity.objects.filter(connection=connection)
    known = set(there.filter(user__in=ids).values_list("user_id", flat=True))
    names = set(
        there.filter(user_name_key__in=[user.username_key for user in users]).values_list("user_name_key", flat=True)
    )

    def obstacle(user: User) -> str:
        if user.customer_id != connection.customer_id:
            return f"belongs to another customer than {connection}"
        if user.merged_into_id is not None or user.expired_at is not None:
            return "is expired"
        if user.pk in guarded:
            return "is staff or holds a protected role"
        if user.pk in known:
            return f"is known to {connection} already"
        if user.username_key in names:
            return f"has a username that is another person's userName in {connection}"
        return ""

    return {user.pk: why for user in users if (why := obstacle(user))}


def offerable(connection: Connection, domain: str) -> list[UUID]:
    """Return the users of the customer with an address in ``domain`` who can be offered (R10). A constant number of queries."""
    ending = "@" + key(domain.removeprefix("@"))
    users = list(User.objects.filter(customer=connection.customer_id, email_key__endswith=ending).order_by("pk"))
    obstacles = obstacles_to_offer(connection, users)
    return [user.pk for user in users if user.pk not in obstacles]


@in_one_transaction
def offer(*, actor: Actor, connection: Connection, user_ids: Collection[UUID], reason: str) -> int:
    """Offer users whom administrators created. The IdP claims a user by a message with the username (R10). Return how many. All or none are offered.

    Raises `NotFound`, and `NotAllowed` with the names that cannot be offered. A constant number of statements.
    """
    lock_customer(connection.customer_id)
    users = list(User.objects.select_for_update(no_key=True).filter(pk__in=user_ids).order_by("pk"))
    if len(users) != len(set(user_ids)):
        raise NotFound("There is no such user.")
    obstacles = obstacles_to_offer(connection, users)
    refused = [f"{user} {obstacles[user.pk]}" for user in users if user.pk in obstacles]
    if refused:
        raise NotAllowed(f"Nobody was offered: {'; '.join(refused[:10])}.")
    now = timezone.now()
    offers = Identity.objects.bulk_create(
        Identity(
            connection=connection,
            user=user,
            offered_at=now,
            user_name=user.username,
            user_name_key=user.username_key,
            email=user.email,
            email_key=user.email_key,
            **{name.source: getattr(user, name.field) for name in NAMES},
        )
        for user in users
    )
    events.record_many(
        events.new_event(
            actor=actor,
            kind=EventKind.IDENTITY_OFFERED,
            subject=one,
            changes={"user_name": (None, one.user_name)},
            reason=reason,
        )
        for one in offers
    )
    return len(users)


@in_one_transaction
def withdraw(*, actor: Actor, identity_id: UUID, reason: str) -> None:
    """Withdraw an offer that nobody has claimed. Raises `NotFound`, `NotAllowed`."""
    identity = lock_identity(identity_id)
    require_superuser(actor, [identity.user])
    if identity.offered_at is None:
        raise NotAllowed(f"{identity} is claimed by {identity.connection} already.")
    events.record(actor=actor, kind=EventKind.IDENTITY_OFFER_WITHDRAWN, subject=identity, reason=reason)
    groups.drop_grants(actor=actor, identity=identity)
    identity.memberships.all().delete()
    identity.delete()


def releasable(row: IdentityUid) -> bool:
    """Whether a UID may be released: it is a former one, or its owner is expired or deleted (R5)."""
    identity = row.identity
    return not row.current or identity.user.expired_at is not None or identity.deleted_at is not None


@in_one_transaction
def release(*, actor: Actor, uid_id: UUID, reason: str) -> None:
    """Release a UID, so that another person can have it (R5). Raises `NotFound`; `NotAllowed` for the current UID of a user who is not expired."""
    found = IdentityUid.objects.filter(pk=uid_id).values_list("identity_id", flat=True).first()
    if found is None:
        raise NotFound("There is no such UID.")
    identity = lock_identity(found)
    row = IdentityUid.objects.filter(pk=uid_id).select_related("identity__user").first()
    if row is None:
        raise NotFound("This UID no longer exists.")
    require_superuser(actor, [identity.user])
    if not releasable(row):
        raise NotAllowed(f"{row} is the current UID of {identity.user}, who is not expired. Expire them first.")
    row.delete()
    identity.session_epoch += 1
    save_identity(identity)
    events.record(
        actor=actor,
        kind=EventKind.IDENTITY_UID_RELEASED,
        subject=identity,
        changes={"uid": (row.uid, None)},
        reason=reason,
    )
    close_outdated_conflicts(actor=actor, user=identity.user)


@in_one_transaction
def relink(*, actor: Actor, identity_id: UUID, uid: str, reason: str) -> Identity:
    """Give an identity another UID as an administrator. Its sessions end (R8a). Raises `NotFound`, `NameTaken`, `NotAllowed`."""
    uid = clean_name(uid, field="UID")
    if not uid:
        raise NotAllowed("A UID cannot be empty.")
    identity = lock_identity(identity_id)
    require_superuser(actor, [identity.user])
    give_uid(actor=actor, identity=identity, uid=uid)
    events.record(
        actor=actor, kind=EventKind.IDENTITY_RELINKED, subject=identity, changes={"uid": (None, uid)}, reason=reason
    )
    return identity


def give_uid(*, actor: Actor, identity: Identity, uid: str) -> None:
    """Move the current UID of an identity and end its sessions (R8a, R21). The caller holds the locks. Raises `NameTaken`."""
    holder = (
        IdentityUid.objects.filter(connection=identity.connection, uid_key=key(uid)).select_related("identity").first()
    )
    if holder is not None and holder.identity_id != identity.pk:
        raise NameTaken(f"The UID {uid!r} is {holder.identity}'s. Release it there, or merge the two.")
    accept_drift(identity, uid=uid)
    set_uid(actor=actor, identity=identity, uid=uid)
    identity.session_epoch += 1
    save_identity(identity)
