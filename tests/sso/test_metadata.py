"""Our messages to the IdP: metadata and AuthnRequests, signed if configured, and never broken by a value in them."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree
from signxml.verifier import XMLVerifier

import sso.settings.changes
from core_identity.errors import SettingsErrors
from core_identity.models import Connection
from sso.models import SpKey
from sso.settings import keys
from tests.sso.conftest import SERVICE, Browser
from tests.sso.logout_messages import signed_by_us
from tests.support.cast import ADMIN, JANE, by_sso
from tests.support.saml import UNSPECIFIED, TestIdp, request_in

MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
MFA = "http://schemas.microsoft.com/claims/multipleauthn"


def metadata(browser: Browser) -> etree._Element:
    return etree.fromstring(browser.http.get("/sso/acme/metadata").content)


def bare(key: SpKey) -> str:
    return "".join(key.certificate.split("-----")[2].split())


def named(root: etree._Element, use: str) -> list[str | None]:
    return [one.text for one in root.iterfind(f".//{MD}KeyDescriptor[@use='{use}']//{DS}X509Certificate")]


def test_without_a_key_our_metadata_promises_nothing_that_needs_one(browser: Browser) -> None:
    root = metadata(browser)
    assert root.find(f".//{MD}KeyDescriptor") is None
    assert root.find(f".//{MD}SingleLogoutService") is None
    assert root.find(f".//{DS}Signature") is None


def test_two_certificates_are_in_our_metadata_until_the_old_one_is_deleted(browser: Browser, acme: Connection) -> None:
    first = keys.make_key(actor=ADMIN, connection=acme)
    root = metadata(browser)
    assert named(root, "signing") == named(root, "encryption") == [bare(first)]
    logout = [
        (one.get("Binding", "").rpartition(":")[2], one.get("Location"))
        for one in root.iter(f"{MD}SingleLogoutService")
    ]
    assert logout == [("HTTP-Redirect", f"{SERVICE}/sso/acme/logout"), ("HTTP-POST", f"{SERVICE}/sso/acme/logout")]
    second = keys.make_key(actor=ADMIN, connection=acme)
    root = metadata(browser)
    assert named(root, "signing") == named(root, "encryption") == [bare(first), bare(second)]
    keys.activate_key(actor=ADMIN, connection=acme)
    assert named(metadata(browser), "signing") == [bare(second)]


def test_signed_metadata_verifies_with_the_certificate_in_it(browser: Browser, acme: Connection, idp: TestIdp) -> None:
    sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata(), "sign_metadata": True}, base_dir=None)
    content = browser.http.get("/sso/acme/metadata").content
    verified = XMLVerifier().verify(content, x509_cert=SpKey.objects.get().certificate, expect_references=1)
    assert not isinstance(verified, list)
    assert verified.signed_xml is not None
    assert verified.signed_xml.get("entityID") == f"{SERVICE}/sso/acme/metadata"


def test_a_signed_request_is_signed_over_its_query_and_asks_for_the_settings_of_the_connection(
    browser: Browser, acme: Connection, idp: TestIdp
) -> None:
    persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    section = {
        "idp_metadata": idp.metadata(),
        "sign_requests": True,
        "force_authn": True,
        "authn_context": MFA,
        "name_id_format": persistent,
    }
    sso.settings.changes.apply(acme, section, base_dir=None)
    url = browser.http.get("/sso/acme/login")["Location"]
    assert list(parse_qs(urlsplit(url).query)) == ["SAMLRequest", "RelayState", "SigAlg", "Signature"]
    assert signed_by_us(url)
    request = request_in(url)
    policy = request.find("{*}NameIDPolicy")
    assert policy is not None
    assert (request.get("ForceAuthn"), policy.get("Format")) == ("true", persistent)
    assert request.findtext("{*}RequestedAuthnContext/{*}AuthnContextClassRef") == MFA
    assert 'AuthnRequestsSigned="true"' in browser.http.get("/sso/acme/metadata").content.decode()


def test_without_settings_a_request_asks_for_nothing_special(browser: Browser) -> None:
    url = browser.http.get("/sso/acme/login")["Location"]
    request = request_in(url)
    policy = request.find("{*}NameIDPolicy")
    assert policy is not None
    assert (request.get("ForceAuthn"), policy.get("Format")) == (None, UNSPECIFIED)
    assert "Signature" not in parse_qs(urlsplit(url).query)


def test_a_sso_url_with_a_query_and_markup_breaks_nothing(browser: Browser, acme: Connection, idp: TestIdp) -> None:
    url = 'https://idp.test/sso?a=1&b="2"&c=\'<x>'
    section = {"entity_id": idp.entity_id, "sso_url": url, "certificates": [idp.pem]}
    sso.settings.changes.apply(acme, section, base_dir=None)
    away = browser.http.get("/sso/acme/login")["Location"]
    assert request_in(away).get("Destination") == url
    assert parse_qs(urlsplit(away).query)["a"] == ["1"]


@pytest.mark.parametrize("key", ["authn_context", "name_id_format"])
@pytest.mark.parametrize("value", ["no uri", "urn:x y", 5, "urn:" + "x" * 300])
def test_a_wrong_request_setting_is_named(acme: Connection, idp: TestIdp, key: str, value: object) -> None:
    with pytest.raises(SettingsErrors) as refusal:
        sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata(), key: value}, base_dir=None)
    assert [(fault.path, fault.code) for fault in refusal.value.faults] == [(f"saml.{key}", "wrong_type")]


# The other side's certificates


def announce(connection: Connection, *idps: TestIdp) -> None:
    certificates = [idp.pem for idp in idps]
    section = {"entity_id": idps[0].entity_id, "sso_url": idps[0].sso_url, "certificates": certificates}
    sso.settings.changes.apply(connection, section, base_dir=None)


def test_an_idp_changes_its_certificate_without_one_failed_sign_in(acme: Connection, idp: TestIdp) -> None:
    """Old, both, new: the IdP may sign with either while both are known, and no longer with the old one after its deletion."""
    successor, jane = TestIdp(), by_sso(JANE)
    old, new = Browser(idp), Browser(successor)
    announce(acme, idp)
    assert old.come_back(jane).status_code == 303
    announce(acme, idp, successor)
    assert old.come_back(jane).status_code == 303
    assert new.come_back(jane).status_code == 303
    announce(acme, successor)
    assert new.come_back(jane).status_code == 303
    gone = old.come_back(jane)
    assert (gone.status_code, "(signature)" in gone.content.decode()) == (400, True)


def test_the_bytes_of_our_certificates_are_those_of_a_certificate(browser: Browser, acme: Connection) -> None:
    keys.make_key(actor=ADMIN, connection=acme)
    (text,) = named(metadata(browser), "encryption")
    assert base64.b64decode(text or "", validate=True)[:1] == b"\x30"
