"""The secrets of an OAuth client. Two may be live at once, so an IdP can change its secret without a pause (R14)."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password
from django.db import connection as database
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare

from core_identity.clock import Now, database_now
from core_identity.errors import InvalidValue, NotFound
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.services.permissions import require_superuser_for_own_idp
from core_identity.values import Actor
from scim.models import ClientSecret, OAuthClient

if TYPE_CHECKING:
    from core_identity.models import Connection

LONGEST: Final = timedelta(days=90)
"""The longest time that a former secret may stay valid if its end is given. Without an end it is valid until it is revoked."""


def add_secret(client: OAuthClient, *, former_until: datetime | None) -> str:
    """Give the client a new secret and return it; it is shown only once.

    The newest former secret stays valid until ``former_until`` (None: until it is revoked). All older ones end now, so at most two are live. The
    caller holds the lock on the client and writes the event.
    """
    now = database_now()
    former = live_secrets(client, now=now).first()
    if former is not None:
        live_secrets(client, now=now).exclude(pk=former.pk).update(ends_at=now)
        ends = [moment for moment in (former.ends_at, former_until) if moment is not None]
        former.ends_at = min(ends, default=None)
        former.save(update_fields=["ends_at"])
    text = secrets.token_urlsafe(32)
    ClientSecret.objects.create(client=client, secret_hash=_hash(text), created_at=now)
    return text


@transaction.atomic
def rotate_secret(*, actor: Actor, connection: "Connection", former_lasts: timedelta | None) -> str:
    """Return a new secret of the connection's client, shown only once. The former one stays valid for ``former_lasts``.

    ``former_lasts`` None: until it is revoked. Raises `NotFound` without a client, and `InvalidValue`.
    """
    if former_lasts is not None and not timedelta(0) <= former_lasts <= LONGEST:
        raise InvalidValue("keep_days", f"This must be 0 to {LONGEST.days} days.")
    require_superuser_for_own_idp(actor, connection)
    client = _lock_client(connection)
    until = database_now() + former_lasts if former_lasts is not None else None
    text = add_secret(client, former_until=until)
    changes = {"client_secret": ("", "rotated"), "former_secret_ends": (None, until or "when it is revoked")}
    events.record(actor=actor, kind=EventKind.CLIENT_CHANGED, subject=connection, changes=changes)
    return text


@transaction.atomic
def revoke_secret(*, actor: Actor, connection: "Connection", secret_id: int) -> ClientSecret:
    """Revoke one secret of the connection's client at once. Does nothing if it has ended. Raises `NotFound`."""
    require_superuser_for_own_idp(actor, connection)
    client, now = _lock_client(connection), database_now()
    secret = ClientSecret.objects.filter(client=client, pk=secret_id).first()
    if secret is None:
        raise NotFound(f"There is no such secret of the OAuth client of {connection}.")
    if secret.ends_at is None or secret.ends_at > now:
        secret.ends_at = now
        secret.save(update_fields=["ends_at"])
        changes = {"client_secret": (str(secret), "revoked")}
        events.record(actor=actor, kind=EventKind.CLIENT_CHANGED, subject=connection, changes=changes)
    return secret


def live_secrets(client: OAuthClient, *, now: datetime | Now) -> QuerySet[ClientSecret]:
    """Return the live secrets, the newest first."""
    return ClientSecret.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), client=client)


def former_secret(connection: "Connection") -> ClientSecret:
    """Return the older of two live secrets. Raises `NotFound` if there are not two."""
    client = OAuthClient.objects.filter(connection=connection).first()
    live = live_secrets(client, now=Now())[1:2] if client is not None else []
    for former in live:
        return former
    raise NotFound(f"There is no former secret of {connection} that is still valid.")


_LIVE: Final = f"""
SELECT id, secret_hash, last_used_at IS NULL OR last_used_at < statement_timestamp() - interval '1 minute'
FROM {ClientSecret._meta.db_table}
WHERE client_id = %s AND (ends_at IS NULL OR ends_at > statement_timestamp()) ORDER BY created_at DESC, id DESC
"""  # noqa: S608 - one name of our own
"""The same as `live_secrets`, as one statement for requests."""


def opens(client: OAuthClient, secret: str) -> bool:
    """Whether ``secret`` is a live secret of the client. Notes its use once a minute. One query; a guess is answered fast.

    The secrets have 256 random bits, so one round of SHA-256 is as good as many. With a slow hash, strangers could keep the workers busy by
    guessing.
    """
    with database.cursor() as cursor:
        cursor.execute(_LIVE, [client.pk])
        live = cursor.fetchall()
    for secret_id, secret_hash, use_is_due in live:
        if _fits(secret_hash, secret):
            if use_is_due or secret_hash != _hash(secret):
                # Replace a slow hash of the toolkit by ours.
                ClientSecret.objects.filter(pk=secret_id).update(last_used_at=Now(), secret_hash=_hash(secret))
            return True
    return False


def unusable_secret() -> str:
    """Return a hash that no secret has, for the toolkit's own field, which is not used. Otherwise the toolkit would hash for half a second."""
    salt, nothing = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
    return f"{PBKDF2PasswordHasher.algorithm}$1${salt}${nothing}"


def _fits(secret_hash: str, secret: str) -> bool:
    if "$" in secret_hash:  # a hash of the toolkit, from before secrets had their own table
        return check_password(secret, secret_hash)
    return constant_time_compare(secret_hash, _hash(secret))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _lock_client(connection: "Connection") -> OAuthClient:
    client: OAuthClient | None = (
        OAuthClient.objects.select_for_update(no_key=True).filter(connection=connection).first()
    )
    if client is None:
        raise NotFound(f"{connection} has no OAuth client yet.")
    return client
