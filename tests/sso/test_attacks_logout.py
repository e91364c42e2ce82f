"""Logout messages of an attacker, and permitted variations of honest ones.

A message ends nothing unless it names the session, is signed and in time.
"""

import base64
import copy
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection as database
from django.test import Client

from core_identity.models import Connection, Event
from sso.models import SamlSettings, SsoSession
from tests.sso.conftest import SERVICE, Browser, with_logout
from tests.sso.logout_messages import (
    JANE_BY_SSO,
    LOGOUT,
    by_query,
    post,
    request_xml,
)
from tests.support.cast import make_connection
from tests.support.saml import PLACE, UNSPECIFIED, TestIdp
from tests.support.saml_layouts import Signature, certificate_of, raw_ecdsa, signed
from tests.support.undone import every_case

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "wrong issuer": ({"issuer": "https://evil.test"}, "issuer"),
    "no issuer": ({"issuer": None}, "issuer"),
    "wrong destination": ({"destination": f"{SERVICE}/sso/other/logout"}, "destination"),
    "destination with a slash": ({"destination": f"{LOGOUT}/"}, "destination"),
    "destination in other letters": ({"destination": LOGOUT.upper()}, "destination"),
    "destination with a query": ({"destination": f"{LOGOUT}?x"}, "destination"),
    "longer destination": ({"destination": f"{LOGOUT}/x"}, "destination"),
    "no destination": ({"destination": None}, "destination"),
    "for the acs": ({"destination": f"{SERVICE}/sso/acme/acs"}, "destination"),
    "stale": ({"issued": timedelta(minutes=-30), "end": None}, "too_late"),
    "over": ({"end": timedelta(minutes=-4)}, "too_late"),
    "from the future": ({"issued": timedelta(minutes=5)}, "not_yet"),
    "no name id": ({"subject": ""}, "structure"),
    "two name ids": ({"subject": "<saml:NameID>a</saml:NameID><saml:NameID>jane.doe@acme.test</saml:NameID>"}, "structure"),
    "empty name id": ({"subject": "<saml:NameID/>"}, "value"),
    "an element in the name id": ({"subject": "<saml:NameID>jane.doe@acme.test<x/>.evil</saml:NameID>"}, "value"),
    "an encrypted id": ({"subject": "<saml:EncryptedID/>"}, "encrypted"),
    "an encrypted id beside a name id": ({"more": "<saml:EncryptedID/>"}, "encrypted"),
    "a name id of another namespace": ({"subject": "<NameID>jane.doe@acme.test</NameID>"}, "structure"),
    "a name id inside another element": ({"subject": "<saml:Subject><saml:NameID>jane.doe@acme.test</saml:NameID></saml:Subject>"}, "structure"),
    "an element in a session index": ({"indexes": ("_s1<x/>",)}, "value"),
    "empty session index": ({"indexes": ("",)}, "value"),
    "over-long id": ({"id": "_" + "a" * 300}, "structure"),
    "version 1.1": ({"version": "1.1"}, "structure"),
    "another message": ({"root": "AuthnRequest"}, "structure"),
    "wrapped twice": ({"more": '<samlp:Extensions><samlp:LogoutRequest ID="_x"/></samlp:Extensions>'}, "structure"),
    "double id": ({"more": '<samlp:Extensions><x xmlns="urn:x" ID="_logout1"/></samlp:Extensions>'}, "double_id"),
}  # fmt: skip


@pytest.mark.parametrize("binding", ["POST", "Redirect"])
def test_a_signed_logout_that_does_not_hold_ends_nothing(jane: Browser, binding: str) -> None:
    with every_case() as case:
        for name, (changes, code) in CLAIMS.items():
            with case(name):
                refused(jane, brought(jane, binding, changes, code), code)


def brought(jane: Browser, binding: str, changes: dict[str, Any], code: str) -> "Answer":
    if binding == "POST" and code == "double_id":
        message = base64.b64encode(request_xml(jane.idp, **changes).replace(PLACE, "").encode()).decode()
        return post(jane, message)
    if binding == "POST":
        return post(jane, jane.idp.logout(request_xml(jane.idp, **changes)))
    return by_query(jane, jane.idp.logout_query(request_xml(jane.idp, place=False, **changes)))


def refused(jane: Browser, answer: "Answer", code: str) -> None:
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "Nobody was signed out" in page or "A logout answer was refused" in page
    assert "You are signed out" not in page
    assert f"({code})" in page
    assert jane.me().status_code == 200
    assert not Event.objects.filter(kind="sso.logged_out").exists()


BENIGN: dict[str, dict[str, Any]] = {
    "a reason": {"head": 'Reason="urn:oasis:names:tc:SAML:2.0:logout:user"'},
    "consent": {"head": 'Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified"'},
    "no end": {"end": None},
    "an extension": {"more": '<samlp:Extensions><x:a xmlns:x="urn:x">1</x:a></samlp:Extensions>'},
    "Entra's wish for no answer": {
        "more": '<samlp:Extensions><a:Asynchronous xmlns:a="urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo"/></samlp:Extensions>'
    },
    "a format and qualifiers": {
        "subject": f'<saml:NameID Format="{UNSPECIFIED}" NameQualifier="https://idp.test" SPNameQualifier="{SERVICE}">'
        "jane.doe@acme.test</saml:NameID>"
    },
    "several sessions": {"indexes": ("_s0", "_s1", "_s2")},
    "no session": {"indexes": ()},
    "an older clock": {"issued": timedelta(minutes=-9)},
    "a clock ahead": {"issued": timedelta(seconds=90)},
    "over, within our tolerance": {"end": timedelta(seconds=-90)},
}


def test_permitted_variations_of_a_logout_are_accepted(jane: Browser) -> None:
    signed_in = copy.deepcopy(jane.http.cookies)
    with every_case() as case:
        for name, changes in BENIGN.items():
            jane.http.cookies = copy.deepcopy(signed_in)
            with case(name):
                assert jane.me().status_code == 200
                posted = post(jane, jane.idp.logout(request_xml(jane.idp, **changes)))
                assert (posted.status_code, jane.me().status_code) == (302, 401), posted.content.decode()
                jane.sign_in(JANE_BY_SSO)
                xml = request_xml(jane.idp, place=False, id="_logout2", **changes)
                redirected = by_query(jane, f"{jane.idp.logout_query(xml)}&of=no+meaning")
                assert (redirected.status_code, jane.me().status_code) == (302, 401), redirected.content.decode()


SPELLINGS = ("Jane.Doe@acme.test", "JANE.DOE@ACME.TEST", " jane.doe@acme.test", "jane.doe@acme.test\n", "jane.doe@acme.tes", "jane.doe")  # fmt: skip


def test_another_spelling_of_a_name_id_is_somebody_else(jane: Browser) -> None:
    """Compared octet by octet (SAML core 1.3.1)."""
    with every_case() as case:
        for name in SPELLINGS:
            with case(name):
                subject = f"<saml:NameID>{name}</saml:NameID>"
                answer = post(jane, jane.idp.logout(request_xml(jane.idp, subject=subject)))
                assert answer.status_code == 302
                assert jane.me().status_code == 200


def test_a_logout_ends_the_session_of_its_connection_only_R1(jane: Browser) -> None:
    idp = TestIdp("https://other.test")
    with_logout(make_connection("globex", customer="Globex"), idp)
    at_globex = Browser(idp)
    at_globex.sign_in(JANE_BY_SSO, slug="globex")
    assert SsoSession.objects.filter(name_id="jane.doe@acme.test").count() == 2
    xml = request_xml(idp, destination=f"{SERVICE}/sso/globex/logout", indexes=())
    assert at_globex.http.post("/sso/globex/logout", {"SAMLRequest": idp.logout(xml)}).status_code == 302
    assert (jane.me().status_code, at_globex.me().status_code) == (200, 401)


CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


@pytest.fixture(params=CURVES)
def curve_key(request: pytest.FixtureRequest, jane: Browser, acme: Connection) -> ec.EllipticCurvePrivateKey:
    """A key of the IdP, believed beside its other one."""
    key = ec.generate_private_key(CURVES[request.param])
    SamlSettings.objects.filter(connection=acme).update(certificates=[jane.idp.pem, certificate_of(key)])
    return key


MORE = "http://www.w3.org/2001/04/xmldsig-more#"
HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


def test_an_ec_key_signs_a_query_by_r_and_s_and_in_no_other_form(
    jane: Browser, curve_key: ec.EllipticCurvePrivateKey
) -> None:
    def der(octets: bytes, hashed: str = "sha256") -> bytes:
        return curve_key.sign(octets, ec.ECDSA(HASHES[hashed]))

    def raw(octets: bytes, hashed: str = "sha256") -> bytes:
        return raw_ecdsa(der(octets, hashed), curve_key)

    forms: list[Callable[[bytes], bytes]] = [
        der,
        lambda octets: b"\0" + raw(octets),
        lambda octets: raw(octets)[:-1],
        lambda _: b"",
        lambda octets: bytes(len(raw(octets))),
    ]
    xml, algorithm = request_xml(jane.idp, place=False), f"{MORE}ecdsa-sha256"
    queries = [jane.idp.logout_query(xml, algorithm=algorithm, sign=form) for form in forms]
    queries.append(jane.idp.logout_query(xml, algorithm=f"{MORE}rsa-sha256", sign=raw))
    queries.append(jane.idp.logout_query(xml, algorithm=algorithm))
    queries.append(jane.idp.logout_query(xml, algorithm=f"{MORE}ecdsa-sha512", sign=raw))
    for query in queries:
        refused(jane, by_query(jane, query), "signature")
    for hashed in HASHES:
        xml = request_xml(jane.idp, place=False, id=f"_{hashed}")
        query = jane.idp.logout_query(xml, algorithm=f"{MORE}ecdsa-{hashed}", sign=partial(raw, hashed=hashed))
        assert by_query(jane, query).status_code == 302
        assert jane.me().status_code == 401
        jane.sign_in(JANE_BY_SSO)


def test_an_ec_key_signs_a_posted_logout(jane: Browser, curve_key: ec.EllipticCurvePrivateKey) -> None:
    signature = Signature(method="ecdsa-sha256")
    xml = request_xml(jane.idp).replace(PLACE, signature.text("_logout1", ""))
    post(jane, base64.b64encode(signed(xml, "_logout1", signature, curve_key).encode()).decode())
    assert jane.me().status_code == 401


@pytest.mark.parametrize("hashed", ["sha384", "sha512"])
def test_longer_hashes_sign_a_query_too(jane: Browser, hashed: str) -> None:
    query = jane.idp.logout_query(
        request_xml(jane.idp, place=False), algorithm=f"{MORE}rsa-{hashed}", digest=HASHES[hashed]
    )
    assert by_query(jane, query).status_code == 302
    assert jane.me().status_code == 401


def test_a_stranger_signs_nobody_out(jane: Browser) -> None:
    stranger = TestIdp()
    refused(jane, post(jane, stranger.logout(request_xml(jane.idp))), "signature")
    refused(jane, by_query(jane, stranger.logout_query(request_xml(jane.idp, place=False))), "signature")


def test_an_unsigned_logout_signs_nobody_out(jane: Browser) -> None:
    xml = request_xml(jane.idp, place=False)
    refused(jane, post(jane, base64.b64encode(xml.encode()).decode()), "not_signed")
    refused(jane, by_query(jane, jane.idp.logout_query(xml).partition("&SigAlg")[0]), "not_signed")
    refused(jane, by_query(jane, jane.idp.logout_query(xml).partition("&Signature")[0]), "not_signed")


def test_a_signature_of_the_other_binding_does_not_count(jane: Browser) -> None:
    signed = base64.b64decode(jane.idp.logout(request_xml(jane.idp))).decode()
    refused(jane, by_query(jane, jane.idp.logout_query(signed)), "signature_layout")


QUERIES: dict[str, tuple[Callable[[str], str], str]] = {
    "another relay state": (lambda query: query.replace("RelayState=a", "RelayState=b"), "signature"),
    "no relay state": (lambda query: query.replace("&RelayState=a", ""), "signature"),
    "two messages": (lambda query: f"{query}&SAMLRequest=x", "structure"),
    "two signatures": (lambda query: f"{query}&Signature=x", "structure"),
    "request and response": (lambda query: f"{query}&SAMLResponse=x", "structure"),
    "an escaped name": (lambda query: query.replace("SAMLRequest=", "SAMLReques%74="), "structure"),
    "another encoding": (lambda query: f"{query}&SAMLEncoding=urn:x", "structure"),
    "rsa-sha1": (lambda query: re.sub("SigAlg=[^&]*", "SigAlg=http://www.w3.org/2000/09/xmldsig%23rsa-sha1", query), "algorithm"),
    "hmac": (lambda query: re.sub("SigAlg=[^&]*", "SigAlg=http://www.w3.org/2000/09/xmldsig%23hmac-sha1", query), "algorithm"),
    "no base64": (lambda query: re.sub("Signature=.*", "Signature=!!", query), "not_base64"),
    "ecdsa-sha1": (lambda query: re.sub("SigAlg=[^&]*", "SigAlg=http://www.w3.org/2001/04/xmldsig-more%23ecdsa-sha1", query), "algorithm"),
    "rsa-md5": (lambda query: re.sub("SigAlg=[^&]*", "SigAlg=http://www.w3.org/2001/04/xmldsig-more%23rsa-md5", query), "algorithm"),
    "no algorithm": (lambda query: re.sub("SigAlg=[^&]*", "SigAlg=", query), "algorithm"),
    "another algorithm than was signed": (lambda query: query.replace("rsa-sha256", "rsa-sha512"), "signature"),
    "two relay states": (lambda query: f"{query}&RelayState=b", "structure"),
    "two algorithms": (lambda query: f"{query}&SigAlg=x", "structure"),
    "the same message escaped anew": (lambda query: query.replace("%3A", ":"), "signature"),
    "a plus more": (lambda query: query.replace("SAMLRequest=", "SAMLRequest=%20"), "signature"),
    "no message": (lambda query: re.sub("SAMLRequest=[^&]*", "SAMLRequest=", query), "not_xml"),
    "no deflated message": (lambda query: re.sub("SAMLRequest=[^&]*", "SAMLRequest=QUJD", query), "not_xml"),
    "a message that is not of ASCII": (lambda query: query.replace("SAMLRequest=", "SAMLRequest=%C3%A9"), "not_base64"),
    "a query of megabytes": (lambda query: f"{query}&x={'x' * 300_000}", "too_large"),
    "an empty signature": (lambda query: re.sub("Signature=.*", "Signature=", query), "signature"),
}  # fmt: skip


def test_an_altered_query_signs_nobody_out(jane: Browser) -> None:
    query = jane.idp.logout_query(request_xml(jane.idp, place=False), relay_state="a")
    with every_case() as case:
        for name, (change, code) in QUERIES.items():
            with case(name):
                refused(jane, by_query(jane, change(query)), code)


def test_a_few_bytes_that_inflate_to_megabytes_are_refused(jane: Browser) -> None:
    xml = request_xml(jane.idp, place=False, more=f"<!--{' ' * 3_000_000}-->")
    refused(jane, by_query(jane, jane.idp.logout_query(xml)), "too_large")


@pytest.mark.parametrize("binding", ["POST", "Redirect"])
def test_a_replayed_logout_does_not_end_the_next_session(jane: Browser, binding: str) -> None:
    posted = jane.idp.logout(request_xml(jane.idp))
    query = jane.idp.logout_query(request_xml(jane.idp, place=False))
    post(jane, posted)
    assert jane.me().status_code == 401
    jane.sign_in(JANE_BY_SSO)
    answer = post(jane, posted) if binding == "POST" else by_query(jane, query)
    assert answer.status_code == 400
    assert "(replay)" in answer.content.decode()
    assert jane.me().status_code == 200


@pytest.mark.django_db(transaction=True)
def test_one_of_ten_equal_logouts_at_once_is_accepted(idp: TestIdp) -> None:
    connection = make_connection()
    with_logout(connection, idp)
    messages = {"SAMLRequest": idp.logout(request_xml(idp))}, idp.logout_query(request_xml(idp, place=False))

    def send(number: int) -> int:
        posted, query = messages
        http = Client(headers={"host": "localhost:8000"})
        try:
            if number % 2:
                return http.post("/sso/acme/logout", posted).status_code
            return http.get("/sso/acme/logout", QUERY_STRING=query).status_code
        finally:
            database.close()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(10)))
    assert sorted(answers) == [302] + [400] * 9


def test_a_wrapped_logout_ends_nothing(jane: Browser) -> None:
    """The signed one inside a new one that names somebody else, or with its signature moved outward."""
    signed = base64.b64decode(jane.idp.logout(request_xml(jane.idp, subject="<saml:NameID>x</saml:NameID>"))).decode()
    evil = request_xml(jane.idp, id="_evil", place=False, more=f"<samlp:Extensions>{signed}</samlp:Extensions>")
    refused(jane, post(jane, base64.b64encode(evil.encode()).decode()), "structure")
    (signature,) = re.findall("<ds:Signature.*</ds:Signature>", signed, re.DOTALL)
    for inside in (signature, f"<samlp:Extensions>{signature}</samlp:Extensions>"):
        evil = request_xml(jane.idp, place=False, id="_evil", more=inside)
        refused(jane, post(jane, base64.b64encode(evil.encode()).decode()), "signature_layout")
    evil = request_xml(jane.idp, place=False, more=signature)
    refused(jane, post(jane, base64.b64encode(evil.encode()).decode()), "signature")


def test_a_message_of_bad_size_or_form_ends_nothing(jane: Browser) -> None:
    message = jane.idp.logout(request_xml(jane.idp))
    refused(jane, post(jane, "A" * 500_000), "too_large")
    refused(jane, post(jane, jane.idp.logout(request_xml(jane.idp, more=f"<!--{' ' * 300_000}-->"))), "too_large")
    refused(jane, post(jane, jane.idp.logout(request_xml(jane.idp, more=f"<!--{' ' * 30}-->"))), "forbidden_xml")
    refused(jane, post(jane, "!" + message), "not_base64")
    refused(jane, post(jane, message, SAMLResponse=message), "structure")
    refused(jane, jane.http.post("/sso/acme/logout", {"SAMLRequest": [message, message]}), "structure")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>' + request_xml(jane.idp, place=False)
    refused(jane, post(jane, base64.b64encode(bomb.encode()).decode()), "forbidden_xml")
    for kind in ("application/json", "text/plain", "text/xml", "application/octet-stream"):
        refused(
            jane, jane.http.post("/sso/acme/logout", f"SAMLRequest={quote(message)}", content_type=kind), "structure"
        )
    for method in ("put", "patch", "delete", "options"):
        assert getattr(jane.http, method)("/sso/acme/logout").status_code == 405
    # A message in the query of a POST is none: what is posted counts.
    query = jane.idp.logout_query(request_xml(jane.idp, place=False))
    refused(jane, jane.http.post(f"/sso/acme/logout?{query}"), "structure")


def test_a_head_request_ends_no_session_and_uses_no_message_up(jane: Browser) -> None:
    """Mail scanners and browsers send a HEAD request before a person follows the link."""
    query = jane.idp.logout_query(request_xml(jane.idp, place=False))
    answer = jane.http.head("/sso/acme/logout", QUERY_STRING=query)
    assert (answer.status_code, answer.content) == (200, b"")
    assert jane.me().status_code == 200
    assert by_query(jane, query).status_code == 302
    assert jane.me().status_code == 401


def test_an_assertion_is_not_accepted_as_a_logout_nor_a_logout_as_an_assertion(jane: Browser) -> None:
    sso_message = jane.idp.response(jane.claims(JANE_BY_SSO))
    refused(jane, post(jane, sso_message), "structure")
    refused(jane, post(jane, sso_message, field="SAMLResponse"), "structure")
    assert jane.post(jane.idp.logout(request_xml(jane.idp))).status_code == 400


def test_a_post_of_nothing_and_a_link_sign_nobody_out(jane: Browser) -> None:
    assert jane.http.post("/sso/acme/logout").status_code == 400
    assert "Sign out of CORE?" in jane.http.get("/sso/acme/logout").content.decode()
    assert jane.me().status_code == 200
