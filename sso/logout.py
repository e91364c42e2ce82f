"""Which session here is which session at the IdP, and how it ends: that one, and nobody else's."""

import logging
import secrets
from datetime import UTC, datetime
from typing import Final

from django.contrib.sessions.models import Session as StoredSession
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from core_identity.backends import UNTIL
from core_identity.clock import Now, database_now
from core_identity.errors import IdentityError
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.values import Actor
from sso import sign_in_sql
from sso.keys import signing_key
from sso.models import SamlSettings, SignInState, SsoSession
from sso.saml.assertion import Session
from sso.saml.key_pair import KeyPair
from sso.saml.logout_claims import LogoutRequest
from sso.saml.messages import Outgoing, logout_request
from sso.sign_in_state import use_once

log = logging.getLogger("sso.sign_ins")

_SALT: Final = "sso.logout"


def remember_session(request: HttpRequest, state: SignInState) -> None:
    """Keep what the IdP calls the session that has just begun. Without a NameID no logout could name it."""
    session_key = request.session.session_key
    if session_key and state.name_id and state.identity_id is not None:
        sign_in_sql.run(
            sign_in_sql.REMEMBER_SESSION,
            connection=state.connection_id,
            identity=state.identity_id,
            session_key=session_key,
            name_id=state.name_id,
            name_id_format=state.name_id_format,
            session_index=state.session_index,
            until=datetime.fromtimestamp(request.session[UNTIL], tz=UTC),
        )


def session_of(request: HttpRequest) -> SsoSession | None:
    """Return what the session of a request is called at its IdP."""
    key = request.session.session_key
    return SsoSession.objects.select_related("connection__saml").filter(session_key=key).first() if key else None


def farewell(ended: SsoSession) -> Outgoing | None:
    """Return what the browser takes to the IdP to end the session there too; None where the IdP does not offer it, or we cannot sign."""
    saml: SamlSettings | None = getattr(ended.connection, "saml", None)
    place = saml.slo_place if saml else None
    ended.delete()
    if saml is None or place is None or not ended.connection.enabled:
        return None
    key = key_for_logout(saml)
    if key is None:
        return None
    session = Session(ended.name_id, ended.name_id_format, ended.session_index)
    return logout_request(place, saml.sp, session, request_id=_request_id(saml), now=database_now(), signer=key)


def key_for_logout(saml: SamlSettings) -> KeyPair | None:
    """Return what signs our logout messages; None where there is none, or none that can be opened: the way out must not hang on our keys."""
    try:
        return signing_key(saml)
    except IdentityError as error:
        told = {"connection": saml.connection.slug, "code": error.code, "fault": error.message}
        log.error("no logout at the IdP: a key of ours cannot be opened", extra=told)
        return None


@transaction.atomic
def end_named_sessions(saml: SamlSettings, asked: LogoutRequest, *, actor: Actor) -> list[SsoSession]:
    """End the sessions that a verified LogoutRequest names, and return them. Raises `SamlRefusal` for one that was used before.

    Only what came through this connection under this NameID; with a SessionIndex, only that. Nobody there is no error: it has ended already.
    """
    # An XML ID contains no space, so no assertion can be taken for a logout.
    use_once(saml, f"logout {asked.request_id}")
    named = Q(connection=saml.connection, name_id=asked.name_id)
    if asked.session_indexes:
        named &= Q(session_index__in=asked.session_indexes)
    # Also who has come back and not yet gone on: a question may stand there for minutes.
    SignInState.objects.filter(named, finished_at=None).update(finished_at=Now())
    ended = list(SsoSession.objects.filter(named).select_for_update().select_related("identity"))
    keys = {one.session_key for one in ended}
    StoredSession.objects.filter(session_key__in=keys).delete()
    SsoSession.objects.filter(pk__in=[one.pk for one in ended]).delete()
    people = {one.identity_id: one.identity for one in ended}
    events.record_many(
        events.new_event(actor=actor, kind=EventKind.SSO_LOGGED_OUT, subject=one) for one in people.values()
    )
    return ended


def is_ours(saml: SamlSettings, request_id: str) -> bool:
    """Whether a LogoutRequest of ours, at this connection, had that ID. The ID says so itself: nothing is kept of somebody who has left."""
    nonce, _, proof = request_id.partition(".")
    return secrets.compare_digest(proof.encode(), _proof(saml, nonce).encode())


def _request_id(saml: SamlSettings) -> str:
    nonce = f"_{secrets.token_hex(16)}"
    return f"{nonce}.{_proof(saml, nonce)}"


def _proof(saml: SamlSettings, nonce: str) -> str:
    return salted_hmac(_SALT, f"{saml.connection_id} {nonce}", algorithm="sha256").hexdigest()
