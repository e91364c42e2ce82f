"""Logout by either side: it ends the named session and no other, and only by a signed message."""

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from lxml import etree

from core_identity.models import Connection, Event
from sso.models import SignInRecord, SsoSession
from sso.sign_in.log import refused_lately
from tests.sso.conftest import SERVICE, SLO, Browser, with_logout
from tests.sso.logout_messages import (
    JANE_BY_SSO,
    LOGOUT,
    ZOE_BY_SSO,
    by_query,
    post,
    request_xml,
    response_xml,
    signed_by_us,
)
from tests.support.cast import make_connection
from tests.support.saml import SUCCESS, TestIdp, request_in
from tests.support.undone import every_case

if TYPE_CHECKING:
    pass


# The IdP begins


@pytest.mark.parametrize("binding", ["POST", "Redirect"])
def test_the_idp_ends_the_session_that_it_names_and_gets_an_answer(jane: Browser, binding: str) -> None:
    if binding == "POST":
        answer = post(jane, jane.idp.logout(request_xml(jane.idp)), RelayState="r&1")
    else:
        answer = by_query(jane, jane.idp.logout_query(request_xml(jane.idp, place=False), relay_state="r&1"))
    assert jane.me().status_code == 401
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{SLO}?SAMLResponse=")
    fields = parse_qs(urlsplit(answer["Location"]).query)
    assert fields["RelayState"] == ["r&1"]
    request = request_in(answer["Location"].replace("SAMLResponse", "SAMLRequest"))
    assert (request.get("InResponseTo"), request.get("Destination")) == ("_logout1", SLO)
    status = request.find("{*}Status/{*}StatusCode")
    assert status is not None
    assert status.get("Value") == SUCCESS
    assert signed_by_us(answer["Location"])
    assert Event.objects.get(kind="sso.logged_out").user_id is not None
    record = SignInRecord.objects.latest("id")
    assert (record.code, record.decision) == ("signed_out", "Signed out by the identity provider: 1 session ended.")
    assert record.user_id == Event.objects.get(kind="sso.logged_out").user_id


def test_a_query_is_verified_in_the_very_octets_that_came(jane: Browser) -> None:
    """Some IdPs escape in lower case, or a space as %20: escaped again, it would differ from the signed text."""

    def lower(text: str) -> str:
        return re.sub(r"%..", lambda found: found[0].lower(), quote(text, safe=""))

    xml = request_xml(jane.idp, place=False)
    by_query(jane, jane.idp.logout_query(xml, relay_state="a b", escape=lower))
    assert jane.me().status_code == 401


def test_only_the_session_with_that_index_ends_and_nobody_elses(jane: Browser, acme: Connection) -> None:
    second, zoe = Browser(jane.idp), Browser(jane.idp)
    second.sign_in(JANE_BY_SSO)
    zoe.sign_in(ZOE_BY_SSO)
    SsoSession.objects.filter(session_key=second.http.session.session_key).update(session_index="_s2")
    post(jane, jane.idp.logout(request_xml(jane.idp)))
    assert [one.me().status_code for one in (jane, second, zoe)] == [401, 200, 200]


def test_without_an_index_all_sessions_of_that_name_id_end(jane: Browser) -> None:
    second, zoe = Browser(jane.idp), Browser(jane.idp)
    second.sign_in(JANE_BY_SSO)
    zoe.sign_in(ZOE_BY_SSO)
    post(jane, jane.idp.logout(request_xml(jane.idp, indexes=())))
    assert [one.me().status_code for one in (jane, second, zoe)] == [401, 401, 200]


def test_a_returned_but_unfinished_sign_in_does_not_come_in_after_the_logout(jane: Browser) -> None:
    late = Browser(jane.idp)
    back = late.come_back(JANE_BY_SSO)
    post(jane, jane.idp.logout(request_xml(jane.idp)))
    late.follow(back)
    assert late.me().status_code == 401


def test_the_idp_of_one_connection_ends_no_session_of_another_R1(jane: Browser) -> None:
    other = make_connection("globex", customer="Globex")
    idp = TestIdp("https://other.test")
    with_logout(other, idp)
    xml = request_xml(idp, destination=f"{SERVICE}/sso/globex/logout")
    answer = jane.http.post("/sso/globex/logout", {"SAMLRequest": idp.logout(xml)})
    assert answer.status_code == 302
    assert jane.me().status_code == 200
    assert post(jane, idp.logout(request_xml(idp, issuer=jane.idp.entity_id))).status_code == 400
    assert jane.me().status_code == 200


def test_a_logout_of_somebody_who_is_gone_is_answered_as_done(jane: Browser) -> None:
    subject = "<saml:NameID>nobody@acme.test</saml:NameID>"
    assert post(jane, jane.idp.logout(request_xml(jane.idp, subject=subject))).status_code == 302
    assert jane.me().status_code == 200


def test_a_logout_takes_a_constant_number_of_queries(jane: Browser, django_assert_num_queries: Any) -> None:
    counts = []
    for number, others in enumerate((0, 3)):
        for _ in range(others + 1):
            Browser(jane.idp).sign_in(JANE_BY_SSO)
        message = jane.idp.logout(request_xml(jane.idp, id=f"_q{number}", indexes=()))
        with django_assert_num_queries(LOGOUT_QUERIES) as counted:
            post(jane, message)
        counts.append(len(counted))
    assert counts[0] == counts[1]


LOGOUT_QUERIES = 14


# CORE begins

PARTIAL = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
RESPONDER = "urn:oasis:names:tc:SAML:2.0:status:Responder"


def sign_out(jane: Browser) -> etree._Element:
    """Press the button, and return the LogoutRequest that the browser takes to the IdP."""
    answer = jane.http.post("/sign-out")
    assert answer.status_code == 200
    assert jane.me().status_code == 401, "whatever the IdP does"
    url = answer["Refresh"].removeprefix("0; url=")
    assert url.startswith(f"{SLO}?SAMLRequest=")
    assert signed_by_us(url)
    return request_in(url)


def test_signing_out_continues_at_the_idp_with_a_signed_request_for_this_session(jane: Browser) -> None:
    request = sign_out(jane)
    assert request.get("Destination") == SLO
    assert request.findtext("{*}Issuer") == f"{SERVICE}/sso/acme/metadata"
    assert request.findtext("{*}NameID") == "jane.doe@acme.test"
    assert request.findtext("{*}SessionIndex") == "_s1"
    assert not SsoSession.objects.exists()


COULD_NOT_END = "could not end all of your session"
STATUSES: dict[str, tuple[str, str]] = {
    "success": (SUCCESS, "has ended too"),
    "two codes": (
        f'{SUCCESS}"/><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:PartialLogout',
        COULD_NOT_END,
    ),
    "partial": (
        f'{SUCCESS}"><samlp:StatusCode Value="{PARTIAL}"/></samlp:StatusCode><x xmlns="urn:x" a="',
        COULD_NOT_END,
    ),
    "responder, partial": (
        f'{RESPONDER}"><samlp:StatusCode Value="{PARTIAL}"/></samlp:StatusCode><x xmlns="urn:x" a="',
        COULD_NOT_END,
    ),
    "responder": (RESPONDER, COULD_NOT_END),
    "requester": ("urn:oasis:names:tc:SAML:2.0:status:Requester", COULD_NOT_END),
    "empty": ("", COULD_NOT_END),
}


@pytest.mark.parametrize("binding", ["POST", "Redirect"])
def test_the_answer_of_the_idp_is_shown_in_words(jane: Browser, binding: str) -> None:
    request_id = sign_out(jane).get("ID", "")
    with every_case() as case:
        for name, (status, words) in STATUSES.items():
            with case(name):
                if binding == "POST":  # as Okta does
                    message = jane.idp.logout(response_xml(jane.idp, request_id, status=status))
                    answer = post(jane, message, field="SAMLResponse")
                else:
                    xml = response_xml(jane.idp, request_id, place=False, status=status)
                    answer = by_query(jane, jane.idp.logout_query(xml, field="SAMLResponse"))
                assert answer.status_code == 200
                assert words in answer.content.decode()


ANSWERS_TO_NOTHING: tuple[tuple[dict[str, str], str], ...] = (
    ({"in_response_to": "_somebody-elses"}, "in_response_to"),
    ({"in_response_to": "_x.é"}, "in_response_to"),
    ({"in_response_to": ""}, "in_response_to"),
    ({"in_response_to": "_" + "0" * 32}, "in_response_to"),
    ({"in_response_to": "_" + "0" * 32 + "." + "0" * 64}, "in_response_to"),
    ({"destination": f"{LOGOUT}/"}, "destination"),
    ({"issuer": "https://evil.test"}, "issuer"),
    ({"destination": f"{SERVICE}/sso/acme/acs"}, "destination"),
)


def test_an_answer_to_nothing_of_ours_is_refused(jane: Browser) -> None:
    request_id = sign_out(jane).get("ID", "")
    with every_case() as case:
        for changes, code in ANSWERS_TO_NOTHING:
            with case(changes):
                claims: dict[str, Any] = {"in_response_to": request_id} | changes
                answer = post(jane, jane.idp.logout(response_xml(jane.idp, **claims)), field="SAMLResponse")
                assert answer.status_code == 400
                assert f"({code})" in answer.content.decode()


@pytest.mark.parametrize("binding", ["POST", "Redirect"])
def test_a_refused_answer_shows_whether_the_session_ended_and_its_reference_finds_a_row_R35(
    jane: Browser, binding: str
) -> None:
    """The button has ended the session here before the browser left; only the end at the IdP is not known."""
    request_id = sign_out(jane).get("ID", "")
    if binding == "POST":
        unsigned = base64.b64encode(response_xml(jane.idp, request_id).encode()).decode()
        answer = post(jane, unsigned, field="SAMLResponse")
    else:
        xml = response_xml(jane.idp, request_id, place=False)
        answer = by_query(jane, TestIdp(jane.idp.entity_id).logout_query(xml, field="SAMLResponse"))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "You are signed out of CORE" in page
    assert "Your session there may not have ended" in page
    assert "Nobody was signed out" not in page
    record = SignInRecord.objects.get(reference=answer["X-Request-Id"])
    assert record.reference in page
    assert record.code == "logout_refused"
    why = "the signature has an unknown form" if binding == "POST" else "signed with an unknown certificate"
    assert record.decision == f"A logout message was refused: {why}."
    assert refused_lately("acme") == 0, "no sign-in was refused"


def test_a_refused_answer_does_not_claim_that_a_session_ended_which_did_not(jane: Browser) -> None:
    answer = post(jane, jane.idp.logout(response_xml(jane.idp, "_somebody-elses")), field="SAMLResponse")
    assert "A logout answer was refused" in answer.content.decode()
    assert "You are signed out" not in answer.content.decode()
    assert jane.me().status_code == 200


def test_a_refused_request_has_a_row_and_strangers_fill_no_table(jane: Browser, settings: LazySettings) -> None:
    settings.FAILURES_PER_MINUTE = 2
    for _ in range(4):
        page = post(jane, "bm90IHNpZ25lZA==").content.decode()
        assert "Nobody was signed out" in page
    assert SignInRecord.objects.filter(code="logout_refused").count() == 2
    assert Event.objects.filter(kind="sso.logged_out").count() == 0


def test_without_single_logout_the_page_warns_that_the_session_at_the_idp_may_continue(
    jane: Browser, acme: Connection
) -> None:
    acme.saml.slo_url = acme.saml.slo_post_url = ""
    acme.saml.save()
    page = jane.http.post("/sign-out", follow=True).content.decode()
    assert "You are signed out of CORE. Your session at Acme may continue." in page


def test_signing_out_works_although_our_key_cannot_be_opened(jane: Browser, settings: LazySettings) -> None:
    settings.SAML_KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert jane.http.post("/sign-out")["Location"] == "/"
    assert jane.me().status_code == 401


def test_an_answer_that_comes_twice_changes_nothing(jane: Browser) -> None:
    """It ends no session here, so it needs no memory. A person who has signed in meanwhile stays signed in, as the page shows."""
    request_id = sign_out(jane).get("ID", "")
    message = jane.idp.logout(response_xml(jane.idp, request_id))
    assert "has ended too" in post(jane, message, field="SAMLResponse").content.decode()
    jane.sign_in(JANE_BY_SSO)
    again = jane.http.post("/sso/acme/logout", {"SAMLResponse": message})
    assert again.status_code == 200
    assert "You are still signed in here" in again.content.decode()
    assert jane.me().status_code == 200


def test_an_answer_to_another_connection_is_refused_R1(jane: Browser) -> None:
    request_id = sign_out(jane).get("ID", "")
    idp = TestIdp("https://other.test")
    with_logout(make_connection("globex", customer="Globex"), idp)
    xml = response_xml(idp, request_id, destination=f"{SERVICE}/sso/globex/logout")
    answer = jane.http.post("/sso/globex/logout", {"SAMLResponse": idp.logout(xml)})
    assert (answer.status_code, "(in_response_to)" in answer.content.decode()) == (400, True)
