"""What an attacker sends (saml.md, "Attack families"), each message signed at test time. None opens a session or makes a user."""

import base64
import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod

import sso.connections
from core_identity.models import Connection, Event, User
from sso.models import SignInState, UsedAssertion
from tests.sso.conftest import SERVICE, Browser
from tests.support.cast import JANE, ZOE, by_sso, make_connection
from tests.support.saml import NS, PLACE, SUCCESS, TestIdp, now

JANE_BY_SSO = by_sso(JANE)
ZOE_BY_SSO = by_sso(ZOE)
DS = NS["ds"]


def refused(browser: Browser, message: str, *, slug: str = "acme", **fields: str) -> str:
    """Post a message, demand that it opened nothing and was answered by our page, and return that page."""
    answer = browser.post(message, slug=slug, **fields)
    assert answer.status_code == 400, answer.status_code
    assert not User.objects.exists()
    assert browser.me().status_code == 401
    assert not UsedAssertion.objects.exists(), "a refused message must not burn an ID"
    page = answer.content.decode()
    assert "You could not be signed in" in page
    assert not Event.objects.filter(kind="sso.refused").exists(), "strangers do not write the story"
    return page


# What it claims


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"audience": None}, "audience"),
        ({"audience": f"{SERVICE}/sso/other/metadata"}, "audience"),
        ({"audience": f"{SERVICE}/sso/acme/metadata/"}, "audience"),
        ({"audience": ""}, "audience"),
        ({"destination": None}, "destination"),
        ({"destination": f"{SERVICE}/sso/acme/acs/x"}, "destination"),
        ({"destination": f"{SERVICE}/sso/acme"}, "destination"),
        ({"destination": ""}, "destination"),
        ({"recipient": None}, "recipient"),
        ({"recipient": f"{SERVICE}/sso/other/acs"}, "recipient"),
        ({"recipient": f"{SERVICE}/sso/acme/ac"}, "recipient"),
        ({"issuer": "https://idp.test/other"}, "issuer"),
        ({"issuer": None}, "issuer"),
        ({"in_response_to": "_somebody-elses"}, "no_request"),
        ({"confirmed_request": None}, "in_response_to"),
        ({"confirmed_request": "_another"}, "in_response_to"),
        ({"in_response_to": None, "confirmed_request": None}, "unsolicited"),
        ({"not_on_or_after": timedelta(minutes=-4)}, "too_late"),
        ({"confirmation_end": timedelta(minutes=-4)}, "too_late"),
        ({"confirmation_end": None}, "times"),
        ({"not_before": timedelta(minutes=4)}, "not_yet"),
        ({"issued": timedelta(minutes=5)}, "not_yet"),
        ({"issued": timedelta(minutes=-30), "confirmation_end": timedelta(hours=1), "not_on_or_after": timedelta(hours=1)}, "too_late"),
        ({"confirmation_end": timedelta(days=30)}, "times"),
        ({"session_end": timedelta(minutes=-1)}, "too_late"),
        ({"authn": timedelta(minutes=10)}, "not_yet"),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"}, "confirmation"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "status"),
        ({"assertion_id": "_" + "a" * 300}, "structure"),
    ],
)  # fmt: skip
def test_a_signed_claim_that_does_not_hold_is_refused_by_name(
    browser: Browser, claims: dict[str, Any], code: str
) -> None:
    page = refused(browser, browser.idp.response(browser.said(JANE_BY_SSO, **claims)))
    assert f"({code})" in page


# Who signed it


@pytest.mark.parametrize(
    ("sign", "code"), [("none", "not_signed"), ("response", "not_signed"), ("assertion", "not_signed")]
)
def test_both_signatures_are_demanded_by_default(browser: Browser, sign: str, code: str) -> None:
    assert f"({code})" in refused(browser, browser.idp.response(browser.said(JANE_BY_SSO), sign=sign))


def test_the_key_of_a_stranger_is_refused_although_it_comes_in_the_key_info(browser: Browser) -> None:
    stranger = TestIdp()
    assert "(signature)" in refused(browser, stranger.response(browser.said(JANE_BY_SSO)))


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        (SignatureMethod.RSA_SHA1, DigestAlgorithm.SHA256),
        (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA1),
    ],
)
def test_sha_1_is_refused(browser: Browser, method: SignatureMethod, digest: DigestAlgorithm) -> None:
    message = browser.idp.response(browser.said(JANE_BY_SSO), method=method, digest=digest)
    assert "(algorithm)" in refused(browser, message)


def change_email(root: etree._Element) -> None:
    value = root.find(".//saml:AttributeValue", NS)
    assert value is not None
    value.text = "admin"


def test_a_changed_value_is_refused(browser: Browser) -> None:
    assert "(signature)" in refused(browser, browser.idp.response(browser.said(JANE_BY_SSO), after=change_email))


# Wrapping: an evil assertion beside, around or inside the signed one


def _evil(root: etree._Element, *, new_id: bool) -> etree._Element:
    signed = root.find("saml:Assertion", NS)
    assert signed is not None
    evil = copy.deepcopy(signed)
    signature = evil.find("ds:Signature", NS)
    assert signature is not None
    evil.remove(signature)
    change_email(evil)
    if new_id:
        evil.set("ID", "_evil")
    return evil


def _xsw(shape: int, *, new_id: bool) -> Callable[[etree._Element], None]:
    """Return one of the eight classic shapes (Somorovsky et al., "On Breaking SAML")."""

    def wrap(root: etree._Element) -> None:
        signed = root.find("saml:Assertion", NS)
        assert signed is not None
        evil = _evil(root, new_id=new_id)
        if shape in {1, 2}:  # a copy of the whole Response in or beside its own signature
            original = copy.deepcopy(root)
            signature = root.find("ds:Signature", NS)
            assert signature is not None
            if shape == 1:
                signature.append(original)
            else:
                root.append(original)
            if new_id:
                root.set("ID", "_evil_response")
            change_email(signed)
        elif shape == 3:
            signed.addprevious(evil)
        elif shape == 4:
            signed.addprevious(evil)
            evil.append(signed)
        elif shape == 5:
            moved = signed.find("ds:Signature", NS)
            assert moved is not None
            evil.insert(1, moved)
            root.append(evil)
        elif shape == 6:
            moved = signed.find("ds:Signature", NS)
            assert moved is not None
            evil.insert(1, moved)
            signed.addprevious(evil)
            moved.append(signed)
        elif shape == 7:
            extensions = etree.Element(f"{{{NS['samlp']}}}Extensions")
            extensions.append(evil)
            root.insert(1, extensions)
        elif shape == 8:
            moved = signed.find("ds:Signature", NS)
            assert moved is not None
            evil.insert(1, moved)
            holder = etree.SubElement(moved, f"{{{DS}}}Object")
            holder.append(signed)
            root.append(evil)

    return wrap


@pytest.mark.parametrize("new_id", [False, True], ids=["equal IDs", "other IDs"])
@pytest.mark.parametrize(
    ("signed", "shape"),
    [("both", shape) for shape in range(1, 9)] + [("assertion", shape) for shape in range(3, 9)],
)
def test_wrapping_is_refused(browser: Browser, acme: Connection, signed: str, shape: int, new_id: bool) -> None:
    _let_the_response_be_unsigned(acme, signed)
    claims = browser.said(JANE_BY_SSO)
    refused(browser, browser.idp.response(claims, sign=signed, after=_xsw(shape, new_id=new_id)))


@pytest.mark.parametrize("new_id", [False, True], ids=["equal IDs", "other IDs"])
@pytest.mark.parametrize("place", ["Extensions", "StatusDetail", "Advice", "AttributeValue"])
def test_an_assertion_in_a_hidden_place_is_refused(
    browser: Browser, acme: Connection, place: str, new_id: bool
) -> None:
    _let_the_response_be_unsigned(acme, "assertion")

    def hide(root: etree._Element) -> None:
        evil = _evil(root, new_id=new_id)
        if place == "AttributeValue":
            root.findall(".//saml:AttributeValue", NS)[-1].append(evil)
            return
        parent = {
            "Extensions": root,
            "StatusDetail": root.find("samlp:Status", NS),
            "Advice": root.find("saml:Assertion", NS),
        }[place]
        assert parent is not None
        space = NS["saml"] if place == "Advice" else NS["samlp"]
        etree.SubElement(parent, f"{{{space}}}{place}").append(evil)

    refused(browser, browser.idp.response(browser.said(JANE_BY_SSO), sign="assertion", after=hide))
    if new_id:  # signed by the IdP itself: two equal IDs cannot be signed
        refused(browser, browser.idp.response(browser.said(JANE_BY_SSO), sign="assertion", before=hide))


def _let_the_response_be_unsigned(acme: Connection, signed: str) -> None:
    acme.saml.want_response_signed = signed == "both"
    acme.saml.save()


# How it is signed: the layout of a signature


def _signature(root: etree._Element) -> etree._Element:
    found = root.find("saml:Assertion/ds:Signature", NS)
    assert found is not None
    return found


def _twice(root: etree._Element) -> None:
    _signature(root).addnext(copy.deepcopy(_signature(root)))


def _two_signed_infos(root: etree._Element) -> None:
    info = _signature(root)[0]
    info.addnext(copy.deepcopy(info))


def _two_references(root: etree._Element) -> None:
    reference = _signature(root).find(".//ds:Reference", NS)
    assert reference is not None
    reference.addnext(copy.deepcopy(reference))


def _whole_document(root: etree._Element) -> None:
    reference = _signature(root).find(".//ds:Reference", NS)
    assert reference is not None
    reference.set("URI", "")


def _no_uri(root: etree._Element) -> None:
    reference = _signature(root).find(".//ds:Reference", NS)
    assert reference is not None
    del reference.attrib["URI"]


def _transform(algorithm: str, content: str = "") -> Callable[[etree._Element], None]:
    def add(root: etree._Element) -> None:
        transforms = _signature(root).find(".//ds:Transforms", NS)
        assert transforms is not None
        extra = etree.fromstring(f'<Transform xmlns="{DS}" Algorithm="{algorithm}">{content}</Transform>')
        transforms.insert(0, extra)

    return add


def _hmac(root: etree._Element) -> None:
    method = _signature(root).find(".//ds:SignatureMethod", NS)
    assert method is not None
    method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")


def _element_in_digest(root: etree._Element) -> None:
    digest = _signature(root).find(".//ds:DigestValue", NS)
    assert digest is not None
    digest.append(etree.Element("x"))


def _object(root: etree._Element) -> None:
    etree.SubElement(_signature(root), f"{{{DS}}}Object")


LAYOUTS = {
    "two signatures": _twice,
    "two SignedInfo": _two_signed_infos,
    "two references": _two_references,
    "the whole document": _whole_document,
    "no URI": _no_uri,
    "XSLT": _transform(
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        '<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform" version="1.0"/>',
    ),
    "XPath": _transform("http://www.w3.org/TR/1999/REC-xpath-19991116", "<XPath>count(//*//*//*) &lt; 0</XPath>"),
    "base64": _transform("http://www.w3.org/2000/09/xmldsig#base64"),
    "inclusive c14n": _transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    "HMAC with the public key": _hmac,
    "an element in the digest": _element_in_digest,
    "an Object": _object,
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_signature_has_one_layout(browser: Browser, layout: Callable[[etree._Element], None]) -> None:
    refused(browser, browser.idp.response(browser.said(JANE_BY_SSO), after=layout))


@pytest.mark.parametrize(
    ("space", "name"), [("samlp", "LogoutRequest"), ("samlp", "LogoutResponse"), ("md", "EntityDescriptor")]
)
def test_a_signature_borrowed_from_another_message_of_the_idp_is_worth_nothing(
    browser: Browser, acme: Connection, space: str, name: str
) -> None:
    """The key is right and the reference names the Assertion's ID; what was signed is something else."""
    _let_the_response_be_unsigned(acme, "assertion")

    def borrow(root: etree._Element) -> None:
        assertion = root.find("saml:Assertion", NS)
        assert assertion is not None
        other = etree.Element(f"{{{NS[space]}}}{name}", ID=assertion.get("ID", ""))
        other.append(etree.fromstring(PLACE))
        borrowed = browser.idp.sign(other).find("ds:Signature", NS)
        assert borrowed is not None
        assertion.insert(1, borrowed)

    assert "(signature)" in refused(browser, browser.idp.response(browser.said(JANE_BY_SSO), sign="none", after=borrow))


# What costs time or memory: refused before any signature is looked at


def _encoded(xml: str) -> str:
    return base64.b64encode(xml.encode()).decode()


HOSTILE_XML = {
    "empty": "",
    "no base64": "%%%",
    "no XML": _encoded("hello"),
    "another root": _encoded("<x/>"),
    "entities": _encoded('<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;">]><r>&b;</r>'),
    "external entity": _encoded('<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r>&a;</r>'),
    "a doctype only": _encoded("<!DOCTYPE r><r/>"),
    "deep": _encoded("<a>" * 5000 + "</a>" * 5000),
    "wide": _encoded("<r>" + "<a/>" * 50_000 + "</r>"),
    "many attributes": _encoded("<r " + " ".join(f'a{number}=""' for number in range(10_000)) + "/>"),
    "many namespaces": _encoded("<r " + " ".join(f'xmlns:a{number}="u"' for number in range(5_000)) + "/>"),
    "large": _encoded("<r>" + "x" * 2_000_000 + "</r>"),
    "UTF-16": base64.b64encode("<r/>".encode("utf-16")).decode(),
    "NUL": _encoded("<r>\0</r>"),
    "a comment": _encoded(f'<samlp:Response xmlns:samlp="{NS["samlp"]}" Version="2.0"><!-- x --></samlp:Response>'),
    "an instruction": _encoded(f'<?x y?><samlp:Response xmlns:samlp="{NS["samlp"]}" Version="2.0"/>'),
    "no text at all": "\0\ufffd\u2028",
}


@pytest.mark.parametrize("message", HOSTILE_XML.values(), ids=HOSTILE_XML)
def test_hostile_xml_is_refused(browser: Browser, message: str) -> None:
    refused(browser, message)


SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "XML 1.1": lambda xml: f'<?xml version="1.1"?>{xml}'.encode(),
    "UTF-16": lambda xml: xml.encode("utf-16"),
    "UTF-16 declared only": lambda xml: f'<?xml version="1.0" encoding="UTF-16"?>{xml}'.encode(),
    "UTF-7 declared": lambda xml: f'<?xml version="1.0" encoding="UTF-7"?>{xml}'.encode(),
    "Latin-1 declared": lambda xml: f'<?xml version="1.0" encoding="ISO-8859-1"?>{xml}'.encode(),
    "a doctype": lambda xml: f"<!DOCTYPE r>{xml}".encode(),
    "a second root": lambda xml: f"{xml}<r/>".encode(),
    "text after the root": lambda xml: f"{xml}x".encode(),
    "a comment before": lambda xml: f"<!-- -->{xml}".encode(),
    "an instruction after": lambda xml: f"{xml}<?x y?>".encode(),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_a_well_signed_message_in_a_spelling_that_parsers_may_read_differently_is_refused(
    browser: Browser, spell: Callable[[str], bytes]
) -> None:
    xml = base64.b64decode(browser.idp.response(browser.said(JANE_BY_SSO))).decode()
    refused(browser, base64.b64encode(spell(xml)).decode())


@pytest.mark.parametrize("junk", ["!", "-_", "\0", "\u200b", "===="])
def test_base64_is_read_strictly(browser: Browser, junk: str) -> None:
    message = browser.idp.response(browser.said(JANE_BY_SSO))
    refused(browser, message[:40] + junk + message[40:])


@pytest.mark.parametrize("name", ["{http://www.w3.org/XML/1998/namespace}id", "Id", "id"])
def test_an_id_of_another_spelling_is_no_second_target(browser: Browser, name: str) -> None:
    def double(root: etree._Element) -> None:
        assertion = root.find("saml:Assertion", NS)
        status = root.find("samlp:Status", NS)
        assert assertion is not None
        assert status is not None
        status.set(name, assertion.get("ID", ""))

    assert "(double_id)" in refused(browser, browser.idp.response(browser.said(JANE_BY_SSO), after=double))


def test_no_message_at_all_is_refused(browser: Browser) -> None:
    assert browser.http.post("/sso/acme/acs").status_code == 400
    assert browser.http.post("/sso/acme/acs", b"{", content_type="application/json").status_code == 400
    assert browser.http.get("/sso/acme/acs").status_code == 405


@pytest.mark.parametrize("inside", ["<!-- -->", "<?x y?>", "<x/>"])
def test_nothing_cuts_a_value(browser: Browser, inside: str) -> None:
    attributes = {
        "UID": (f"jane.doe{inside}.evil",),
        "FirstName": ("J",),
        "LastName": ("D",),
        "Email": ("j@acme.test",),
    }
    answer = browser.come_back(JANE_BY_SSO, attributes=attributes, raw=True)
    assert answer.status_code in {400, 403}
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["UID", "Email"])
@pytest.mark.parametrize("value", [None, "evil"])
def test_an_attribute_of_one_value_that_comes_twice_is_refused(browser: Browser, name: str, value: str | None) -> None:
    """Two elements of one name are two values, as if they stood in one."""

    def double(root: etree._Element) -> None:
        (attribute,) = (one for one in root.iterfind(".//saml:Attribute", NS) if one.get("Name") == name)
        second = copy.deepcopy(attribute)
        if value is not None:
            second[0].text = value
        attribute.addnext(second)

    answer = browser.post(browser.idp.response(browser.said(JANE_BY_SSO), before=double))
    assert answer.status_code == 403
    assert not User.objects.exists()
    assert browser.me().status_code == 401


# Replay, and the browser of somebody else


def test_a_replayed_assertion_is_refused_in_every_form(browser: Browser, acme: Connection) -> None:
    _let_the_response_be_unsigned(acme, "assertion")
    message = browser.idp.response(browser.said(JANE_BY_SSO), sign="assertion")
    assert browser.post(message).status_code == 303
    same = browser.post(message)
    assert (same.status_code, "(replay)" in same.content.decode()) == (400, True)
    # Wrapped anew: the Response is not signed, so its ID and the request that it names can be rewritten.
    root = etree.fromstring(base64.b64decode(message))
    root.set("ID", "_fresh")
    root.set("InResponseTo", browser.leave())
    again = browser.post(base64.b64encode(etree.tostring(root)).decode())
    assert again.status_code == 400
    with time_machine.travel(now() + timedelta(minutes=1)):
        assert browser.post(message).status_code == 400


def test_a_replayed_idp_initiated_assertion_is_refused(browser: Browser, acme: Connection) -> None:
    acme.saml.idp_initiated = True
    acme.saml.save()
    message = browser.idp.response(browser.idp.claims(JANE_BY_SSO, acs_url=f"{SERVICE}/sso/acme/acs", request_id=None))
    assert browser.follow(browser.post(message)).status_code == 200
    assert "(replay)" in browser.post(message).content.decode()
    assert "(replay)" in Browser(browser.idp).post(message).content.decode()


def test_an_answer_to_a_request_opens_nothing_in_another_browser(browser: Browser) -> None:
    """Login CSRF: the attacker signs in, stops before the last step, and lets the victim's browser post their message."""
    message = browser.idp.response(browser.said(JANE_BY_SSO))
    victim = Browser(browser.idp)
    assert "(other_browser)" in refused(victim, message)
    victim.leave()
    assert "(other_browser)" in refused(victim, message)
    assert browser.post(message).status_code == 303, "and the refusals burnt nothing"


def test_the_ticket_of_one_browser_is_worth_nothing_in_another(browser: Browser) -> None:
    answer = browser.come_back(JANE_BY_SSO)
    victim = Browser(browser.idp)
    victim.leave()
    assert victim.http.get(answer["Location"]).status_code == 400
    assert victim.me().status_code == 401
    assert browser.http.get(answer["Location"]).status_code == 302
    browser.http.post("/sign-out")
    assert browser.http.get(answer["Location"]).status_code == 400, "good once"


def test_a_request_is_answered_for_a_quarter_of_an_hour(browser: Browser) -> None:
    request_id = browser.leave()
    with time_machine.travel(now() + timedelta(minutes=16)):
        message = browser.idp.response(browser.said(JANE_BY_SSO, request_id=request_id))
        assert "(no_request)" in refused(browser, message)
        browser.leave()
    assert not SignInState.objects.filter(request_id=request_id).exists(), "and then it is cleared away"


def test_an_assertion_for_one_connection_opens_no_other_R1(browser: Browser) -> None:
    """Both believe the same IdP, as two apps of one Okta do; each has its own audience and address."""
    globex = make_connection("globex", customer="Globex")
    sso.connections.apply(globex, {"idp_metadata": browser.idp.metadata()}, base_dir=None)
    for_acme = browser.idp.response(browser.said(JANE_BY_SSO))
    assert "(no_request)" in refused(browser, for_acme, slug="globex")
    request_of_globex = browser.leave("globex")
    mixed = browser.said(JANE_BY_SSO, request_id=request_of_globex)
    refused(browser, browser.idp.response(mixed), slug="globex")
    refused(browser, browser.idp.response(mixed))


def test_the_idp_of_another_connection_is_not_believed_R1(browser: Browser) -> None:
    theirs = TestIdp("https://idp.globex.test")
    globex = make_connection("globex", customer="Globex")
    sso.connections.apply(globex, {"idp_metadata": theirs.metadata()}, base_dir=None)
    refused(browser, theirs.response(browser.said(JANE_BY_SSO, issuer=theirs.entity_id)))
    refused(browser, theirs.response(browser.said(JANE_BY_SSO)))


@pytest.mark.django_db(transaction=True)
def test_of_twenty_equal_messages_at_once_one_comes_through(idp: TestIdp) -> None:
    connection = make_connection()
    sso.connections.apply(connection, {"idp_metadata": idp.metadata()}, base_dir=None)
    browser = Browser(idp)
    message = idp.response(browser.said(JANE_BY_SSO))
    token = browser.http.cookies["__Host-sign-in"].value

    def post(_: int) -> int:
        http = Client(headers={"host": "localhost:8000"})
        http.cookies["__Host-sign-in"] = token
        try:
            return http.post("/sso/acme/acs", {"SAMLResponse": message}).status_code
        finally:
            database.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(20)))
    assert sorted(answers) == [303] + [400] * 19
    assert User.objects.count() == 1


# What must be let in


def test_two_certificates_are_believed_while_an_idp_changes_its_key(browser: Browser, acme: Connection) -> None:
    coming = TestIdp()
    acme.saml.certificates = [coming.pem, *acme.saml.certificates]
    acme.saml.save()
    assert browser.sign_in(JANE_BY_SSO).status_code == 200
    assert coming.response(browser.said(ZOE_BY_SSO))
    assert browser.follow(browser.post(coming.response(browser.said(ZOE_BY_SSO)))).status_code == 200


@pytest.mark.parametrize("method", [SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512])
def test_stronger_algorithms_are_welcome(browser: Browser, method: SignatureMethod) -> None:
    message = browser.idp.response(browser.said(JANE_BY_SSO), method=method, digest=DigestAlgorithm.SHA512)
    assert browser.follow(browser.post(message)).status_code == 200


def test_an_assertion_signed_alone_is_enough_where_the_connection_says_so(browser: Browser, acme: Connection) -> None:
    _let_the_response_be_unsigned(acme, "assertion")
    assert browser.sign_in(JANE_BY_SSO, sign="assertion").status_code == 200
    assert browser.sign_in(JANE_BY_SSO, sign="both").status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"issued": timedelta(seconds=90)},
        {"issued": timedelta(seconds=-90)},
        {"not_before": timedelta(seconds=90)},
        {"not_on_or_after": None},
        {"not_before": None},
        {"session_end": timedelta(hours=8)},
        {"confirmation_end": timedelta(seconds=-90)},
        {"not_on_or_after": timedelta(seconds=-90), "confirmation_end": timedelta(seconds=-90)},
        {"name_id": "00u1jane", "status": SUCCESS},
    ],
)
def test_benign_variety_is_accepted(browser: Browser, claims: dict[str, Any]) -> None:
    assert browser.sign_in(JANE_BY_SSO, **claims).status_code == 200


LATE: dict[str, Any] = {"confirmation_end": timedelta(seconds=-60)}
"""Within our tolerance of clocks, and refused by the library before it looks at a signature: so the signatures are ours to check there."""


@pytest.mark.parametrize("sign", ["both", "assertion"])
def test_a_late_message_is_no_way_around_the_signatures(browser: Browser, acme: Connection, sign: str) -> None:
    _let_the_response_be_unsigned(acme, "assertion")
    said = browser.said(JANE_BY_SSO, **LATE)
    assert "(signature)" in refused(browser, TestIdp().response(said, sign=sign))
    message = base64.b64decode(browser.idp.response(browser.said(JANE_BY_SSO, **LATE), sign=sign))
    assert b">jane.doe<" in message
    altered = base64.b64encode(message.replace(b">jane.doe<", b">eve.doe<")).decode()
    assert "(signature)" in refused(browser, altered)


def test_a_late_message_whose_response_was_altered_is_refused_where_only_the_assertion_must_be_signed(
    browser: Browser, acme: Connection
) -> None:
    _let_the_response_be_unsigned(acme, "assertion")
    message = base64.b64decode(browser.idp.response(browser.said(JANE_BY_SSO, **LATE), sign="both"))
    altered = base64.b64encode(
        message.replace(b'ID="_response1"', b'ID="_response2"').replace(b"#_response1", b"#_response2")
    )
    assert "(signature)" in refused(browser, altered.decode())


def test_a_late_message_without_a_signature_is_refused(browser: Browser) -> None:
    assert "(not_signed)" in refused(browser, browser.idp.response(browser.said(JANE_BY_SSO, **LATE), sign="none"))


def test_unicode_names_line_breaks_and_okta_prefixes_are_accepted(browser: Browser) -> None:
    message = browser.idp.response(browser.said(ZOE_BY_SSO))
    broken = "\r\n".join(message[start : start + 76] for start in range(0, len(message), 76))
    assert "Zoë Müller" in browser.follow(browser.post(broken)).content.decode()


def test_a_sign_in_without_a_name_id_is_accepted_by_its_email_R8b(browser: Browser) -> None:
    assert browser.sign_in(replace(JANE_BY_SSO, user_name=None), name_id=None).status_code == 200
    assert browser.sign_in(JANE_BY_SSO, name_id=None).status_code == 200
    assert User.objects.count() == 1
