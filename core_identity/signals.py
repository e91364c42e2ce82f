"""Signals for the other apps. They are sent in the transaction of the change."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.dispatch import Signal

connection_switched_off: Final = Signal()
"""A connection was switched off, or a successor took over (R1a). Arguments: ``connection``, which is locked, and ``actor``.

Receivers end the tokens and sessions that they created for the connection. If a receiver fails, the switch is rolled back.
"""

user_expired: Final = Signal()
"""A user expired. Arguments: ``user`` and ``actor``. If a receiver fails, the expiry is rolled back, so a receiver must do little."""

sessions_ended: Final = Signal()
"""All sessions of a user ended. Arguments: ``user``, and ``identities``, the ids of their identities.

Receivers end sign-ins in progress, and forget the IdP's names for the sessions. If a receiver fails, nothing ends.
"""

password_judged: Final = Signal()
"""The administration compared a password (R39). Arguments: ``user`` or None, ``accepted``, ``reference``, and ``network``, a hash of the address."""

signed_out: Final = Signal()
"""Somebody pressed *Sign out* in the administration. Arguments: ``request``, with the session that is about to end, and ``user``."""

user_erased: Final = Signal()
"""A person's values were blanked for good, in this transaction (R34). Argument: ``traces``, an `ErasedTraces`. Receivers blank the rows of their
logs, and rows that are written later blank themselves (`core_identity.services.erased_names`)."""


ERASED: Final = "erased"
"""Replaces the name of an erased person where it must not be empty."""


@dataclass(frozen=True, slots=True)
class ErasedTraces:
    """The ids and names by which other apps find an erased person, in the ``connections`` of their customer. ``names`` are as they were sent.

    ``usernames`` are the names under which the person acted as an administrator, in the rows of anybody.
    """

    users: tuple[UUID, ...]
    identities: tuple[UUID, ...]
    scim_ids: tuple[UUID, ...]
    names: tuple[str, ...]
    connections: tuple[UUID, ...]
    usernames: tuple[str, ...]
