"""One-time links for set-up contacts. A contact works at the customer and may consent for one connection, and nothing else (R14)."""

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.http import HttpRequest

from core_identity.clock import Now, database_now
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.services.locks import lock_connection, require_enabled
from core_identity.values import Actor
from scim.models import SetupLink

if TYPE_CHECKING:
    from core_identity.models import Connection, User

LINK_LASTS: Final = timedelta(days=7)
CONTACT_LASTS: Final = timedelta(hours=2)
"""How long a browser that opened the link may give its consent. It is enough to fill in Okta's form."""

_CONTACT: Final = "setup_link"


@transaction.atomic
def make_link(*, actor: Actor, connection: "Connection", made_by: "User") -> str:
    """Return the secret of a new link. It is shown only once, and only its hash is stored. Earlier unopened links are deleted.

    Raises `NotAllowed` if the connection is off (R1a).
    """
    require_enabled(lock_connection(connection.pk))
    SetupLink.objects.filter(connection=connection, opened_at=None).delete()
    secret = secrets.token_urlsafe(32)
    SetupLink.objects.create(
        connection=connection, made_by=made_by, secret_hash=_hash(secret), expires_at=database_now() + LINK_LASTS
    )
    events.record(actor=actor, kind=EventKind.SETUP_LINK_CREATED, subject=connection)
    return secret


def unopened_link(secret: str) -> SetupLink | None:
    """Return the valid, unopened link with this secret, with its connection; None if there is none."""
    return (
        SetupLink.objects.select_related("connection")
        .filter(secret_hash=_hash(secret), opened_at=None, expires_at__gt=Now(), connection__enabled=True)
        .first()
    )


def open_link(request: HttpRequest, secret: str) -> SetupLink | None:
    """Make this browser the set-up contact of the link's connection for a while. If two browsers open the link, one succeeds."""
    link = unopened_link(secret)
    if link is None or not SetupLink.objects.filter(pk=link.pk, opened_at=None).update(opened_at=Now()):
        return None
    request.session.cycle_key()
    request.session[_CONTACT] = link.pk
    return link


def contact_of(request: HttpRequest) -> SetupLink | None:
    """Return the link that makes this browser a set-up contact, with its connection and creator; None if there is none."""
    found = request.session.get(_CONTACT)
    if found is None:
        return None
    return (
        SetupLink.objects.select_related("connection", "made_by")
        .filter(pk=found, used_at=None, opened_at__gt=Now() - CONTACT_LASTS, connection__enabled=True)
        .first()
    )


def use_up(request: HttpRequest, link: SetupLink) -> None:
    """End the link after its one consent."""
    SetupLink.objects.filter(pk=link.pk).update(used_at=Now())
    request.session.pop(_CONTACT, None)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
