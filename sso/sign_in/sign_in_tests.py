"""A test sign-in (R37): it passes every check and the real service, and then all changes are undone. If it passed, one event records that.

It belongs to one administrator, one session and one browser from the start. Its result is shown once. The result contains values from the IdP, so
until then it is stored encrypted by a ticket that only this browser has.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from cryptography.fernet import Fernet
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from core_identity.brand import BRAND
from core_identity.clock import Now, database_now
from core_identity.errors import IdentityError, InvalidValue, MissingAttributes
from core_identity.event_kinds import EventKind
from core_identity.portal.links import actor_of as actor_of_link
from core_identity.portal.links import live_links, record_test
from core_identity.services.sign_in_tests import TESTING, SignInTest, record_passed_test, run_sign_in_test
from core_identity.services.uniqueness import WAY_OUT
from core_identity.values import Actor, ActorKind, Channel, Person
from sso.models import SamlSettings, SignInState
from sso.saml.claims import VerifiedAssertion
from sso.saml.refusals import Code, SamlRefusal, legible
from sso.settings.live_settings import NobodySignsInHere
from sso.sign_in import progress
from sso.sign_in.explanations import explain_attributes, explain_entrance, explain_refusal
from sso.sign_in.incoming_message import Attempt, actor_of, verified_assertion
from sso.sign_in.log import MAX_NAMES, as_json, record, record_stranger
from sso.sign_in.mapping import person_of
from sso.sign_in.outcomes import SIGNED_IN
from sso.sign_in.refusal_page import refused_message

if TYPE_CHECKING:
    from core_identity.models import SetupLink

MAX_VALUES: Final = 50
"""The number of values of one attribute that are shown."""

WOULD_OPEN: Final = "Would sign in"
WOULD_REFUSE: Final = "Would be refused"
OUR_SIDE: Final = "our_side"
OUR_SIDE_SENTENCE: Final = (
    f"Your side is correct. {BRAND} would not let this person in yet, for a reason on its own side. "
    "Give the reference to your contact, who sees the reason."
)


def may_test(user: Any, connection: Any) -> bool:
    """Whether an administrator may begin a test and see its result: they must be able to change the connection and to see users.

    Our own IdP decides who is an administrator (R26), so there only a superuser may.
    """
    sees = user.has_perm("core_identity.view_user") or user.has_perm("core_identity.change_user")
    changes = user.is_staff and user.has_perm("core_identity.change_connection")
    return bool(sees and changes and (user.is_superuser or not connection.own_idp))


def begin_test(request: HttpRequest, saml: SamlSettings) -> progress.Departure:
    """Begin a test sign-in of the administrator who sent this request. The caller must check `may_test`."""
    return progress.depart(
        saml,
        browser_token=progress.browser_token_of(request),
        next_path="",
        tester=request.user,
        tester_session=progress.hashed(str(request.session.session_key)),
    )


@transaction.atomic
def begin_test_of_link(request: HttpRequest, saml: SamlSettings, link: "SetupLink") -> progress.Departure:
    """Begin a test sign-in for the browser of a set-up link (R38). It has the rights of the link's creator, and ends with the link."""
    record_test(actor=actor_of_link(link, request), link=link)
    return progress.depart(
        saml,
        browser_token=progress.browser_token_of(request),
        next_path=reverse("portal-tested"),
        tester=link.created_by,
        tester_session=_session_of(link),
    )


def _session_of(link: "SetupLink") -> str:
    """Return the substitute for a session: this link, in the browser that has it open now."""
    return progress.hashed(f"set-up link {link.pk} {link.browser_hash}")


def _tests_of(browser_token: str | None) -> QuerySet[SignInState]:
    """Return the current test sign-ins that a browser began, returned or not."""
    return SignInState.objects.filter(
        tester__isnull=False, browser_hash=progress.hashed(browser_token or ""), expires_at__gt=Now()
    )


def settings_under_test(slug: str, browser_token: str | None) -> SamlSettings:
    """Return the settings of a connection that is off, while this browser tests it. Raises `NobodySignsInHere` for any other browser (R1a)."""
    if not browser_token:
        raise NobodySignsInHere
    waiting = _tests_of(browser_token).filter(connection__slug=slug, used_at=None)
    found = SamlSettings.objects.select_related("connection").filter(connection__in=waiting.values("connection"))
    saml = found.first()
    if saml is None:
        raise NobodySignsInHere
    return saml


def finish_test(attempt: Attempt, state: SignInState) -> HttpResponse:
    """Answer the message at the end of a test sign-in: apply it, undo it, and redirect to the page with the result."""
    attempt = replace(attempt, is_test=True)
    if state.tester is None or not may_test(state.tester, attempt.saml.connection):
        return refused_message(attempt, SamlRefusal(Code.NO_REQUEST, expected="an administrator who may test"))
    try:
        assertion = verified_assertion(attempt, state)
    except SamlRefusal as refusal:
        if not _use_up(state):
            return refused_message(attempt, SamlRefusal(Code.REPLAY, received=str(state.request_id)))
        record_stranger(attempt, refusal)
        return _lead_to(attempt, state, _refusal_verdict(refusal.code.value, refusal.sentence))
    explain_attributes(attempt.trace, attempt.saml, assertion)
    checks = attempt.trace.checks
    try:
        person = person_of(assertion, attempt.saml)
    except IdentityError as refused:
        test = SignInTest(None, refused, ())
    else:
        test = _run(attempt, person)
    if test.refusal is None:
        record_passed_test(actor=_tester(attempt, state), connection=attempt.saml.connection)
    result = {**_verdict(attempt, assertion, test), "sent_values": _sent_values(assertion), "events": _plain(test)}
    if state.next_path:
        result = _for_customer(result, test.refusal) | {"checks": [as_json(check) for check in checks]}
    return _lead_to(attempt, state, result)


def _tester(attempt: Attempt, state: SignInState) -> Actor:
    """Return who began a test: the administrator, or the set-up link of the connection, if that is still open in its browser."""
    connection, reference = attempt.saml.connection, attempt.reference
    if state.tester is not None and not state.next_path:
        name = state.tester.get_username()
        return Actor(Channel.ADMIN, ActorKind.ADMIN, name, id=str(state.tester.pk), request_id=reference)
    links = live_links().filter(connection=connection)
    link = next((one for one in links if _session_of(one) == state.tester_session), None)
    return actor_of_link(link, attempt.request) if link is not None else replace(TESTING, request_id=reference)


def take_report(request: HttpRequest, *, connection: Any, ticket: str) -> dict[str, Any] | None:
    """Return the result of a test once, to the administrator who began it, in the same session and browser; else None."""
    session = progress.hashed(str(request.session.session_key))
    return _take_report(request, connection=connection, tester_id=request.user.pk, session=session, ticket=ticket)


def take_report_of_link(request: HttpRequest, link: "SetupLink", *, ticket: str) -> dict[str, Any] | None:
    """Return the result of a test once, to the set-up link that began it, in the same browser; else None."""
    return _take_report(
        request, connection=link.connection, tester_id=link.created_by_id, session=_session_of(link), ticket=ticket
    )


def _take_report(
    request: HttpRequest, *, connection: Any, tester_id: Any, session: str, ticket: str
) -> dict[str, Any] | None:
    with transaction.atomic():
        mine = _tests_of(progress.browser_token_of(request)).filter(
            connection=connection,
            tester=tester_id,
            tester_session=session,
            ticket_hash=progress.hashed(ticket),
            finished_at=None,
        )
        state = mine.select_for_update(of=("self",)).first()
        if state is None or not state.report:
            return None
        report = _box(ticket).decrypt(state.report.encode())
        state.report, state.finished_at = "", database_now()
        state.save(update_fields=["report", "finished_at"])
    report_data: dict[str, Any] = json.loads(report)
    return report_data


def _run(attempt: Attempt, person: Person) -> SignInTest:
    return run_sign_in_test(actor=actor_of(attempt, person), connection=attempt.saml.connection, person=person)


def _verdict(attempt: Attempt, assertion: VerifiedAssertion, test: SignInTest) -> dict[str, Any]:
    """Finish the trace, write the one row that stays, and return the verdict in words."""
    entrance, refused = test.entrance, test.refusal
    if refused is not None or entrance is None:
        assert refused is not None  # noqa: S101 - one of the two is there
        explain_refusal(attempt.trace, attempt.saml, refused)
        record(attempt, assertion, code=refused.code, decision=f"{WOULD_REFUSE}: {refused.code.replace('_', ' ')}.")
        # The advice where to find the conflict is left out, because a test opens none.
        return _refusal_verdict(refused.code, refused.message.removesuffix(WAY_OUT).strip())
    decision = f"{WOULD_OPEN}: {explain_entrance(attempt.trace, entrance)}"
    user = entrance.identity.user
    known_id = None if test.makes_a_user else user.pk
    record(attempt, assertion, code=SIGNED_IN, decision=decision, user_id=known_id)
    return {
        "opens": True,
        "code": SIGNED_IN,
        "sentence": decision,
        "username": user.username,
        "user_id": known_id and str(known_id),
    }


def _for_customer(result: Mapping[str, Any], refusal: IdentityError | None) -> dict[str, Any]:
    """Return the IdP's side of a result, for the customer's own page (R38).

    It contains what the IdP sent, and whether the person would get in. The matched user, roles, conflicts and changes are CORE's side.
    """
    shared = {"opens": result["opens"], "sent_values": result["sent_values"]}
    if refusal is None:
        return {**shared, "code": SIGNED_IN, "sentence": f"{BRAND} would let this person in."}
    if isinstance(refusal, MissingAttributes | InvalidValue):
        return {**shared, "code": result["code"], "sentence": result["sentence"]}
    return {**shared, "code": OUR_SIDE, "sentence": OUR_SIDE_SENTENCE}


def _refusal_verdict(code: str, sentence: str) -> dict[str, Any]:
    return {"opens": False, "code": code, "sentence": sentence}


def _sent_values(assertion: VerifiedAssertion) -> list[tuple[str, list[str]]]:
    """Return the NameID and the attributes, legible and bounded."""
    values_by_name = {"NameID": (assertion.name_id,), **assertion.attributes}
    return [
        (legible(name), [legible(one) for one in values[:MAX_VALUES]])
        for name, values in list(values_by_name.items())[:MAX_NAMES]
    ]


def _plain(test: SignInTest) -> list[Mapping[str, Any]]:
    return [event for event in test.events if event["kind"] != EventKind.USER_SIGNED_IN]


def _use_up(state: SignInState) -> bool:
    return bool(SignInState.objects.filter(pk=state.pk, used_at=None).update(used_at=database_now()))


def _lead_to(attempt: Attempt, state: SignInState, result: Mapping[str, Any]) -> HttpResponse:
    """Store the result, encrypted, and redirect the browser to a page of this site, where its session cookie is sent."""
    connection, ticket = attempt.saml.connection, secrets.token_urlsafe(32)
    report = {
        "checks": [as_json(check) for check in attempt.trace.checks],
        **result,
        "reference": attempt.reference,
        "milliseconds": attempt.trace.milliseconds,
        "switched_off": not connection.enabled,
    }
    sealed = _box(ticket).encrypt(json.dumps(report, default=str).encode()).decode()
    SignInState.objects.filter(pk=state.pk).update(ticket_hash=progress.hashed(ticket), report=sealed)
    # Set at the departure, by us: the page of the set-up link that began the test.
    response = redirect(state.next_path or reverse("admin:core_identity_connection_tested", args=[connection.pk]))
    response.status_code = 303
    response["Location"] += f"?{urlencode({'ticket': ticket})}"
    return response


def _box(ticket: str) -> Fernet:
    """Return a key from the ticket. It differs from the hash of the ticket, which is stored beside the encrypted text."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"report of a test sign-in: {ticket}".encode()).digest()))
