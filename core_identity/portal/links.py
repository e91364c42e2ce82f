"""Set-up links: made by a superuser for one connection, open in one browser at a time (R14, R38).

A forwarded link must not become the trust root of a customer: `core_identity.portal.trust` limits what it may do by itself.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from core_identity.clock import Now, database_now
from core_identity.errors import NotAllowed, NotFound
from core_identity.event_kinds import EventKind
from core_identity.models import Connection, SetupLink, SetupProposal, User
from core_identity.services import events
from core_identity.services.locks import lock_connection, require_enabled
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor, ActorKind, Channel

LINK_LASTS: Final = timedelta(days=7)
IDLE: Final = timedelta(hours=2)
"""A browser that was away for this long loses the link. Then another browser may open it."""
NOTED_AGAIN: Final = timedelta(minutes=1)

COOKIE: Final = "__Host-set-up" if settings.SESSION_COOKIE_SECURE else "set-up"
"""Not the session: to sign in or out in this browser must not end the set-up, and the link must not be in anybody's session."""


@in_one_transaction
def make_link(*, actor: Actor, connection: Connection, created_by: User) -> str:
    """Return the secret part of a new link. It is shown this once; only its hash is kept. Earlier links of the connection end.

    Raises `NotAllowed` if ``created_by`` is not an active superuser, if the connection is switched off (R1a), or if it is our own IdP. Nobody outside
    decides about the trust of that one (R26).
    """
    locked = lock_connection(connection.pk)
    require_enabled(locked)
    if not (created_by.is_superuser and created_by.is_active):
        raise NotAllowed("Only an active superuser can create a set-up link.")
    if locked.own_idp:
        raise NotAllowed("A connection that is our own identity provider has no set-up link.")
    _revoke(actor, locked, SetupLink.objects.filter(connection=locked), reason="A new link was created.")
    secret = secrets.token_urlsafe(32)
    SetupLink.objects.create(
        connection=connection, created_by=created_by, secret_hash=_hash(secret), expires_at=database_now() + LINK_LASTS
    )
    events.record(actor=actor, kind=EventKind.SETUP_LINK_CREATED, subject=connection)
    return secret


def address_of(secret: str) -> str:
    """Return the address to send. A command has no URLs to look up."""
    return f"{settings.PUBLIC_URL}/set-up/open/{secret}"


@in_one_transaction
def revoke_link(*, actor: Actor, connection: Connection, link_id: int) -> None:
    """End a link of the connection at once. If it has ended already, nothing happens. Raises `NotFound`."""
    locked = lock_connection(connection.pk)
    links = SetupLink.objects.filter(connection=locked, pk=link_id)
    if not links.exists():
        raise NotFound(f"There is no such set-up link of {connection}.")
    _revoke(actor, locked, links)


@in_one_transaction
def end_links(sender: object, *, connection: Connection, actor: Actor, **_: Any) -> None:
    """Receive `connection_switched_off`: its links end for good (R1a). The caller holds the lock on the connection."""
    _revoke(
        actor, connection, SetupLink.objects.filter(connection=connection), reason="The connection was switched off."
    )


def _revoke(actor: Actor, connection: Connection, links: QuerySet[SetupLink], *, reason: str = "") -> None:
    for link in links.filter(revoked_at=None):
        if link.expires_at > database_now():
            ended = {"expires_at": (link.expires_at, None)}
            events.record(
                actor=actor, kind=EventKind.SETUP_LINK_REVOKED, subject=connection, changes=ended, reason=reason
            )
    if links.filter(revoked_at=None).update(revoked_at=Now(), browser_hash=""):
        # A permission that a superuser gave to this link must not wait for the next one.
        SetupProposal.objects.filter(connection=connection, accepted=True, used_at=None).update(used_at=Now())


def live_links() -> QuerySet[SetupLink]:
    """Return the links that are good now. A link ends with the rights of its maker."""
    return SetupLink.objects.filter(
        revoked_at=None,
        expires_at__gt=Now(),
        connection__enabled=True,
        connection__own_idp=False,
        created_by__is_superuser=True,
        created_by__is_active=True,
    ).select_related("connection__customer", "created_by")


def link_of(secret: str) -> SetupLink | None:
    """Return the link with this secret if it is good, whichever browser has it open."""
    return live_links().filter(secret_hash=_hash(secret)).first()


def free_link(secret: str, request: HttpRequest) -> SetupLink | None:
    """Return the link with this secret if this browser may open it now: no other browser has it open."""
    return live_links().filter(_is_free_for(request), secret_hash=_hash(secret)).first()


@in_one_transaction
def open_link(request: HttpRequest, secret: str) -> str | None:
    """Bind the link to this browser. Return the token that the browser must keep, or None if the link is not free.

    Of two browsers at the same instant one comes first: the condition is part of the update.
    """
    link = free_link(secret, request)
    token = secrets.token_urlsafe(32)
    if link is None or not SetupLink.objects.filter(_is_free_for(request), pk=link.pk, revoked_at=None).update(
        browser_hash=_hash(token), opened_at=Now(), seen_at=Now(), openings=F("openings") + 1
    ):
        return None
    opened = {"openings": (link.openings, link.openings + 1)}
    events.record(
        actor=actor_of(link, request), kind=EventKind.SETUP_LINK_OPENED, subject=link.connection, changes=opened
    )
    return token


def current_link(request: HttpRequest) -> SetupLink | None:
    """Return the link that this browser has open, if it is still good, with connection, customer and maker. One statement."""
    token = request.COOKIES.get(COOKIE)
    if not token:
        return None
    return live_links().filter(browser_hash=_hash(token), seen_at__gt=Now() - IDLE).first()


@in_one_transaction
def note_use(link: SetupLink) -> None:
    """Store that the browser of a link is still in use. At most one write a minute."""
    SetupLink.objects.filter(pk=link.pk, seen_at__lt=Now() - NOTED_AGAIN).update(seen_at=Now())


@in_one_transaction
def leave(*, actor: Actor, link: SetupLink) -> None:
    """Let another browser open the link. If another browser has opened it meanwhile, nothing happens."""
    if SetupLink.objects.filter(pk=link.pk, browser_hash=link.browser_hash).update(browser_hash=""):
        events.record(actor=actor, kind=EventKind.SETUP_LINK_LEFT, subject=link.connection)


@in_one_transaction
def record_test(*, actor: Actor, link: SetupLink) -> None:
    """Record that the browser of a link begins a test sign-in."""
    events.record(actor=actor, kind=EventKind.SETUP_LINK_TESTED, subject=link.connection)


@in_one_transaction
def finish(*, actor: Actor, link: SetupLink) -> None:
    """Store that the customer reported the end of the set-up. A superuser sees it on the connection's page. Once for each link."""
    if SetupLink.objects.filter(pk=link.pk, finished_at=None).update(finished_at=Now()):
        events.record(actor=actor, kind=EventKind.SETUP_LINK_FINISHED, subject=link.connection)


@in_one_transaction
def use_consent(link: SetupLink) -> None:
    """Use up the one consent of a link. Raises `NotAllowed` if the link has ended, or another request used it up."""
    require_live(link)
    if not SetupLink.objects.filter(pk=link.pk, consented_at=None).update(consented_at=Now()):
        raise NotAllowed("This link has been used for a consent. Ask the person who sent it for a new one.")


def require_live(link: SetupLink) -> Connection:
    """Lock the connection of a link and return it. Raise `NotAllowed` if the link ended since the request began.

    Everything that ends a link takes this lock too.
    """
    connection = lock_connection(link.connection_id)
    if not live_links().filter(pk=link.pk).exists():
        raise NotAllowed("This link has ended. Ask the person who sent it for a new one.")
    return connection


def actor_of(link: SetupLink, request: HttpRequest) -> Actor:
    """Return the link as the actor of its events."""
    label = f"set-up contact of {link.connection} (link by {link.created_by.username})"
    return Actor(
        Channel.ADMIN, ActorKind.SETUP_LINK, label, id=str(link.pk), request_id=getattr(request, "request_id", "")
    )


def remember_browser(response: HttpResponse, token: str) -> None:
    """Lax, because the IdP's page leads the browser back to the question for consent."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=LINK_LASTS,
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _is_free_for(request: HttpRequest) -> Q:
    token = request.COOKIES.get(COOKIE)
    free = Q(browser_hash="") | Q(seen_at__lte=Now() - IDLE)
    return free | Q(browser_hash=_hash(token)) if token else free


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
