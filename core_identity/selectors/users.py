"""Read users: their status, the users that need a superuser, and the look-up by any name."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Q, QuerySet, UUIDField

from core_identity.compiled import Compiled, Given
from core_identity.errors import Ambiguous, NotFound
from core_identity.keys import key
from core_identity.models import (
    Connection,
    Identity,
    IdentityUid,
    User,
)
from core_identity.policy.expiry import Standing
from core_identity.selectors.roles import effective_grants, protected_roles


def standing_of(identity: Identity) -> Standing:
    """Return the input of the gate for a sign-in or session of ``identity``, whose user and connection are loaded."""
    user, connection = identity.user, identity.connection
    return Standing(
        expired=user.expired_at is not None,
        staff=user.is_staff or user.is_superuser,
        identity_active=identity.active and identity.deleted_at is None,
        connection_enabled=connection.enabled,
        own_idp=connection.own_idp,
    )


_IDENTITIES: Final = Compiled(
    lambda: Identity.objects.select_related("connection").filter(user=Given("user", UUIDField()))
)


def identities_of(user: User) -> list[Identity]:
    """Return the identities of a user with their connections, the oldest first. One query."""
    return list(_IDENTITIES.rows(user=user.pk))


def status_of(user: User, identities: Iterable[Identity] | None = None) -> str:
    """Return merged (R11), erased (R34), expired, inactive (no IdP lists the user as active, R25) or active.

    Pass ``identities`` if you have loaded those of the user.
    """
    if user.merged_into_id is not None:
        return "merged"
    if user.erased_at is not None:
        return "erased"
    if user.expired_at is not None:
        return "expired"
    identities = user.identities.all() if identities is None else identities
    words = [identity.active and identity.deleted_at is None for identity in identities]
    return "active" if not words or any(words) else "inactive"


def guarded_users() -> QuerySet[User]:
    """Return the users whom only a superuser may change: staff, superusers, and effective holders of a protected role (R11, R33)."""
    holders = effective_grants().filter(role__in=protected_roles().values("pk")).values("user_id")
    return User.objects.filter(Q(is_staff=True) | Q(is_superuser=True) | Q(pk__in=holders))


def break_glass_users() -> QuerySet[User]:
    """Return the superusers whom no channel can expire: they have a password and no identity, and can sign in (R26)."""
    superusers = User.objects.filter(is_superuser=True, is_staff=True, expired_at__isnull=True, identities__isnull=True)
    return superusers.exclude(Q(password="") | Q(password__startswith=UNUSABLE_PASSWORD_PREFIX))


def user_summary(user: User, identities: Iterable[Identity] | None = None) -> dict[str, Any]:
    """Return the name, email and status of a user as plain JSON values. ``identities`` as in `status_of`."""
    return {
        "id": str(user.pk),
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "status": status_of(user, identities),
    }


def uid_row(connection: Connection, uid: str) -> IdentityUid:
    """Return the row of a UID, current or former. Raise `NotFound` if no identity of the connection has it (R5)."""
    row = IdentityUid.objects.filter(connection=connection, uid_key=key(uid)).select_related("identity__user").first()
    if row is None:
        raise NotFound(f"Nobody in {connection} has or had the UID {uid!r}.")
    return row


def find_user(text: str, *, connection: Connection | None = None) -> User:
    """Return the one user with this UID, userName, username, email, id or SCIM id, within ``connection`` if given.

    Raises `NotFound`, and `Ambiguous` if it fits more than one.
    """
    name = key(text)
    users = User.objects.filter(merged_into__isnull=True)
    by_identity = Q(user_name_key=name) | Q(uids__uid_key=name)
    by_user = Q(username_key=name) | Q(email_key=name) | Q(tombstones__username_key=name)
    try:
        exact = UUID(text)
    except ValueError:
        pass
    else:
        by_identity |= Q(scim_id=exact)
        by_user |= Q(pk=exact) | Q(tombstones=exact)
    identities = Identity.objects.filter(by_identity)
    if connection is not None:
        identities = identities.filter(connection=connection)
        users = users.filter(identities__connection=connection)
    matches = list(users.filter(by_user | Q(identities__in=identities)).distinct()[:2])
    if not matches:
        raise NotFound(f"There is no user known as {text!r}.")
    if len(matches) > 1:
        raise Ambiguous(f"More than one user is known as {text!r}. Use --connection SLUG, or the id.")
    return matches[0]
