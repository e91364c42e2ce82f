"""A sign-in on its way: begun here, away at the IdP, back by a cross-site POST, finished here. Each step is taken once, by one browser."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from core_identity.clock import Now, database_now
from sso.keys import signing_key
from sso.models import SIGN_IN_LASTS, SamlSettings, SignInState, UsedAssertion
from sso.saml.assertion import VerifiedAssertion
from sso.saml.messages import Outgoing, authn_request, new_request_id
from sso.saml.refusals import Code, SamlRefusal

if TYPE_CHECKING:
    from core_identity.models import Identity

COOKIE: Final = "__Host-sign-in"
"""The browser that left is the browser that comes back. ``None`` and ``Secure``, for it must come with a POST from another site."""

USE_IS_KEPT: Final = timedelta(days=1)
"""How long the ID of a used message is kept. Its age refuses a message after 20 minutes at most (`MAX_AGE` and twice `MAX_SKEW`).

The rest covers a clock that was set back: of the database, or of the IdP that made the message.
"""

_PURGED_AT_ONCE: Final = 100
_TOKEN_LENGTH: Final = 43

MAX_NAME_ID: Final = 1024
"""Characters of a NameID by which a logout can find a session; a longer one is not remembered."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A browser that is sent to the IdP: with which message, and the token that it has to bring back."""

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
    """Remember a sign-in and return what the browser takes to the IdP.

    ``from_elsewhere``: a page of another site sent it here. With a ``tester`` it is a test, which will open nothing (R37).
    """
    now = database_now()
    purge(SignInState.objects.filter(expires_at__lt=now))
    token = _token(browser_token)
    request_id = new_request_id()
    signer = signing_key(saml) if saml.sign_requests else None
    SignInState.objects.create(
        connection=saml.connection,
        request_id=request_id,
        browser_hash=hashed(token),
        from_elsewhere=from_elsewhere,
        next_path=next_path,
        expires_at=now + SIGN_IN_LASTS,
        tester=tester,
        tester_session=tester_session,
    )
    # The RelayState says nothing and is trusted for nothing: the way back is found by InResponseTo, which is signed.
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
    """Return the sign-in that this browser began and that is still open, without touching it. Raises `SamlRefusal`."""
    state = SignInState.objects.filter(connection=saml.connection, request_id=request_id, expires_at__gt=Now()).first()
    if state is None:
        raise SamlRefusal(Code.NO_REQUEST, received=request_id)
    if not browser_token or not secrets.compare_digest(state.browser_hash, hashed(browser_token)):
        raise SamlRefusal(Code.OTHER_BROWSER, received="no cookie" if not browser_token else "another cookie")
    if state.used_at is not None:
        raise SamlRefusal(Code.REPLAY, received=request_id)
    return state


@transaction.atomic
def use_up(saml: SamlSettings, assertion: VerifiedAssertion, state: SignInState | None) -> None:
    """Take the assertion, and the request that it answers, out of the world; of two at the same instant one comes through.

    Only what was verified gets here, so a forged message burns nobody's ID. Raises `SamlRefusal`.
    """
    use_once(saml, assertion.assertion_id)
    if state is not None:
        taken = SignInState.objects.filter(pk=state.pk, used_at=None, expires_at__gt=Now()).update(used_at=Now())
        if not taken:
            raise SamlRefusal(Code.REPLAY, received=str(state.request_id))


def use_once(saml: SamlSettings, message_id: str) -> None:
    """Remember the ID of a verified message for `USE_IS_KEPT`, however long its window is. Raises `SamlRefusal` if it was used before."""
    now = database_now()
    purge(UsedAssertion.objects.filter(until__lt=now))
    _, first = UsedAssertion.objects.get_or_create(
        connection=saml.connection, assertion_id=message_id, defaults={"until": now + USE_IS_KEPT}
    )
    if not first:
        raise SamlRefusal(Code.REPLAY, received=message_id)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A ticket for the last step, good once and for one browser."""

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
    """Keep who came until the browser asks again, from this site, with its session cookie. A sign-in that the IdP began gets its state here."""
    token, now, ticket = _token(browser_token), database_now(), secrets.token_urlsafe(32)
    if state is None:
        state = SignInState.objects.create(
            connection=saml.connection,
            browser_hash=hashed(token),
            next_path=next_path,
            used_at=now,
            expires_at=now + SIGN_IN_LASTS,
        )
    SignInState.objects.filter(pk=state.pk).update(
        ticket_hash=hashed(ticket),
        identity=identity,
        session_until=assertion.session_not_on_or_after,
        name_id=assertion.name_id if len(assertion.name_id) <= MAX_NAME_ID else "",
        name_id_format=assertion.name_id_format[:255],
        session_index=assertion.session_index,
    )
    return Arrival(urlencode({"ticket": ticket}), token)


def arrived(saml: SamlSettings, *, ticket: str, browser_token: str | None) -> SignInState | None:
    """Return the sign-in that this ticket and this browser may finish, without touching it; None where there is none, or no more."""
    if not ticket or not browser_token:
        return None
    return (
        SignInState.objects.select_related("identity__user", "identity__connection")
        .filter(
            connection=saml.connection,
            ticket_hash=hashed(ticket),
            browser_hash=hashed(browser_token),
            expires_at__gt=Now(),
            finished_at=None,
            tester=None,
        )
        .first()
    )


def finish(state: SignInState) -> bool:
    """Take the last step; False where another request took it meanwhile."""
    return bool(SignInState.objects.filter(pk=state.pk, finished_at=None).update(finished_at=Now()))


def finished_lately(saml: SamlSettings, browser_token: str | None) -> bool:
    """Whether this browser has just finished a sign-in at the connection: a message that comes again is then its back button."""
    if not browser_token:
        return False
    mine = SignInState.objects.filter(connection=saml.connection, browser_hash=hashed(browser_token), tester=None)
    return mine.filter(finished_at__isnull=False, expires_at__gt=Now()).exists()


def trials_of(browser_token: str | None) -> QuerySet[SignInState]:
    """Return the test sign-ins that a browser began lately, whether they have come back or not."""
    return SignInState.objects.filter(
        tester__isnull=False, browser_hash=hashed(browser_token or ""), expires_at__gt=Now()
    )


def browser_token_of(request: HttpRequest) -> str | None:
    return request.COOKIES.get(COOKIE)


def remember_browser(response: HttpResponse, token: str) -> None:
    response.set_cookie(COOKIE, token, max_age=SIGN_IN_LASTS, path="/", secure=True, httponly=True, samesite="None")


def _token(brought: str | None) -> str:
    """Return the token that a browser brought, else a new one: two tabs must not cut each other off."""
    return brought if brought and len(brought) == _TOKEN_LENGTH else secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def purge(outdated: QuerySet[Any]) -> None:
    """Delete some of what has had its time: more than comes in, and never waiting for a neighbour who does the same."""
    some = outdated.select_for_update(skip_locked=True).values("pk")[:_PURGED_AT_ONCE]
    outdated.model._default_manager.filter(pk__in=list(some.values_list("pk", flat=True))).delete()
