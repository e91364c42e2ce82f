"""Decide if a person may sign in, and if a channel expires or unexpires a user (R20-R26)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

UNEXPIRE_WINDOW: Final = timedelta(days=90)
"""The time after an expiry in which the IdP can undo it, if the connection opted in (R22)."""

SNAPSHOT: Final = ("uid", "external_id", "user_name", "email")
"""The values that must be the same as on the day of expiry."""


class Bar(StrEnum):
    """The reason why a person may not sign in."""

    EXPIRED = "expired"
    INACTIVE = "inactive"
    CONNECTION_OFF = "connection_off"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Standing:
    """The input of the gate: the user, and the identity of the sign-in or session (None: by password)."""

    expired: bool
    staff: bool
    identity_active: bool | None
    connection_enabled: bool = True
    own_idp: bool = False


def bar_to_sign_in(standing: Standing) -> Bar | None:
    """Return why this person may not sign in, or None. They must be active and not expired (R21, R22), and staff must use our own IdP (R26)."""
    if standing.expired:
        return Bar.EXPIRED
    if standing.identity_active is False:
        return Bar.INACTIVE
    if not standing.connection_enabled:
        return Bar.CONNECTION_OFF
    if standing.identity_active is not None and standing.staff and not standing.own_idp:
        return Bar.STAFF
    return None


def expires(*, was_active: bool, active: bool | None) -> bool:
    """Whether a message expires the user: ``active`` going from true to false (R20). A first push with false does not (R25)."""
    return was_active and active is False


def reactivation_is_permitted(
    *,
    opted_in: bool,
    expired_by_this_connection: bool,
    live_elsewhere: bool,
    expired_at: datetime,
    now: datetime,
    then: Mapping[str, str | None] | None,
    today: Mapping[str, str | None],
    uid_in_doubt: bool = False,
) -> bool:
    """Whether ``active: true`` unexpires (R22): the connection opted in and expired the user itself, at most 90 days ago, and nothing changed.

    ``uid_in_doubt``: a UID of the IdP is pending as drift, or the same message contains another UID than the current one.

    ``live_elsewhere``: no other connection lists the person as inactive. If one did, it would have expired them too (R20).
    ``then`` and ``today`` contain the values named in `SNAPSHOT`, compared as the caller's keys; times are aware.
    """
    if uid_in_doubt:
        return False
    if not (opted_in and expired_by_this_connection and live_elsewhere and then is not None):
        return False
    if now - expired_at > UNEXPIRE_WINDOW:
        return False
    return all(then.get(name) == today.get(name) for name in SNAPSHOT)
