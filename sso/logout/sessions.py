"""Find the session here that belongs to a session at the IdP, and end it and no other."""

import logging
import secrets
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from core_identity.clock import Now, database_now
from core_identity.errors import IdentityError
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.services.sessions import end_session_rows
from core_identity.values import Actor
from sso.models import SamlSettings, SignInState, SsoSession
from sso.saml.key_pair import KeyPair
from sso.saml.logout import LogoutRequest
from sso.saml.messages import Outgoing, logout_request
from sso.saml.parties import Session
from sso.settings.keys import signing_key
from sso.sign_in.progress import use_once

log = logging.getLogger("sso.sign_ins")

_SALT: Final = "sso.logout.sessions"


def session_of(request: HttpRequest) -> SsoSession | None:
    """Return the IdP's names for the session of a request."""
    key = request.session.session_key
    return SsoSession.objects.select_related("connection__saml").filter(session_key=key).first() if key else None


def logout_message_for_idp(ended: SsoSession) -> Outgoing | None:
    """Return the message that ends the session at the IdP too. None if the IdP does not offer this or we cannot sign."""
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
    """Return the key that signs our logout messages; None if there is none, or if it cannot be opened.

    People must be able to sign out without our keys.
    """
    try:
        return signing_key(saml)
    except IdentityError as error:
        details = {"connection": saml.connection.slug, "code": error.code, "fault": error.message}
        log.error("no logout at the IdP: a key of ours cannot be opened", extra=details)
        return None


@transaction.atomic
def end_named_sessions(saml: SamlSettings, message: LogoutRequest, *, actor: Actor) -> list[SsoSession]:
    """End the sessions that a verified LogoutRequest names, and return them. Raises `SamlRefusal` if the request was used before.

    The sessions are those of this connection and NameID; with a SessionIndex, only those. If there are none, they have ended already, and this is
    not an error.
    """
    # An XML ID contains no space, so an assertion never has the same ID as a logout.
    use_once(saml, f"logout {message.request_id}")
    matching = Q(connection=saml.connection, name_id=message.name_id)
    if message.session_indexes:
        matching &= Q(session_index__in=message.session_indexes)
    # Also sign-ins that have returned and are not finished: their page may stay open for minutes.
    SignInState.objects.filter(matching, finished_at=None).update(finished_at=Now())
    ended = list(SsoSession.objects.filter(matching).select_for_update().select_related("identity"))
    keys = {one.session_key for one in ended}
    end_session_rows(keys)
    SsoSession.objects.filter(pk__in=[one.pk for one in ended]).delete()
    people = {one.identity_id: one.identity for one in ended}
    events.record_many(
        events.new_event(actor=actor, kind=EventKind.SSO_LOGGED_OUT, subject=one) for one in people.values()
    )
    return ended


def forget_sessions(*, identities: Collection[UUID], **_: Any) -> None:
    """Forget the IdP's names for all sessions of these identities, and end their sign-ins in progress. A receiver of `sessions_ended`."""
    SignInState.objects.filter(identity__in=identities, finished_at=None).update(finished_at=Now())
    SsoSession.objects.filter(identity__in=identities).delete()


def is_ours(saml: SamlSettings, request_id: str) -> bool:
    """Whether a LogoutRequest of ours, at this connection, had this ID. The ID contains a proof, so nothing is stored about people who left."""
    nonce, _, proof = request_id.partition(".")
    return secrets.compare_digest(proof.encode(), _proof(saml, nonce).encode())


def _request_id(saml: SamlSettings) -> str:
    nonce = f"_{secrets.token_hex(16)}"
    return f"{nonce}.{_proof(saml, nonce)}"


def _proof(saml: SamlSettings, nonce: str) -> str:
    return salted_hmac(_SALT, f"{saml.connection_id} {nonce}", algorithm="sha256").hexdigest()
