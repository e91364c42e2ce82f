"""A sign-in in progress: begun here, away at the IdP, returned by a cross-site POST, finished here. Each step is taken once, by one browser."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.db.models import CharField, DateTimeField, QuerySet, SlugField, UUIDField
from django.http import HttpRequest, HttpResponse

from core_identity.clock import Now
from core_identity.compiled import Compiled, Given
from sso.models import SIGN_IN_LASTS, SamlSettings, SignInState
from sso.saml.claims import VerifiedAssertion
from sso.saml.messages import Outgoing, authn_request, new_request_id
from sso.saml.refusals import Code, SamlRefusal
from sso.settings.keys import signing_key
from sso.sign_in import statements

if TYPE_CHECKING:
    from core_identity.models import Identity

COOKIE: Final = "__Host-sign-in"
"""The cookie proves that the same browser returns. ``SameSite=None`` and ``Secure``, because it must come with a POST from another site."""

USE_IS_KEPT: Final = timedelta(days=1)
"""How long the ID of a used message is stored. A message is refused by its age after 20 minutes at most (`MAX_AGE` and twice `MAX_SKEW`).

The remaining time covers a clock that was set back: of the database, or of the IdP that created the message.
"""

_TOKEN_LENGTH: Final = 43

MAX_NAME_ID: Final = 1024
"""The maximum length of a NameID by which a logout can find a session. A longer one is not stored."""


_WAITING: Final = Compiled(
    lambda: SignInState.objects.filter(
        connection=Given("connection", UUIDField()),
        request_id=Given("request_id", CharField()),
        expires_at__gt=Now(),
    ).annotate(now=Now(output_field=DateTimeField()))
)
_ARRIVED: Final = Compiled(
    lambda: (
        SignInState.objects.select_related("identity__user", "identity__connection")
        .filter(
            connection__slug=Given("slug", SlugField()),
            connection__enabled=True,
            ticket_hash=Given("ticket_hash", CharField()),
            browser_hash=Given("browser_hash", CharField()),
            expires_at__gt=Now(),
            finished_at=None,
            tester=None,
        )
        .annotate(now=Now(output_field=DateTimeField()))
    )
)


@dataclass(frozen=True, slots=True)
class Departure:
    """A message for the IdP, and the token that the browser must bring back."""

    message: Outgoing
    browser_token: str


def depart(
    saml: SamlSettings,
    *,
    browser_token: str | None,
    next_path: str,
    from_elsewhere: bool = False,
    tester: Any = None,
    tester_session: str = "",
) -> Departure:
    """Store a sign-in, and return the message for the IdP.

    ``from_elsewhere``: a page of another site sent the browser here. With a ``tester`` it is a test sign-in, which opens no session (R37).
    """
    token = _token(browser_token)
    request_id = new_request_id()
    signer = signing_key(saml) if saml.sign_requests else None
    remembered = statements.run(
        statements.DEPART,
        connection=saml.connection_id,
        request_id=request_id,
        browser_hash=hashed(token),
        from_elsewhere=from_elsewhere,
        next_path=next_path,
        lasts=SIGN_IN_LASTS,
        tester=tester.pk if tester else None,
        tester_session=tester_session,
    )
    assert remembered is not None  # noqa: S101 - for mypy: the statement returns a row
    (now,) = remembered
    # The RelayState is random and is never trusted. The sign-in is found by InResponseTo, which is signed.
    message = authn_request(
        saml.sso_place,
        saml.sp,
        request_id=request_id,
        relay_state=secrets.token_urlsafe(16),
        now=now,
        wishes=saml.wishes,
        signer=signer,
    )
    return Departure(message, token)


def waiting_state(saml: SamlSettings, request_id: str, browser_token: str | None) -> SignInState:
    """Return the open sign-in that this browser began, unchanged, with the time as ``now``. Raises `SamlRefusal`."""
    state = _WAITING.first(connection=saml.connection_id, request_id=request_id)
    if state is None:
        raise SamlRefusal(Code.NO_REQUEST, received=request_id)
    if not browser_token or not secrets.compare_digest(state.browser_hash, hashed(browser_token)):
        raise SamlRefusal(Code.OTHER_BROWSER, received="no cookie" if not browser_token else "another cookie")
    if state.used_at is not None:
        raise SamlRefusal(Code.REPLAY, received=request_id)
    return state


def use_up(saml: SamlSettings, assertion: VerifiedAssertion, state: SignInState | None) -> None:
    """Mark the assertion, and the request that it answers, as used. Of two requests at the same instant one succeeds. Raises `SamlRefusal`.

    Only a verified message reaches this function, so a forged message cannot use up anybody's ID.
    """
    if state is None:
        use_once(saml, assertion.assertion_id)
        return
    first, still_open = _used(statements.USE_UP, saml, assertion.assertion_id, state=state.pk)
    if not still_open:
        raise SamlRefusal(Code.REPLAY, received=str(state.request_id))
    if not first:
        raise SamlRefusal(Code.REPLAY, received=assertion.assertion_id)


def use_once(saml: SamlSettings, message_id: str) -> None:
    """Store the ID of a verified message for `USE_IS_KEPT`, whatever its window is. Raises `SamlRefusal` if it was used before."""
    first, _ = _used(statements.USE_ONCE, saml, message_id)
    if not first:
        raise SamlRefusal(Code.REPLAY, received=message_id)


def _used(statement: str, saml: SamlSettings, message_id: str, **more: Any) -> tuple[bool, bool]:
    row = statements.run(statement, connection=saml.connection_id, message_id=message_id, kept=USE_IS_KEPT, **more)
    assert row is not None  # noqa: S101 - for mypy: both statements return a row
    first, still_open = row
    return first, still_open


@dataclass(frozen=True, slots=True)
class Arrival:
    """A ticket for the last step, valid once and for one browser."""

    query: str
    browser_token: str


def arrive(
    saml: SamlSettings,
    identity: "Identity",
    *,
    state: SignInState | None,
    browser_token: str | None,
    next_path: str,
    assertion: VerifiedAssertion,
) -> Arrival:
    """Store the identity until the browser asks again, from this site, with its session cookie. If the IdP began, this creates the state."""
    token, ticket = _token(browser_token), f"{secrets.token_urlsafe(32)} {_epochs_of(identity)}"
    arrival = {
        "ticket_hash": hashed(ticket),
        "identity": identity.pk,
        "session_until": assertion.session_not_on_or_after,
        "name_id": assertion.name_id if len(assertion.name_id) <= MAX_NAME_ID else "",
        "name_id_format": assertion.name_id_format[:255],
        "session_index": assertion.session_index,
    }
    if state is not None:
        statements.run(statements.ARRIVE, state=state.pk, **arrival)
    else:
        statements.run(
            statements.ARRIVE_UNASKED,
            connection=saml.connection_id,
            browser_hash=hashed(token),
            next_path=next_path,
            lasts=SIGN_IN_LASTS,
            **arrival,
        )
    return Arrival(urlencode({"ticket": ticket}), token)


def arrived(slug: str, *, ticket: str, browser_token: str | None) -> SignInState | None:
    """Return the sign-in that this ticket and this browser may finish, unchanged, with the time as ``now``; None if there is none.

    Its identity is loaded with user and connection. One query.
    """
    if not ticket or not browser_token:
        return None
    return _ARRIVED.first(slug=slug, ticket_hash=hashed(ticket), browser_hash=hashed(browser_token))


def is_outdated(identity: "Identity", ticket: str) -> bool:
    """Whether the sessions of the person ended after they were let in, so that the ticket of this sign-in opens none (R21).

    The ticket contains the epochs of that moment. *End sessions* ends the sign-ins in progress too, but cannot see one that is being stored.
    """
    return ticket.partition(" ")[2] != _epochs_of(identity)


def _epochs_of(identity: "Identity") -> str:
    return f"{identity.session_epoch} {identity.user.session_epoch}"


def finish(state: SignInState) -> bool:
    """Take the last step. Return False if another request took it first."""
    return statements.run(statements.FINISH, state=state.pk) is not None


def finished_lately(saml: SamlSettings, browser_token: str | None) -> bool:
    """Whether this browser has just finished a sign-in at the connection. If so, a repeated message comes from its back button."""
    if not browser_token:
        return False
    mine = SignInState.objects.filter(connection=saml.connection, browser_hash=hashed(browser_token), tester=None)
    return mine.filter(finished_at__isnull=False, expires_at__gt=Now()).exists()


def tests_of(browser_token: str | None) -> QuerySet[SignInState]:
    """Return the current test sign-ins that a browser began, returned or not."""
    return SignInState.objects.filter(
        tester__isnull=False, browser_hash=hashed(browser_token or ""), expires_at__gt=Now()
    )


def browser_token_of(request: HttpRequest) -> str | None:
    return request.COOKIES.get(COOKIE)


def remember_browser(response: HttpResponse, token: str) -> None:
    response.set_cookie(COOKIE, token, max_age=SIGN_IN_LASTS, path="/", secure=True, httponly=True, samesite="None")


def _token(browser_token: str | None) -> str:
    """Return the token of a browser, or a new one. Two tabs share the token, so neither ends the sign-in of the other."""
    return browser_token if browser_token and len(browser_token) == _TOKEN_LENGTH else secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
