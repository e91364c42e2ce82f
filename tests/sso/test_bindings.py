"""How our messages go to the IdP: by Redirect, or by a form that sends itself, signed inside."""

import base64
import re
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from lxml import etree, html
from signxml.verifier import XMLVerifier

import sso.settings.changes
from core_identity.errors import SettingsErrors
from core_identity.models import Connection
from sso.models import SamlSettings, SignInState, SpKey
from sso.settings import keys
from tests.sso.conftest import SERVICE, Browser
from tests.sso.logout_messages import by_query, post, request_xml, signed_by_us
from tests.support.cast import ADMIN, JANE, by_sso
from tests.support.saml import NS, SUCCESS, TestIdp, request_in

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

JANE_BY_SSO = by_sso(JANE)
IDP = "https://idp.test"
LOGOUT_HOST = "https://logout.idp.test"
POST, REDIRECT = (f"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{name}" for name in ("POST", "Redirect"))
OKTAS = (
    f'<md:SingleLogoutService Binding="{POST}" Location="{IDP}/slo/post"/>'
    f'<md:SingleLogoutService Binding="{REDIRECT}" Location="{IDP}/slo"/>'
)
"""Okta names both, once single logout is switched on there."""


def believe(connection: Connection, idp: TestIdp, *, logout: str = OKTAS, **wishes: Any) -> SamlSettings:
    """Apply the metadata of an IdP that takes requests by both bindings, and logout by those in ``logout``."""
    services = f'{logout}<md:SingleSignOnService Binding="{POST}" Location="{IDP}/sso/post"/><md:SingleSignOnService'
    metadata = idp.metadata().replace("<md:SingleSignOnService", services)
    saml = sso.settings.changes.apply(connection, {"idp_metadata": metadata} | wishes, base_dir=None)
    keys.make_key_where_none(actor=ADMIN, connection=connection)
    return saml


def signed_out(browser: Browser) -> "Answer":
    browser.sign_in(JANE_BY_SSO)
    answer = browser.http.post("/sign-out")
    assert answer.status_code == 200
    assert browser.me().status_code == 401
    return answer


def form_in(answer: "Answer", action: str) -> dict[str, str]:
    """Return the fields of the form that sends itself to ``action``; without scripts its button is there to be seen."""
    page: Any = html.fromstring(answer.content.decode())
    (form,) = page.xpath("//form[@class='away']")
    assert (form.get("method"), form.get("action")) == ("post", action)
    (button,) = form.xpath(".//button[@type='submit']")
    assert button.text_content().strip()
    assert not page.xpath("//noscript | //script[not(@src)]")
    assert page.xpath("//script/@src") == ["/static/away.js"]
    assert form_action(answer) == ["'self'", action[: action.index("/", len("https://"))]]
    assert "no-store" in answer["Cache-Control"]
    assert "Refresh" not in answer
    return {field.get("name"): field.get("value") for field in form.xpath(".//input[@type='hidden']")}


def form_action(answer: "Answer") -> list[str]:
    (found,) = re.findall(r"form-action ([^;]*)", answer["Content-Security-Policy"])
    return str(found).split()


def frame_ancestors(answer: "Answer") -> list[str]:
    (found,) = re.findall(r"frame-ancestors ([^;]*)", answer["Content-Security-Policy"])
    return str(found).split()


def message_in(value: str, *, signed: bool = True) -> etree._Element:
    """Return the part of a posted message that our certificate signed, as signxml sees it. Our code signs with another library."""
    document = base64.b64decode(value)
    root = etree.fromstring(document)
    places = [etree.QName(child).localname for child in root]
    if not signed:
        assert "Signature" not in places
        return root
    assert places[:2] == ["Issuer", "Signature"], "where the schema wants it"
    pem = SpKey.objects.get(state="active").certificate
    result = XMLVerifier().verify(document, x509_cert=pem, id_attribute="ID")
    assert not isinstance(result, list)
    verified = result.signed_xml
    assert verified is not None
    assert verified.get("ID") == root.get("ID")
    for path, algorithm in {
        "ds:CanonicalizationMethod": "http://www.w3.org/2001/10/xml-exc-c14n#",
        "ds:SignatureMethod": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "ds:Reference/ds:DigestMethod": "http://www.w3.org/2001/04/xmlenc#sha256",
    }.items():
        found = root.find(f"ds:Signature/ds:SignedInfo/{path}", NS)
        assert found is not None
        assert found.get("Algorithm") == algorithm
    return verified


# Logout


def test_a_logout_goes_by_POST_where_the_idp_takes_that_as_okta_does(browser: Browser, acme: Connection) -> None:
    believe(acme, browser.idp)
    answer = signed_out(browser)
    fields = form_in(answer, f"{IDP}/slo/post")
    assert set(fields) == {"SAMLRequest"}
    assert frame_ancestors(answer) == ["'none'"]
    request = message_in(fields["SAMLRequest"])
    assert (etree.QName(request).localname, request.get("Destination")) == ("LogoutRequest", f"{IDP}/slo/post")
    assert request.findtext("{*}Issuer") == f"{SERVICE}/sso/acme/metadata"
    assert request.findtext("{*}NameID") == "jane.doe@acme.test"
    assert request.findtext("{*}SessionIndex") == "_s1"


@pytest.mark.parametrize(
    ("logout", "wishes"),
    [(OKTAS, {"slo_binding": "redirect"}), (OKTAS[OKTAS.index("/>") + 2 :], {"slo_binding": "post"})],
    ids=["wished", "all that there is"],
)
def test_a_logout_goes_by_redirect_if_chosen_or_the_only_binding(
    browser: Browser, acme: Connection, logout: str, wishes: dict[str, str]
) -> None:
    believe(acme, browser.idp, logout=logout, **wishes)
    answer = signed_out(browser)
    url = answer["Refresh"].removeprefix("0; url=")
    assert url.startswith(f"{IDP}/slo?SAMLRequest=")
    assert signed_by_us(url)
    assert form_action(answer) == ["'self'"]


@pytest.mark.parametrize("arrives", ["POST", "Redirect"])
def test_the_answer_to_the_idp_goes_where_it_wants_answers_with_its_relay_state(
    browser: Browser, acme: Connection, arrives: str
) -> None:
    logout = f'<md:SingleLogoutService Binding="{POST}" Location="{IDP}/slo" ResponseLocation="{IDP}/slo/done"/>'
    logout += f'<md:SingleLogoutService Binding="{REDIRECT}" Location="{LOGOUT_HOST}/slo"/>'
    believe(acme, browser.idp, logout=logout)
    browser.sign_in(JANE_BY_SSO)
    state = 'r&1"><script>alert(1)</script>'
    if arrives == "POST":
        answer = post(browser, browser.idp.logout(request_xml(browser.idp)), RelayState=state)
    else:
        answer = by_query(browser, browser.idp.logout_query(request_xml(browser.idp, place=False), relay_state=state))
    assert browser.me().status_code == 401
    fields = form_in(answer, f"{IDP}/slo/done")
    assert frame_ancestors(answer) == [IDP, LOGOUT_HOST], "LemonLDAP::NG and others log out in a frame of their page"
    assert fields["RelayState"] == state
    message = message_in(fields["SAMLResponse"])
    assert (message.get("InResponseTo"), message.get("Destination")) == ("_logout1", f"{IDP}/slo/done")
    assert message.xpath("string(//samlp:StatusCode/@Value)", namespaces=NS) == SUCCESS


def test_an_answer_by_redirect_goes_to_the_response_location_too(browser: Browser, acme: Connection) -> None:
    logout = (
        f'<md:SingleLogoutService Binding="{REDIRECT}" Location="{IDP}/slo" ResponseLocation="{IDP}/slo/done?a=b"/>'
    )
    believe(acme, browser.idp, logout=logout)
    answer = post(browser, browser.idp.logout(request_xml(browser.idp)))
    assert answer["Location"].startswith(f"{IDP}/slo/done?a=b&SAMLResponse=")
    assert signed_by_us(answer["Location"].replace("a=b&", "")), "what their address holds is none of what we sign"


def test_an_idp_can_end_a_session_although_our_key_cannot_be_decrypted(
    browser: Browser, acme: Connection, settings: LazySettings
) -> None:
    believe(acme, browser.idp)
    browser.sign_in(JANE_BY_SSO)
    settings.SAML_KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    answer = post(browser, browser.idp.logout(request_xml(browser.idp)))
    assert answer.status_code == 200
    assert browser.me().status_code == 401


# AuthnRequests


@pytest.mark.parametrize("signs", [True, False], ids=["signed", "unsigned"])
def test_an_authn_request_goes_by_POST_if_chosen_and_is_otherwise_the_same(
    browser: Browser, acme: Connection, signs: bool
) -> None:
    believe(acme, browser.idp, sso_binding="post", sign_requests=signs)
    answer = browser.http.get("/sso/acme/login", {"next": "/me?wanted=this"})
    fields = form_in(answer, f"{IDP}/sso/post")
    assert frame_ancestors(answer) == ["'none'"]
    request = message_in(fields["SAMLRequest"], signed=signs)
    assert (etree.QName(request).localname, request.get("Destination")) == ("AuthnRequest", f"{IDP}/sso/post")
    assert request.get("AssertionConsumerServiceURL") == f"{SERVICE}/sso/acme/acs"
    assert "/me" not in fields["RelayState"]
    assert len(fields["RelayState"]) <= 80, "SAML bindings 3.5.3"
    assert answer.cookies["__Host-sign-in"]["samesite"] == "None"
    assert SignInState.objects.get().request_id == request.get("ID")
    acs_answer = browser.come_back(JANE_BY_SSO, request_id=request.get("ID"))
    assert browser.follow(acs_answer).request["QUERY_STRING"] == "wanted=this"
    assert browser.me().status_code == 200


def test_an_authn_request_is_sent_by_redirect_by_default(browser: Browser, acme: Connection) -> None:
    believe(acme, browser.idp)
    assert request_in(browser.http.get("/sso/acme/login")["Location"]).get("Destination") == f"{IDP}/sso"
    sso.settings.changes.apply(acme, {"idp_metadata": browser.idp.metadata(), "sso_binding": "post"}, base_dir=None)
    assert request_in(browser.http.get("/sso/acme/login")["Location"]).get("Destination") == f"{IDP}/sso"


def test_an_idp_that_accepts_only_POST_gets_requests_by_POST(browser: Browser, acme: Connection) -> None:
    section = {"entity_id": browser.idp.entity_id, "sso_post_url": f"{IDP}/only", "certificates": [browser.idp.pem]}
    sso.settings.changes.apply(acme, section, base_dir=None)
    fields = form_in(browser.http.get("/sso/acme/login"), f"{IDP}/only")
    assert message_in(fields["SAMLRequest"], signed=False).get("Destination") == f"{IDP}/only"


def test_each_address_may_have_any_port_and_its_page_may_post_there(browser: Browser, acme: Connection) -> None:
    away = "https://idp.test:44300"
    services = f'<md:SingleLogoutService Binding="{POST}" Location="{away}/slo" ResponseLocation="{away}/slo/done"/>'
    services += f'<md:SingleSignOnService Binding="{POST}" Location="{away}/sso/post"/><md:SingleSignOnService'
    metadata = browser.idp.metadata(sso_url=f"{away}/sso").replace("<md:SingleSignOnService", services)
    sso.settings.changes.apply(acme, {"idp_metadata": metadata}, base_dir=None)
    keys.make_key_where_none(actor=ADMIN, connection=acme)
    assert browser.http.get("/sso/acme/login")["Location"].startswith(f"{away}/sso?SAMLRequest=")
    form_in(signed_out(browser), f"{away}/slo")
    browser.sign_in(JANE_BY_SSO)
    form_in(post(browser, browser.idp.logout(request_xml(browser.idp))), f"{away}/slo/done")
    SamlSettings.objects.update(sso_binding="post")
    form_in(browser.http.get("/sso/acme/login"), f"{away}/sso/post")


# Settings


def test_each_address_can_be_written_by_hand_and_an_unsafe_one_is_refused(acme: Connection, idp: TestIdp) -> None:
    section: dict[str, Any] = {"entity_id": idp.entity_id, "certificates": [idp.pem], "sso_url": f"{IDP}/sso"}
    saml = sso.settings.changes.apply(acme, section | {"slo_post_url": f"{IDP}/slo"}, base_dir=None)
    assert (saml.slo_place, saml.slo_answer_place) == (saml.slo_answer_place, saml.slo_place)
    assert saml.slo_answer_place is not None
    assert (saml.slo_answer_place.url, saml.slo_answer_place.binding) == (f"{IDP}/slo", "post")
    for name in SamlSettings.PLACES:
        with pytest.raises(SettingsErrors) as refused:
            sso.settings.changes.apply(acme, section | {name: "javascript:alert(1)"}, base_dir=None)
        assert [(fault.path, fault.code) for fault in refused.value.faults] == [(f"saml.{name}", "unsafe_url")]


@pytest.mark.parametrize("wish", ["soap", "", 1, ["post"]])
@pytest.mark.parametrize("name", ["sso_binding", "slo_binding"])
def test_a_binding_is_one_of_two_words(acme: Connection, idp: TestIdp, name: str, wish: object) -> None:
    with pytest.raises(SettingsErrors) as refused:
        sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata(), name: wish}, base_dir=None)
    assert [(fault.path, fault.message) for fault in refused.value.faults] == [
        (f"saml.{name}", "This must be redirect or post.")
    ]
