"""Of whom a push speaks: what policy has to know, read under locks (R8a). Callers hold the lock of the customer."""

from uuid import UUID

from django.db import models

from core_identity.errors import Conflict, NotFound
from core_identity.keys import key
from core_identity.models import Connection, Identity, IdentityUid, User
from core_identity.policy.matching import Push, Verb
from core_identity.services.identities import known
from core_identity.services.transactions import require_enabled
from core_identity.services.uniqueness import WAY_OUT
from core_identity.values import Cause, Collision, Person


def push_of(
    connection: Connection,
    verb: Verb,
    person: Person,
    *,
    subject: Identity | None,
    owner: Identity | None,
    uid: str | None,
) -> Push:
    return Push(
        verb=verb,
        external_id=person.external_id,
        uid_sent=bool(uid),
        user_name_key=key(person.user_name) if person.user_name else None,
        email_key=key(person.email or ""),
        subject=known(subject),
        owner=known(owner),
        owner_is_subject=subject is not None and owner is not None and subject.pk == owner.pk,
        rekeying=connection.rekeying,
        uid_key=key(uid or ""),
    )


def owner_of_uid(connection: Connection, uid: str | None) -> Identity | None:
    """Return, locked, who has or had ``uid`` (R5)."""
    if not uid:
        return None
    row = IdentityUid.objects.filter(connection=connection, uid_key=key(uid)).first()
    return None if row is None else locked_with_user(Identity.objects.filter(pk=row.identity_id))


def offered_as(connection: Connection, user_name: str) -> Identity | None:
    """Return, locked, whom an administrator offered to the connection under this userName (R10)."""
    offers = Identity.objects.filter(connection=connection, offered_at__isnull=False, user_name_key=key(user_name))
    return locked_with_user(offers)


def resource(connection: Connection, scim_id: UUID) -> Identity:
    """Return the SCIM resource, locked, or raise `NotFound`: also for one of another connection, never pushed, or deleted."""
    found = locked_with_user(Identity.objects.filter(Identity.RESOURCE, connection=connection, scim_id=scim_id))
    if found is None:
        raise NotFound(f"There is no user with the id {scim_id} in this connection.")
    require_enabled(found.connection)
    return found


def locked_with_user(identities: models.QuerySet[Identity]) -> Identity | None:
    """Lock the user, then the identity, and read both as they are under the lock."""
    user_id = identities.values_list("user_id", flat=True).first()
    if user_id is None:
        return None
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    identity = identities.select_related("connection").select_for_update(of=("self",), no_key=True).first()
    if identity is not None:
        identity.user = user
    return identity


def contradiction(
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
