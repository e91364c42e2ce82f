"""Read the sessions of a user: those that would still be accepted now (R21, R36)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.auth import HASH_SESSION_KEY
from django.db.models import UUIDField
from django.utils.crypto import constant_time_compare

from core_identity.backends import EPOCH, UNTIL
from core_identity.clock import Now
from core_identity.compiled import Compiled, Given
from core_identity.models import Connection, Identity, Session, User
from core_identity.policy.expiry import bar_to_sign_in
from core_identity.selectors.users import identities_of, standing_of
from core_identity.sessions import SessionStore

MOST: Final = 50
"""The newest sessions are listed, so a program that signs in again and again makes no page longer."""


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session of one browser. ``identity`` and ``connection`` are None if it began with a password. Both times are aware.

    ``key`` is the secret in the cookie of that browser. Compare it with ``request.session.session_key``, and never show it.
    """

    began_at: datetime
    ends_at: datetime
    identity: Identity | None
    connection: Connection | None
    key: str = field(repr=False)


_ROWS: Final = Compiled(
    lambda: Session.objects.filter(user_id=Given("user", UUIDField()), expire_date__gt=Now()).order_by(
        "-began_at", "session_key"
    )[:MOST]
)


def sessions_of(user: User, identities: Sequence[Identity] | None = None) -> list[LiveSession]:
    """Return the sessions of a user, newest first. Two queries; one if the caller has loaded ``identities`` with their connections."""
    rows = _ROWS.rows(user=user.pk)
    if identities is None:
        identities = identities_of(user)
    by_id = {str(identity.pk): identity for identity in identities}
    for identity in identities:
        identity.user = user
    by_password = user.expired_at is None and (
        not identities or any(one.active and one.deleted_at is None for one in identities)
    )
    found = (_live(user, row, by_id.get(str(row.identity_id)), by_password=by_password) for row in rows)
    return [one for one in found if one is not None]


def _live(user: User, row: Session, identity: Identity | None, *, by_password: bool) -> LiveSession | None:
    """Return a session as the gate of `core_identity.backends` would judge it. ``by_password``: the user may have one without an identity."""
    content: dict[str, Any] = SessionStore().decode(row.session_data)
    if not _has_hash_of(user, content.get(HASH_SESSION_KEY, "")):
        return None
    if row.identity_id is None:
        return LiveSession(row.began_at, row.expire_date, None, None, row.session_key) if by_password else None
    if identity is None or content.get(EPOCH) != identity.session_epoch or bar_to_sign_in(standing_of(identity)):
        return None
    until = min(row.expire_date, datetime.fromtimestamp(content.get(UNTIL, 0), tz=UTC))
    return LiveSession(row.began_at, until, identity, identity.connection, row.session_key)


def _has_hash_of(user: User, stored: str) -> bool:
    """Whether a session began with the present password and the present epoch of the user. Django ends all others."""
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(stored, one) for one in hashes)
