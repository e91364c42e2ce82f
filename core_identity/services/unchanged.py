"""Answer a PUT or PATCH that changes nothing from one snapshot, without a transaction and without a lock."""

from collections.abc import Callable
from uuid import UUID

from core_identity.errors import IdentityError
from core_identity.models import Connection
from core_identity.policy.unchanged import Stored, would_change_nothing
from core_identity.selectors.rows import ShownIdentity
from core_identity.selectors.stored import StoredRow, stored_row
from core_identity.services.identities import cleaned
from core_identity.values import Person

Read = Callable[[ShownIdentity], Person]
"""Returns the values of a message for the resource as stored, so a PATCH uses true values. May raise `IdentityError`."""


def read_once(read: Read) -> Read:
    """Return a reader that reads again only if the resource has changed since the last time.

    So a message is usually read before the lock, and not again under it.
    """
    last: tuple[ShownIdentity, Person] | None = None

    def read_if_changed(row: ShownIdentity) -> Person:
        nonlocal last
        if last is None or last[0] != row:
            last = row, read(row)
        return last[1]

    return read_if_changed


def unchanged(*, connection: Connection, scim_id: UUID, read: Read) -> tuple[StoredRow, Person] | None:
    """Return the resource ``scim_id`` and the message's values, if it changes nothing. Return None if only the way under the lock can decide.

    Everything that could be refused takes that way too. One statement.
    """
    row = stored_row(connection, scim_id)
    if row is None or not row.enabled:
        return None
    sent = sent_without_change(row.shown, row.facts, read=read)
    return None if sent is None else (row, sent)


def sent_without_change(shown: ShownIdentity, stored: Stored, *, read: Read) -> Person | None:
    """Return the values of a message if they change nothing of a resource. Return None in doubt. No statement."""
    try:
        sent = read(shown)
        person = cleaned(sent)
    except IdentityError:
        return None
    return sent if would_change_nothing(person, stored) else None
