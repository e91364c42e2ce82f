"""A sign-in in progress: begun here, away at the IdP, returned by a cross-site POST, finished here.

Each step is taken once, by one browser, in one statement. The statements also delete up to `PURGED_AT_ONCE` expired rows, and skip rows that
another request is deleting. `tests/sso/test_sign_in_sql.py` compares them with the models.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.db import connection as database
from django.db.models import CharField, DateTimeField, Model, SlugField, UUIDField
from django.http import HttpRequest, HttpResponse

from core_identity.backends import UNTIL
from core_identity.clock import Now
from core_identity.compiled import Compiled, Given
from sso.models import SIGN_IN_LASTS, SamlSettings, SignInState, SsoSession, UsedAssertion
from sso.saml.claims import VerifiedAssertion
from sso.saml.messages import Outgoing, authn_request, new_request_id
from sso.saml.refusals import Code, SamlRefusal
from sso.settings.keys import signing_key

if TYPE_CHECKING:
    from core_identity.models import Identity

COOKIE: Final = "__Host-sign-in"
"""The cookie proves that the same browser returns. ``SameSite=None`` and ``Secure``, because it must come with a POST from another site."""

USE_IS_KEPT: Final = timedelta(days=1)
"""How long the ID of a used message is stored. A message is refused by its age after 20 minutes at most (`MAX_AGE` and twice `MAX_SKEW`).

The remaining time covers a clock that was set back: of the database, or of the IdP that created the message.
"""

MAX_NAME_ID: Final = 1024
"""The maximum length of a NameID by which a logout can find a session. A longer one is not stored."""

_TOKEN_LENGTH: Final = 43
PURGED_AT_ONCE: Final = 100


def _purge(model: type[Model], end: str) -> str:
    """Return the parts of a WITH that delete some expired rows.

    Without statistics PostgreSQL would read the whole table for a few rows: it estimates that a third of all rows are before a given time, but
    few between two times. So the condition has two times, a separate step locks the rows, and arrays name them.
    """
    table = model._meta.db_table
    return f"""outdated AS MATERIALIZED (
    SELECT id FROM {table} WHERE {end} > '-infinity' AND {end} < statement_timestamp() ORDER BY {end} LIMIT {PURGED_AT_ONCE}
), locked AS MATERIALIZED (
    SELECT id FROM {table} WHERE id = ANY (ARRAY(SELECT id FROM outdated)) FOR UPDATE SKIP LOCKED
), purged AS (
    DELETE FROM {table} WHERE id = ANY (ARRAY(SELECT id FROM locked))
)"""  # noqa: S608 - names and a number of our own


_STATES: Final = SignInState._meta.db_table
_USED: Final = UsedAssertion._meta.db_table
_SESSIONS: Final = SsoSession._meta.db_table

DEPART: Final = f"""
WITH {_purge(SignInState, "expires_at")}
INSERT INTO {_STATES} (
    connection_id, request_id, browser_hash, from_elsewhere, next_path, expires_at, tester_id, tester_session,
    name_id, name_id_format, session_index, report
) VALUES (
    %(connection)s, %(request_id)s, %(browser_hash)s, %(from_elsewhere)s, %(next_path)s, statement_timestamp() + %(lasts)s::interval,
    %(tester)s, %(tester_session)s, '', '', '', ''
) RETURNING statement_timestamp()
"""  # noqa: S608
"""Store a sign-in that goes to the IdP; return the time."""


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
    remembered = run(
        DEPART,
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


_DEPARTED: Final = Compiled(
    lambda: SignInState.objects.filter(
        connection=Given("connection", UUIDField()),
        request_id=Given("request_id", CharField()),
        expires_at__gt=Now(),
    ).annotate(now=Now(output_field=DateTimeField()))
)


def departed_sign_in(saml: SamlSettings, request_id: str, browser_token: str | None) -> SignInState:
    """Return the open sign-in that this browser began, unchanged, with the time as ``now``. Raises `SamlRefusal`."""
    state = _DEPARTED.first(connection=saml.connection_id, request_id=request_id)
    if state is None:
        raise SamlRefusal(Code.NO_REQUEST, received=request_id)
    if not browser_token or not secrets.compare_digest(state.browser_hash, hashed(browser_token)):
        raise SamlRefusal(Code.OTHER_BROWSER, received="no cookie" if not browser_token else "another cookie")
    if state.used_at is not None:
        raise SamlRefusal(Code.REPLAY, received=request_id)
    return state


_USE: Final = f"""
INSERT INTO {_USED} (connection_id, assertion_id, until)
SELECT %(connection)s::uuid, %(message_id)s::varchar, statement_timestamp() + %(kept)s::interval
"""
_ONCE: Final = "ON CONFLICT (connection_id, assertion_id) DO NOTHING RETURNING id"

USE_ONCE: Final = f"""
WITH {_purge(UsedAssertion, "until")}, used AS ({_USE} {_ONCE})
SELECT EXISTS (SELECT FROM used), true
"""  # noqa: S608
"""Store the ID of a message; return whether this is its first use, and true."""

USE_UP: Final = f"""
WITH {_purge(UsedAssertion, "until")}, mine AS (
    SELECT id FROM {_STATES} WHERE id = %(state)s AND used_at IS NULL AND expires_at > statement_timestamp() FOR UPDATE
), used AS (
    {_USE} FROM mine {_ONCE}
), request_use AS (
    UPDATE {_STATES} SET used_at = statement_timestamp() WHERE id = %(state)s AND EXISTS (SELECT FROM used)
)
SELECT EXISTS (SELECT FROM used), EXISTS (SELECT FROM mine)
"""  # noqa: S608
"""The same for the answer to a request of ours. It uses up both the message and the request, or neither.

Returns whether the message was used for the first time, and whether the request was still open.
"""


def use_up(saml: SamlSettings, assertion: VerifiedAssertion, state: SignInState | None) -> None:
    """Mark the assertion, and the request that it answers, as used. Of two requests at the same instant one succeeds. Raises `SamlRefusal`.

    Only a verified message reaches this function, so a forged message cannot use up anybody's ID.
    """
    if state is None:
        use_once(saml, assertion.assertion_id)
        return
    is_first_use, request_is_open = _store_use(USE_UP, saml, assertion.assertion_id, state=state.pk)
    if not request_is_open:
        raise SamlRefusal(Code.REPLAY, received=str(state.request_id))
    if not is_first_use:
        raise SamlRefusal(Code.REPLAY, received=assertion.assertion_id)


def use_once(saml: SamlSettings, message_id: str) -> None:
    """Store the ID of a verified message for `USE_IS_KEPT`, whatever its window is. Raises `SamlRefusal` if it was used before."""
    is_first_use, _ = _store_use(USE_ONCE, saml, message_id)
    if not is_first_use:
        raise SamlRefusal(Code.REPLAY, received=message_id)


def _store_use(statement: str, saml: SamlSettings, message_id: str, **more: Any) -> tuple[bool, bool]:
    row = run(statement, connection=saml.connection_id, message_id=message_id, kept=USE_IS_KEPT, **more)
    assert row is not None  # noqa: S101 - for mypy: both statements return a row
    is_first_use, request_is_open = row
    return is_first_use, request_is_open


ARRIVE: Final = f"""
UPDATE {_STATES} SET ticket_hash = %(ticket_hash)s, identity_id = %(identity)s, session_until = %(session_until)s,
    name_id = %(name_id)s, name_id_format = %(name_id_format)s, session_index = %(session_index)s
WHERE id = %(state)s
"""  # noqa: S608
"""Store the identity until the browser asks again."""

ARRIVE_UNASKED: Final = f"""
INSERT INTO {_STATES} (
    connection_id, browser_hash, from_elsewhere, next_path, used_at, expires_at,
    ticket_hash, identity_id, session_until, name_id, name_id_format, session_index, tester_session, report
) VALUES (
    %(connection)s, %(browser_hash)s, false, %(next_path)s, statement_timestamp(), statement_timestamp() + %(lasts)s::interval,
    %(ticket_hash)s, %(identity)s, %(session_until)s, %(name_id)s, %(name_id_format)s, %(session_index)s, '', ''
)
"""  # noqa: S608
"""The same for a sign-in that the IdP began."""


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
        run(ARRIVE, state=state.pk, **arrival)
    else:
        run(
            ARRIVE_UNASKED,
            connection=saml.connection_id,
            browser_hash=hashed(token),
            next_path=next_path,
            lasts=SIGN_IN_LASTS,
            **arrival,
        )
    return Arrival(urlencode({"ticket": ticket}), token)


_OF_TICKET: Final = Compiled(
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


def sign_in_of_ticket(slug: str, *, ticket: str, browser_token: str | None) -> SignInState | None:
    """Return the sign-in that this ticket and this browser may finish, unchanged, with the time as ``now``; None if there is none.

    Its identity is loaded with user and connection. One query.
    """
    if not ticket or not browser_token:
        return None
    return _OF_TICKET.first(slug=slug, ticket_hash=hashed(ticket), browser_hash=hashed(browser_token))


def is_outdated(identity: "Identity", ticket: str) -> bool:
    """Whether the sessions of the person ended after they were let in, so that the ticket of this sign-in opens none (R21).

    The ticket contains the epochs of that moment. *End sessions* ends the sign-ins in progress too, but cannot see one that is being stored.
    """
    return ticket.partition(" ")[2] != _epochs_of(identity)


def _epochs_of(identity: "Identity") -> str:
    return f"{identity.session_epoch} {identity.user.session_epoch}"


FINISH: Final = f"""
UPDATE {_STATES} SET finished_at = statement_timestamp() WHERE id = %(state)s AND finished_at IS NULL RETURNING true
"""  # noqa: S608
"""Finish a sign-in; return no row if another request has finished it."""


def take_last_step(state: SignInState) -> bool:
    """Finish the sign-in. Return False if another request finished it first."""
    return run(FINISH, state=state.pk) is not None


REMEMBER_SESSION: Final = f"""
WITH {_purge(SsoSession, "until")}
INSERT INTO {_SESSIONS} (connection_id, identity_id, session_key, name_id, name_id_format, session_index, until)
VALUES (%(connection)s, %(identity)s, %(session_key)s, %(name_id)s, %(name_id_format)s, %(session_index)s, %(until)s)
"""  # noqa: S608
"""Store the IdP's names for a session."""


def remember_session(request: HttpRequest, state: SignInState) -> None:
    """Store the IdP's names for a new session. Without a NameID no logout could name it."""
    session_key = request.session.session_key
    if session_key and state.name_id and state.identity_id is not None:
        run(
            REMEMBER_SESSION,
            connection=state.connection_id,
            identity=state.identity_id,
            session_key=session_key,
            name_id=state.name_id,
            name_id_format=state.name_id_format,
            session_index=state.session_index,
            until=datetime.fromtimestamp(request.session[UNTIL], tz=UTC),
        )


def run(statement: str, **values: Any) -> tuple[Any, ...] | None:
    """Run one of these statements. Return its row, or None if it returns none."""
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone() if cursor.description else None
    return row


def browser_token_of(request: HttpRequest) -> str | None:
    return request.COOKIES.get(COOKIE)


def remember_browser(response: HttpResponse, token: str) -> None:
    response.set_cookie(COOKIE, token, max_age=SIGN_IN_LASTS, path="/", secure=True, httponly=True, samesite="None")


def _token(browser_token: str | None) -> str:
    """Return the token of a browser, or a new one. Two tabs share the token, so neither ends the sign-in of the other."""
    return browser_token if browser_token and len(browser_token) == _TOKEN_LENGTH else secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
