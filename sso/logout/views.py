"""Sign out: of CORE by a button, which always works; at the IdP too if it offers that; and by a signed message of the IdP (profiles 4.4)."""

import logging
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from lxml import etree

from core_identity.brand import BRAND
from core_identity.clock import database_now
from core_identity.credentials import credential
from core_identity.services.sessions import end_sessions
from core_identity.values import Actor, ActorKind, Channel
from sso.logout.sessions import end_named_sessions, is_ours, key_for_logout, logout_message_for_idp, session_of
from sso.models import SamlSettings, SsoSession
from sso.saml.expectations import Expected
from sso.saml.logout import check_logout_request, check_logout_response, verify_posted, verify_redirected
from sso.saml.messages import logout_response
from sso.saml.refusals import Code, SamlRefusal, VerifierFault
from sso.saml.verifier import unverified_in_response_to
from sso.settings.live_settings import live_settings
from sso.sign_in.incoming_message import Attempt, judging
from sso.sign_in.log import record_logout, record_refused_logout, record_sign_out
from sso.sign_in.redirects import may_be_framed_by, may_post_to, send_to_idp
from sso.sign_in.refusal_page import OUR_FAULT, TOO_MANY, count_refusal

log = logging.getLogger("sso.sign_ins")


@credential("session")
@require_POST
@never_cache
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session here, whatever the IdP does. Then send the browser to the IdP to end its session too, if the IdP offers that."""
    sso_session = session_of(request)
    user_id = request.user.pk
    end_session(request)
    if user_id is not None:
        record_sign_out(request, session=sso_session, user_id=user_id, decision=f"Signed out of {BRAND} by the button.")
    away = logout_message_for_idp(sso_session) if sso_session else None
    if sso_session is None or away is None:
        messages.success(request, f"You are signed out of {BRAND}.{_warning_of_idp_session(sso_session)}")
        return redirect("start")
    # Not a redirect: browsers apply form-action to redirects. And if the IdP is down, the person must see that they are signed out here.
    response = render(request, "sso/signed_out.html", {"connection": sso_session.connection, "away": away})
    if away.fields:
        return may_post_to(response, away.url)
    response["Refresh"] = f"0; url={away.url}"
    return response


@credential("session")
@require_POST
@never_cache
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End all sessions of the person, in each browser, this one included. Sessions at identity providers continue, and the answer warns of them."""
    user = request.user
    if user.is_authenticated:
        sso_session = session_of(request)
        channel = Channel.SSO if sso_session else Channel.ADMIN
        actor = Actor(channel, ActorKind.SIGN_IN, user.get_username(), id=str(user.pk), request_id=_reference(request))
        end_sessions(actor=actor, user_id=user.pk, reason="The person signed out everywhere.")
        end_session(request)
        record_sign_out(request, session=sso_session, user_id=user.pk, decision="Signed out everywhere by the button.")
        done = "You are signed out in all browsers."
        messages.success(request, f"{done}{_warning_of_idp_session(sso_session)}")
    return redirect("start")


def _warning_of_idp_session(sso_session: SsoSession | None) -> str:
    if sso_session is None:
        return ""
    return (
        f" Your session at {sso_session.connection.name} may continue. Sign out there too if others use this computer."
    )


@credential("none")
@csrf_exempt  # The IdP's page posts here. Its signature is the protection: without a valid one nobody is signed out.
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def logout(request: HttpRequest, slug: str) -> HttpResponse:
    """Serve single logout by both bindings. Without a message, show a button, because no foreign page may sign anybody out by a link."""
    saml = live_settings(slug)
    fields = request.POST if request.method == "POST" else request.GET
    messages_sent = [name for name in ("SAMLRequest", "SAMLResponse") if name in fields]
    # A browser that prefetches a link must not end a session.
    if request.method == "HEAD" or (not messages_sent and request.method != "POST"):
        return render(request, "sso/sign_out.html", {"saml": saml})
    attempt = Attempt(request, saml)
    try:
        if len(messages_sent) != 1 or len(fields.getlist(messages_sent[0])) != 1:
            raise SamlRefusal(Code.STRUCTURE, expected="one SAMLRequest or SAMLResponse")
        return _answer(attempt, messages_sent[0])
    except SamlRefusal as refusal:
        return _refused(attempt, refusal, messages_sent)
    except VerifierFault as fault:
        log.error("a logout message could not be judged", exc_info=fault, extra=attempt.facts)
        return _not_done(attempt, messages_sent, status=503, code="our_fault", sentence=OUR_FAULT)


def _refused(attempt: Attempt, refusal: SamlRefusal, messages_sent: list[str]) -> HttpResponse:
    code = refusal.code.value
    reasons = {"code": code, "expected": refusal.expected}
    log.warning("logout refused", extra=attempt.facts | reasons)
    record_refused_logout(attempt, refusal)
    wait = count_refusal(attempt)
    if not wait:
        return _not_done(attempt, messages_sent, status=400, code=code)
    response = _not_done(attempt, messages_sent, status=429, code="too_many_requests", sentence=TOO_MANY)
    response["Retry-After"] = str(wait)
    return response


def _not_done(attempt: Attempt, messages_sent: list[str], *, status: int, **reason: str) -> HttpResponse:
    """Answer a message that had no effect. The page shows whether the session here has ended, because the sign-out button ends it first."""
    page: dict[str, Any] = {"saml": attempt.saml, "reference": attempt.reference, **reason}
    is_answer = messages_sent == ["SAMLResponse"]
    # Do not parse a message again that made us fail.
    is_readable = reason["code"] not in {Code.STRUCTURE.value, "our_fault"} or attempt.request.method != "POST"
    page |= {"is_answer": is_answer, "ended_here": is_answer and is_readable and _ended_here(attempt)}
    return render(attempt.request, "sso/logout_refused.html", page, status=status)


def _ended_here(attempt: Attempt) -> bool:
    """Whether this browser came from our sign-out button, which ends the session here first, as far as a refused answer shows it.

    A POST from the IdP comes without our session cookie. In that case the ID in the answer must be one of ours.
    """
    if attempt.request.user.is_authenticated:
        return False
    if attempt.request.method != "POST":
        return True
    try:
        return is_ours(attempt.saml, unverified_in_response_to(attempt.request.POST["SAMLResponse"]) or "")
    except SamlRefusal:
        return False


def _verified(attempt: Attempt, field: str) -> etree._Element:
    request, idp = attempt.request, attempt.saml.idp
    with judging(attempt):
        if request.method == "POST":
            message = verify_posted(field, request.POST[field], idp)
        else:
            message = verify_redirected(field, request.META["QUERY_STRING"], idp)
    attempt.trace.believe()
    return message


def _answer(attempt: Attempt, field: str) -> HttpResponse:
    request, saml, message = attempt.request, attempt.saml, _verified(attempt, field)
    expected = Expected(saml.idp, saml.sp, None, database_now(), skew=saml.skew)
    if field == "SAMLResponse":
        request_id, done = check_logout_response(message, expected)
        if not is_ours(saml, request_id):
            raise SamlRefusal(Code.IN_RESPONSE_TO, expected="a LogoutRequest of ours", received=request_id)
        log.info("logout answered", extra=attempt.facts | {"done": done})
        return _signed_out(request, saml, done=done)
    logout_request = check_logout_request(message, expected)
    actor = Actor(Channel.SSO, ActorKind.SIGN_IN, "logout by the identity provider", request_id=_reference(request))
    ended = end_named_sessions(saml, logout_request, actor=actor)
    log.info("logout", extra=attempt.facts | {"sessions": len(ended)})
    record_logout(attempt, logout_request.name_id, ended)
    if request.session.session_key in {one.session_key for one in ended}:
        end_session(request)
    key, place = key_for_logout(saml), saml.slo_answer_place
    if key is None or place is None:
        return _signed_out(request, saml, done=True)
    answer = logout_response(
        place,
        saml.sp,
        in_response_to=logout_request.request_id,
        relay_state=(request.POST if request.method == "POST" else request.GET).get("RelayState", "")[:300],
        now=database_now(),
        signer=key,
    )
    return may_be_framed_by(send_to_idp(request, saml, answer), saml)


def _signed_out(request: HttpRequest, saml: SamlSettings, **context: Any) -> HttpResponse:
    return render(request, "sso/signed_out.html", {"connection": saml.connection, **context})


def _reference(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))
