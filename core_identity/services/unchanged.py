"""Answer a PUT or PATCH that changes nothing from one snapshot, without a transaction and without a lock."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from core_identity.errors import IdentityError
from core_identity.keys import message_keys
from core_identity.models import Connection, Identity
from core_identity.models.connection import UidRule
from core_identity.policy.matching import Known, Verb, unsent_keys
from core_identity.policy.unchanged import Stored, would_change_nothing
from core_identity.selectors.stored import stored_person
from core_identity.services.identities import cleaned, current_uid, followed_fields, mirrored_fields
from core_identity.services.locating import has_uid, push_of
from core_identity.values import Person


def read_once(read: Callable[[Identity], Person]) -> Callable[[Identity], Person]:
    """Return a reader that reads again only if the identity (by `stored_person`), or a row read with it, has changed since the last time.

    So a message is usually read before the lock, and not again under it.
    """
    last: tuple[tuple[Any, ...], Person] | None = None

    def read_if_changed(identity: Identity) -> Person:
        nonlocal last
        row = identity.__dict__["stored_row"]
        if last is None or last[0] != row:
            last = row, read(identity)
        return last[1]

    return read_if_changed


def unchanged(
    *, connection: Connection, scim_id: UUID, read: Callable[[Identity], Person], is_patch: bool
) -> tuple[Identity, Person] | None:
    """Return the person of ``scim_id`` and the message's values, if it changes nothing. Return None if only the way under the lock can decide.

    Everything that could be refused takes that way too. One statement (two during a re-key).
    """
    identity = stored_person(connection, scim_id)
    if identity is None or not identity.connection.enabled:
        return None
    sent = sent_without_change(connection=connection, identity=identity, read=read, is_patch=is_patch)
    return None if sent is None else (identity, sent)


def sent_without_change(
    *,
    connection: Connection,
    identity: Identity,
    read: Callable[[Identity], Person],
    is_patch: bool,
    was: Known | None = None,
) -> Person | None:
    """Return the values of a message if they change nothing of ``identity``, which `stored_person` read. Return None in doubt.

    ``was`` is the identity before a part of this message was applied (R23). No statement, or one during a re-key.
    """
    try:
        sent = read(identity)
        person = cleaned(sent)
    except IdentityError:
        return None
    owner = identity if person.uid and has_uid(identity, person.uid) else None
    if (
        (person.uid and owner is None)
        or person.external_id not in {None, identity.external_id}
        or person.user_name == ""
    ):
        return None
    push = push_of(
        connection,
        Verb.CHANGE,
        person,
        subject=identity,
        owner=owner,
        uid=person.uid,
        unsent=unsent_keys(sent, is_patch),
        was=was,
    )
    uid, keys = current_uid(identity), message_keys(person)
    stored = Stored(
        uid=uid.uid if uid else None,
        sent_uid=identity.sent_uid,
        identity=mirrored_fields(identity),
        user=followed_fields(identity.user),
        names_are_the_uid=connection.uid_rule == UidRule.NAME,
        active=identity.active,
        has_conflict=(keys.uid_key, keys.external_id) not in identity.__dict__["settled_keys"],
    )
    return sent if would_change_nothing(push, person, stored) else None
