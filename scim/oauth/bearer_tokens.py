"""Long-lived tokens of a connection, for IdPs without OAuth (R14). Administrators create, list and revoke them."""

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core_identity.clock import database_now
from core_identity.errors import InvalidValue, NameTaken, NotFound
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.services.locks import lock_connection, require_enabled
from core_identity.services.permissions import require_superuser_for_own_idp
from core_identity.values import Actor
from scim.models import BearerToken

if TYPE_CHECKING:
    from core_identity.models import Connection

PREFIX: Final = "scim_"
"""The start of each token. Scanners for leaked secrets find it, and no token of the OAuth toolkit contains an underscore."""

LONGEST: Final = timedelta(days=3650)
NAME_LENGTH: Final = 100


@transaction.atomic
def make_token(
    *, actor: Actor, connection: "Connection", name: str, lasts: timedelta | None = None
) -> tuple[BearerToken, str]:
    """Create a token, valid for ``lasts`` or until it is revoked. Return it with its text, which is shown only once.

    Raises `InvalidValue`, `NameTaken` if a live token has this name, and `NotAllowed` if the connection is off (R1a)
    or is our own IdP, and the administrator is not a superuser (R26).
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise InvalidValue(
            "name",
            f"Give the token a name of 1 to {NAME_LENGTH} letters, for example the place where you will enter it.",
        )
    if lasts is not None and not timedelta(0) < lasts <= LONGEST:
        raise InvalidValue("days", f"This must be 1 to {LONGEST.days} days.")
    # The row of the connection is the lock: of two requests with one name, the second is refused. Pushes do not wait for this lock.
    locked = lock_connection(connection.pk)
    require_enabled(locked)
    require_superuser_for_own_idp(actor, locked)
    if BearerToken.objects.filter(connection=locked, name=name, revoked_at=None).exists():
        raise NameTaken(f"There is a token {name!r} of {connection} already. Revoke it, or choose another name.")
    text = PREFIX + secrets.token_urlsafe(32)
    token = BearerToken.objects.create(
        connection=connection,
        name=name,
        token_hash=_hash(text),
        expires_at=database_now() + lasts if lasts is not None else None,
    )
    changes = {"name": (None, name), "expires_at": (None, token.expires_at)}
    events.record(actor=actor, kind=EventKind.TOKEN_CREATED, subject=connection, changes=changes)
    return token, text


@transaction.atomic
def revoke_token(*, actor: Actor, connection: "Connection", token_id: int) -> BearerToken:
    """Revoke a token of the connection at once. Does nothing if it is revoked already. Raises `NotFound`."""
    require_superuser_for_own_idp(actor, connection)
    token = BearerToken.objects.select_for_update().filter(connection=connection, pk=token_id).first()
    if token is None:
        raise NotFound(f"There is no such token of {connection}.")
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        changes = {"name": (token.name, None)}
        events.record(actor=actor, kind=EventKind.TOKEN_REVOKED, subject=connection, changes=changes)
    return token


def tokens_of(connection: "Connection") -> QuerySet[BearerToken]:
    """Return all tokens of a connection, also ended ones, the newest first."""
    return BearerToken.objects.filter(connection=connection)


def token_named(connection: "Connection", name: str) -> BearerToken:
    """Return the token with this name that is not revoked. Raises `NotFound`."""
    token = BearerToken.objects.filter(connection=connection, name=name, revoked_at=None).first()
    if token is None:
        raise NotFound(f"There is no live token {name!r} of {connection}.")
    return token


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
