"""Find the identity that a push is about, and read the values that policy needs, under locks (R8a). Callers hold the lock of the customer.

`locked_resource` takes this lock itself.
"""

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from django.db import connection as database

from core_identity.errors import Conflict, NotFound
from core_identity.keys import key
from core_identity.models import Connection, Identity, IdentityUid, User
from core_identity.policy.matching import Known, Push, Verb
from core_identity.selectors.stored import stored_person
from core_identity.services.identities import current_uid, known_values
from core_identity.services.locks import customer_lock, lock_customer, locked_with_user, require_enabled
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
    unsent: frozenset[str] = frozenset(),
    uid_derived: bool = False,
    was: Known | None = None,
) -> Push:
    """Return what policy decides about. ``was`` is the subject before this message, if a part of the message was applied first (R23)."""
    known_subject = known_values(subject)
    if known_subject is not None and was is not None:
        known_subject = replace(known_subject, active=was.active, expired=was.expired)
    return Push(
        verb=verb,
        external_id=person.external_id,
        has_uid=bool(uid),
        user_name_key=key(person.user_name) if person.user_name else None,
        email_key=key(person.email or ""),
        subject=known_subject,
        owner=known_values(owner),
        owner_is_subject=subject is not None and owner is not None and subject.pk == owner.pk,
        rekeying=connection.rekeying,
        uid_key=key(uid or ""),
        unsent=unsent,
        uid_derived=uid_derived,
        external_id_taken=holder_of_external_id(connection, person, but=subject) is not None,
        external_id_may_change=connection.external_id_may_change,
    )


def holder_of_external_id(connection: Connection, person: Person, *, but: Identity | None) -> Identity | None:
    """Return another identity with the externalId of a message. No query if the message repeats the stored one."""
    if not person.external_id or but is None or person.external_id == but.external_id:
        return None
    return Identity.objects.filter(connection=connection, external_id=person.external_id).exclude(pk=but.pk).first()


def owner_of_uid(connection: Connection, uid: str | None, *, subject: Identity | None = None) -> Identity | None:
    """Return the present or former owner of ``uid``, locked (R5). No query if it is the current UID of ``subject``."""
    if not uid:
        return None
    if subject is not None and has_uid(subject, uid):
        return subject
    row = IdentityUid.objects.filter(connection=connection, uid_key=key(uid)).first()
    return None if row is None else locked_with_user(Identity.objects.filter(pk=row.identity_id))


def has_uid(identity: Identity, uid: str) -> bool:
    """Whether ``uid`` is the current UID of an identity, as compared."""
    current = current_uid(identity)
    return current is not None and current.uid_key == key(uid)


def offered_as(connection: Connection, user_name: str) -> Identity | None:
    """Return the identity that an administrator offered to the connection under this userName, locked (R10)."""
    offers = Identity.objects.filter(connection=connection, offered_at__isnull=False, user_name_key=key(user_name))
    return locked_with_user(offers)


def locked_resource(connection: Connection, scim_id: UUID) -> Identity:
    """Lock the customer, and the user and identity of a SCIM resource. Return it as `stored_person` reads it under these locks.

    Raises `NotFound`, also for an identity that is of another connection, was never pushed, or was deleted. Raises `Busy` as `lock_customer` does.
    """
    user_id = _lock(_LOCK_AT_ONCE, connection, scim_id)
    # A separate statement: the rows beside the locked ones must be read after the lock.
    identity = stored_person(connection, scim_id) if user_id else None
    if (
        identity is None or identity.user_id != user_id
    ):  # the customer was not free, or gave the identity to another user just before the lock
        lock_customer(connection.customer_id)
        _lock(_LOCK, connection, scim_id)
        identity = stored_person(connection, scim_id)
    if identity is None:
        raise NotFound(f"There is no user with the id {scim_id} in this connection.")
    require_enabled(identity.connection)
    return identity


def _lock(statement: str, connection: Connection, scim_id: UUID) -> UUID | None:
    """Return the primary key of the locked user."""
    params: dict[str, Any] = {"connection": connection.pk, "scim_id": scim_id}
    params["customer"] = customer_lock(connection.customer_id)
    with database.cursor() as cursor:
        cursor.execute(statement, params)
        row = cursor.fetchone()
    return row[0] if row else None


def _locking(condition: str) -> str:
    return f"""
WITH found AS MATERIALIZED (
    SELECT id, user_id FROM {Identity._meta.db_table}
    WHERE {condition} AND (connection_id = %(connection)s) IS TRUE AND scim_id = %(scim_id)s
)
SELECT u.id FROM {User._meta.db_table} AS u, {Identity._meta.db_table} AS i
WHERE u.id = (SELECT user_id FROM found) AND i.id = (SELECT id FROM found) FOR NO KEY UPDATE OF u, i
"""  # noqa: S608 - names of our own


_LOCK: Final = _locking("TRUE")
"""First the user, then the identity: PostgreSQL locks in the order of the list. Why no join: see `selectors.stored`."""

_LOCK_AT_ONCE: Final = _locking("(SELECT pg_try_advisory_xact_lock(%(customer)s::bigint))")
"""The same after the lock of the customer, and nothing if that is not free. PostgreSQL decides this condition once, before it reads a row."""


def conflict_of_keys(
    connection: Connection,
    person: Person,
    *,
    subject: Identity | None,
    owner: Identity | None,
    holder: Identity | None = None,
) -> Conflict:
    """Return the conflict with the key that contradicts: ``owner`` has the UID, ``holder`` the externalId, or ``subject`` has other keys (R8a)."""
    other_identity = next((one for one in (owner, holder) if one is not None and one != subject), subject)
    assert other_identity is not None  # noqa: S101 - without anybody known there is nothing to contradict
    cause = Cause.UID if other_identity == owner and other_identity != subject else Cause.EXTERNAL_ID
    if cause is Cause.UID:
        key_in_words = (
            f"{connection.uid_attribute} {person.uid!r}" if person.uid else f"userName {person.user_name!r} (as UID)"
        )
        why = "it belongs to another person of the connection. Check that the UID is unique and the same in SAML and SCIM."
    elif other_identity == subject and (not person.external_id or person.external_id == other_identity.external_id):
        # This happens only if the externalId may change. Then it proves nothing without the userName.
        key_in_words = f"userName {person.user_name!r}"
        why = (
            f"the {connection.uid_attribute} and the userName both differ from the stored ones. In this connection the externalId may change, "
            "so it proves nothing alone. Send one of the two unchanged."
        )
    elif other_identity == subject:
        key_in_words = f"externalId {person.external_id!r}"
        why = "this person is stored with another externalId."
    else:
        key_in_words, why = f"externalId {person.external_id!r}", "it belongs to another person of the connection."
    return Conflict(
        f"The {key_in_words} cannot be accepted: {why} Nothing was changed. {WAY_OUT}",
        Collision(cause, person, other_identity.user_id, other_identity.pk, subject.pk if subject else None),
    )
