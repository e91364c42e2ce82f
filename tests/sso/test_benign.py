"""Messages that must be accepted: Responses as IdPs write them, each signed at test time, and each signs Jane in as Jane."""

import base64
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from html import unescape
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

import sso.settings.changes
from core_identity.models import Connection, Grant, Identity, User
from core_identity.services.roles import create_role
from sso.models import SamlSettings, SignInRecord
from sso.saml.expectations import SKEW
from sso.saml.parties import DEMANDS, Signed, signatures_in_words
from sso.saml.trace import PROPOSAL
from sso.settings.keys import opening_keys
from sso.sign_in.remedies import remedy_for
from tests.sso.conftest import SERVICE, Browser
from tests.sso.second_verifier import opinion
from tests.support.cast import ADMIN
from tests.support.saml import NS, TestIdp, now
from tests.support.saml_layouts import Edit, Key, Layout, Signature, message
from tests.support.undone import every_case

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

ACS, AUDIENCE = f"{SERVICE}/sso/acme/acs", f"{SERVICE}/sso/acme/metadata"
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
BY_CLAIMS = {
    "first_name": f"{CLAIMS}/givenname", "last_name": f"{CLAIMS}/surname", "email": f"{CLAIMS}/emailaddress",
}  # fmt: skip
BY_LDAP = {"first_name": "givenName", "last_name": "sn", "email": "mail"}
BY_OID = {
    "first_name": "urn:oid:2.5.4.42",
    "last_name": "urn:oid:2.5.4.4",
    "email": "urn:oid:0.9.2342.19200300.100.1.3",
}


def post_message(browser: Browser, layout: Layout, *, key: Key | None = None, **values: str) -> "Answer":
    """Bring a message of ``layout``, in answer to a request, and return the answer of the ACS."""
    words = {"acs": ACS, "audience": AUDIENCE, "request": browser.leave()} | values
    brought = message(layout, browser.idp, key=key, **words)
    answer = browser.post(brought)
    if answer.status_code == 303:
        saml = SamlSettings.objects.select_related("connection").get()
        judged = opinion(brought, saml.certificates, opening_keys(saml))
        assert judged is True, "signxml is of another opinion"
    return answer


def is_jane(browser: Browser, answer: "Answer") -> None:
    page = browser.follow(answer).content.decode()
    assert answer.status_code == 303, page
    user, identity = User.objects.get(), Identity.objects.get()
    assert (user.first_name, user.last_name, user.email) == ("Jane", "Doe", "jane.doe@acme.test")
    assert [uid.uid for uid in identity.uids.all()] == ["jane.doe"]
    assert browser.me().json()["username"] == "jane.doe@acme.test"


def settings(connection: Connection, idp: TestIdp, **changes: Any) -> None:
    section = {"entity_id": idp.entity_id, "sso_url": idp.sso_url, "certificates": [idp.pem], **changes}
    sso.settings.changes.apply(connection, section, base_dir=None)


# As the IdPs write it


@dataclass(frozen=True)
class Vendor:
    """One IdP as it comes, with what an administrator enters for it."""

    layout: Layout
    attributes: dict[str, str] = field(default_factory=dict)
    uid: str = "UID"
    role: str = ""

    @property
    def signed(self) -> Signed:
        """The narrowest setting that takes it."""
        if self.layout.response is None:
            return Signed.ASSERTION
        return Signed.BOTH if self.layout.assertion else Signed.RESPONSE


ADFS_KEY = f'<KeyInfo xmlns="{NS["ds"]}"><ds:X509Data><ds:X509Certificate>$certificate</ds:X509Certificate></ds:X509Data></KeyInfo>'
GOOGLE_KEY = (
    "<$p:KeyInfo><$p:X509Data><$p:X509SubjectName>ST=California,C=US,OU=Google For Work,CN=Google</$p:X509SubjectName>"
    "<$p:X509Certificate>$certificate</$p:X509Certificate></$p:X509Data></$p:KeyInfo>"
)
KEY_VALUE = (
    "<$p:KeyInfo><$p:KeyName>pK6o0Vv8</$p:KeyName><$p:X509Data><$p:X509Certificate>$certificate</$p:X509Certificate></$p:X509Data>"
    "<$p:KeyValue><$p:RSAKeyValue><$p:Modulus>AQAB</$p:Modulus><$p:Exponent>AQAB</$p:Exponent></$p:RSAKeyValue></$p:KeyValue></$p:KeyInfo>"
)


def both(file: str, signature: Signature, *, alone: bool = False) -> Layout:
    return Layout(file, signature, None if alone else signature)


def around(file: str, signature: Signature) -> Layout:
    """The Response is signed, and the Assertion in it is not."""
    return Layout(file, None, signature)


VENDORS = {
    "Okta": Vendor(
        Layout("okta", Signature(prefixes="xs"), Signature(prefixes="xs")), role="Editors", attributes={"groups": "Group"}
    ),
    "Entra": Vendor(both("entra", Signature(prefix=""), alone=True), BY_CLAIMS, role="0a1b2c3d-0000-4000-8000-000000000002"),
    "Entra, both signed": Vendor(both("entra", Signature(prefix="")), BY_CLAIMS),
    "ADFS": Vendor(both("adfs", Signature(key_info=ADFS_KEY), alone=True), BY_CLAIMS, role="ACME\\Editors"),
    "ADFS, both signed": Vendor(both("adfs", Signature(key_info=ADFS_KEY)), BY_CLAIMS),
    "ADFS, MessageOnly": Vendor(around("adfs", Signature(key_info=ADFS_KEY)), BY_CLAIMS),
    "Google, signed response": Vendor(around("google", Signature(key_info=GOOGLE_KEY))),
    "Keycloak, a client made by hand": Vendor(
        around("keycloak", Signature("dsig", key_info=KEY_VALUE)), BY_OID | {"email": "urn:oid:1.2.840.113549.1.9.1"}, role="Editors"
    ),
    "Keycloak": Vendor(both("keycloak", Signature("dsig", key_info=KEY_VALUE)), BY_OID | {"email": "urn:oid:1.2.840.113549.1.9.1"}, role="Editors"),
    "Shibboleth": Vendor(
        Layout("shibboleth", Signature(prefixes="xsd", line=76), Signature(line=76)),
        BY_OID,
        uid="urn:oid:0.9.2342.19200300.100.1.1",
        role="Editors",
    ),
    "SimpleSAMLphp": Vendor(both("simplesamlphp", Signature()), BY_LDAP, uid="uid", role="Editors"),
    "Google": Vendor(both("google", Signature(key_info=GOOGLE_KEY), alone=True)),
    "OneLogin": Vendor(both("onelogin", Signature())),
    "PingFederate": Vendor(both("pingfederate", Signature(prefixes="xs", line=64), alone=True)),
    "JumpCloud": Vendor(both("jumpcloud", Signature(prefixes="xs"))),
    "Auth0 and saml-idp": Vendor(both("node-samlp", Signature(prefix=""), alone=True)),
    "Auth0 and saml-idp, both signed": Vendor(both("node-samlp", Signature(prefix=""))),
    "samlify": Vendor(both("samlify", Signature())),
}  # fmt: skip
GROUPS = {
    "entra": "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", "adfs": "http://schemas.xmlsoap.org/claims/Group",
    "keycloak": "Role", "shibboleth": "urn:oid:1.3.6.1.4.1.5923.1.5.1.1", "simplesamlphp": "eduPersonAffiliation",
    "onelogin": "memberOf",
}  # fmt: skip


def test_the_message_of_an_idp_as_it_comes_signs_its_person_in(acme: Connection, idp: TestIdp) -> None:
    with every_case() as case:
        for name, vendor in VENDORS.items():
            with case(name):
                connection, browser = Connection.objects.get(), Browser(idp)
                connection.uid_attribute = vendor.uid
                connection.save()
                names = {"groups": GROUPS.get(vendor.layout.file, "Group"), **vendor.attributes}
                settings(connection, idp, attributes=names, signed=vendor.signed)
                if vendor.role:
                    create_role(actor=ADMIN, name=vendor.role, grantable_by=[connection])
                is_jane(browser, post_message(browser, vendor.layout))
                assert Grant.objects.count() == bool(vendor.role)


# What varies from one to the next


def swap(*pairs: tuple[str, str]) -> Edit:
    def edit(text: str) -> str:
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        return text

    return edit


def attribute(inside: str, name: str = "Photo") -> Edit:
    """Add an attribute that is not read."""
    end = "</saml2:AttributeStatement>"
    return swap((end, f'<saml2:Attribute Name="{name}">{inside}</saml2:Attribute>{end}'))


def after(mark: str, more: str) -> Edit:
    return swap((mark, mark + more))


def before(mark: str, more: str) -> Edit:
    return swap((mark, more + mark))


def instants(form: Callable[[datetime], str], names: str = "IssueInstant|NotBefore|NotOnOrAfter|AuthnInstant") -> Edit:
    """Write each time in another form."""

    def edit(text: str) -> str:
        pattern = rf'\b({names})="([^"]*)"'
        return re.sub(pattern, lambda found: f'{found[1]}="{form(datetime.fromisoformat(found[2]))}"', text)

    return edit


def fraction(digits: str) -> Callable[[datetime], str]:
    return lambda time: f"{time:%Y-%m-%dT%H:%M:%S}.{digits}Z"


def shifted(name: str, to: timedelta) -> Edit:
    return instants(lambda _: f"{now() + to:%Y-%m-%dT%H:%M:%SZ}", name)


def value(text: str) -> str:
    return f"<saml2:AttributeValue>{text}</saml2:AttributeValue>"


XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
BEARER_END = "</saml2:SubjectConfirmation>"
HOLDER = (
    '<saml2:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"><saml2:SubjectConfirmationData '
    f'{XSI} xsi:type="saml2:KeyInfoConfirmationDataType"><ds:KeyInfo xmlns:ds="{NS["ds"]}"><ds:KeyName>laptop</ds:KeyName></ds:KeyInfo>'
    "</saml2:SubjectConfirmationData></saml2:SubjectConfirmation>"
)
AUTHN = "<saml2:AuthnStatement "
CONTEXT = "<saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml2:AuthnContextClassRef>"
NAME_ID = "jane.doe@acme.test</saml2:NameID>"
AUDIENCES = "</saml2:AudienceRestriction>"
UNREAD = '<x:note xmlns:x="urn:acme:note">of no meaning here</x:note>'
STATUS = '<saml2p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>'
SECOND_SESSION = (
    '<saml2:AuthnStatement AuthnInstant="2026-01-01T00:00:00Z">'
    f"<saml2:AuthnContext>{CONTEXT}</saml2:AuthnContext></saml2:AuthnStatement>"
)
ATTRIBUTES_END = "</saml2:AttributeStatement>"
PLAIN_NAME_ID = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
STATEMENTS = r"(<saml2:AuthnStatement.*</saml2:AuthnStatement>)(<saml2:AttributeStatement.*</saml2:AttributeStatement>)"
DECISION = (
    '<saml2:AuthzDecisionStatement Resource="https://acme.test/x" Decision="Permit">'
    '<saml2:Action Namespace="urn:oasis:names:tc:SAML:1.0:action:ghpp">GET</saml2:Action></saml2:AuthzDecisionStatement>'
)
UNTYPED = ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string"'
PRETTY = swap(("><", ">\n  <"))

EDITS: dict[str, Edit] = {
    "pretty printed": PRETTY,
    "a value on lines of its own": swap((">jane.doe</", ">\n      jane.doe\n    </"), (">Jane<", ">\tJane <")),
    "line ends of Windows": swap(("><", ">\r\n<")),
    "no XML declaration": swap(('<?xml version="1.0" encoding="UTF-8"?>', "")),
    "single quotes in the declaration": swap(('version="1.0" encoding="UTF-8"', "version='1.0' encoding='utf-8'")),
    "standalone": swap(('encoding="UTF-8"?>', 'encoding="UTF-8" standalone="no"?>\n')),
    "a byte order mark": swap(("<?xml", "\ufeff<?xml")),
    "line ends at the end": lambda text: text + "\r\n\r\n",
    "Consent": swap((' Version="2.0" xmlns:saml2p', ' Version="2.0" Consent="urn:oasis:names:tc:SAML:2.0:consent:prior" xmlns:saml2p')),
    "a status message": after(STATUS, "<saml2p:StatusMessage>Authentication succeeded</saml2p:StatusMessage>"),
    "a status detail": after(STATUS, f"<saml2p:StatusDetail>{UNREAD}</saml2p:StatusDetail>"),
    "an extension": before("<saml2p:Status ", f"<saml2p:Extensions>{UNREAD}</saml2p:Extensions>"),
    "an issuer in the assertion only": lambda text: re.sub("<saml2:Issuer.*?</saml2:Issuer>", "", text, count=1),
    "advice": before(AUTHN, f"<saml2:Advice>{UNREAD}</saml2:Advice>"),
    "advice by reference": before(AUTHN, "<saml2:Advice><saml2:AssertionIDRef>_other</saml2:AssertionIDRef></saml2:Advice>"),
    "a decision": before(AUTHN, DECISION),
    "an older sign-in too": before("<saml2:AttributeStatement ", SECOND_SESSION),
    "where somebody sits": before("<saml2:AuthnContext>", '<saml2:SubjectLocality Address="203.0.113.9" DNSName="laptop"/>'),
    "a declaration of context": after(CONTEXT, "<saml2:AuthnContextDeclRef>urn:acme:context</saml2:AuthnContextDeclRef>"),
    "a declaration of context only": swap((CONTEXT, "<saml2:AuthnContextDeclRef>urn:acme:context</saml2:AuthnContextDeclRef>")),
    "a context of many words": swap((CONTEXT, f"<saml2:AuthnContextDecl>{UNREAD}</saml2:AuthnContextDecl>")),
    "who signed in upstream": after(CONTEXT, "<saml2:AuthenticatingAuthority>https://up.test</saml2:AuthenticatingAuthority>" * 2),
    "no session index": lambda text: re.sub(r' SessionIndex="[^"]*"', "", text),
    "holder of key beside bearer": before("<saml2:SubjectConfirmation Method", HOLDER),
    "sender vouches beside bearer": after(BEARER_END, '<saml2:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"/>'),
    "bearer twice": lambda text: re.sub(r"(<saml2:SubjectConfirmation .*?</saml2:SubjectConfirmation>)", r"\1\1", text),
    "a NameID in the confirmation": after('cm:bearer">', "<saml2:NameID>gateway</saml2:NameID>"),
    "the address of the browser": swap(("<saml2:SubjectConfirmationData ", '<saml2:SubjectConfirmationData Address="203.0.113.9" ')),
    "several audiences": after("<saml2:AudienceRestriction>", "<saml2:Audience>https://other.test</saml2:Audience>"),
    "several restrictions": after(AUDIENCES, f"<saml2:AudienceRestriction><saml2:Audience>{AUDIENCE}</saml2:Audience>{AUDIENCES}"),
    "good once": after(AUDIENCES, "<saml2:OneTimeUse/>"),
    "not to be passed on": after(AUDIENCES, '<saml2:ProxyRestriction Count="0"/>'),
    "qualifiers of the NameID": swap(("<saml2:NameID ", f'<saml2:NameID NameQualifier="x" SPNameQualifier="{AUDIENCE}" SPProvidedID="7" ')),
    "spaces around the NameID": swap((NAME_ID, "\n  " + NAME_ID.replace("<", "\n  <"))),
    "no NameID": lambda text: re.sub("<saml2:NameID.*?</saml2:NameID>", "", text),
    "values in character references": swap((">Jane<", ">&#74;&#x61;ne<")),
    "a quote and an ampersand elsewhere": attribute(value("R&amp;D &lt;&quot;x&quot;&gt;"), "Team"),
    "values without a type": swap((UNTYPED, "")),
    "values of any type": swap(('xsi:type="xs:string"', 'xsi:type="xs:anyType"')),
    "another prefix of the schema": swap(("xmlns:xs=", "xmlns:xsd="), ('"xs:string"', '"xsd:string"')),
    "a nil value": attribute(f'<saml2:AttributeValue {XSI} xsi:nil="true"/>'),
    "a nil value of what is read": attribute(f'<saml2:AttributeValue {XSI} xsi:nil="true"/>', "Title"),
    "an attribute without a value": attribute(""),
    "an empty value": attribute(value("")),
    "an element as a value": attribute(value(UNREAD)),
    "a NameID as a value": attribute(value("<saml2:NameID>x</saml2:NameID>"), "eduPersonTargetedID"),
    "values of other types": attribute(
        f'<saml2:AttributeValue {XSI} xmlns:t="http://www.w3.org/2001/XMLSchema" xsi:type="t:integer">7</saml2:AttributeValue>'
    ),
    "an attribute in several elements": lambda text: attribute(value("a"))(attribute(value("b"))(text)),
    "a photo of 100 kB": attribute(value("QUJD" * 25_000)),
    "a photo in lines": attribute(value("\n".join(["QUJD" * 19] * 1000))),
    "friendly names": swap(('Attribute Name="Email"', 'Attribute FriendlyName="mail" Name="Email"')),
    "basic names": swap(("attrname-format:unspecified", "attrname-format:basic")),
    "no format of names": swap((' NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"', "")),
    "attributes of attributes": swap(('Attribute Name="Email"', 'Attribute xmlns:a="urn:acme" a:source="hr" Name="Email"')),
    "several statements": before('<saml2:Attribute Name="Email"', f"{ATTRIBUTES_END}<saml2:AttributeStatement>"),
    "statements in another order": lambda text: re.sub(STATEMENTS, r"\2\1", text),
    "attributes that nobody reads": before(
        ATTRIBUTES_END, "".join(f'<saml2:Attribute Name="a{n}">{value("x")}</saml2:Attribute>' for n in range(300))
    ),
    "declarations of namespaces that are not used": swap(("<saml2:Assertion ", '<saml2:Assertion xmlns:u1="urn:u1" xmlns:u2="urn:u2" ')),
    "a default namespace that is not used": swap(("<saml2p:Response ", '<saml2p:Response xmlns="urn:unused" ')),
    "times to the second": instants(lambda time: f"{time:%Y-%m-%dT%H:%M:%SZ}"),
    **{
        f"a second in {len(digits)} digits": instants(fraction(digits)) for digits in ("1", "12", "123456", "1234567", "123456789")
    },
    "times of +00:00": instants(lambda time: f"{time:%Y-%m-%dT%H:%M:%S}+00:00"),
    "times of another zone": instants(lambda time: time.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()),
    "issued at the edge of our tolerance": instants(
        lambda time: f"{time + SKEW - timedelta(seconds=20):%Y-%m-%dT%H:%M:%SZ}", "IssueInstant|NotBefore|AuthnInstant"
    ),
    "issued nine minutes ago": instants(lambda time: f"{time - timedelta(minutes=9):%Y-%m-%dT%H:%M:%SZ}", "IssueInstant|NotBefore|AuthnInstant"),
    "signed in at the IdP hours ago": shifted("AuthnInstant", timedelta(hours=-9)),
    "over, within our tolerance": shifted("NotOnOrAfter", timedelta(seconds=20) - SKEW),
    "good for an hour": shifted("NotOnOrAfter", timedelta(hours=1)),
    "a session of eight hours": swap((AUTHN, f'{AUTHN}SessionNotOnOrAfter="2031-01-01T00:00:00.000Z" ')),
    "a confirmation that begins": swap(("<saml2:SubjectConfirmationData ", '<saml2:SubjectConfirmationData NotBefore="2026-01-01T00:00:00Z" ')),
    "conditions without times": lambda text: re.sub(r'(<saml2:Conditions) NotBefore="[^"]*" NotOnOrAfter="[^"]*"', r"\1", text),
    **{
        f"NameID {name}": swap((PLAIN_NAME_ID, f"urn:oasis:names:tc:SAML:{name}"))
        for name in (
            "1.1:nameid-format:emailAddress", "1.1:nameid-format:WindowsDomainQualifiedName", "2.0:nameid-format:persistent",
            "2.0:nameid-format:transient", "2.0:nameid-format:kerberos", "1.1:nameid-format:X509SubjectName",
        )
    },
    "a NameID without a format": swap((' Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"', "")),
}  # fmt: skip


def test_permitted_variations_of_a_response_are_accepted(acme: Connection, idp: TestIdp) -> None:
    with every_case() as case:
        for name, edit in EDITS.items():
            with case(name):
                browser = Browser(idp)
                is_jane(browser, post_message(browser, Layout(edit=edit)))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("Zo\u00eb", "M\u00fcller-L\u00fcdenscheidt"),
        ("Zoe\u0308", "Mu\u0308ller"),
        ("\u674e", "\u5c0f\u9f8d"),
        ("\u0645\u06cc\u200c\u0646\u0627", "\u062d\u0633\u06cc\u0646\u06cc"),
        ("\u0928\u094d\u200d\u092f\u093e", "\u0936\u0930\u094d\u092e\u093e"),
        ("O'Brien", "&lt;Sons&gt; &amp; \u201cCo\u201d"),
        ("\U0001f469\u200d\U0001f4bb", "\U00020bb7"),
        ("J.", "d'Arc (von und zu)"),
    ],
)
def test_names_may_be_of_any_language(browser: Browser, first: str, last: str) -> None:
    """Persian and Hindi names need joiners, which are not a disguise there."""
    answer = post_message(browser, Layout(edit=swap((">Jane<", f">{first}<"), (">Doe<", f">{last}<"))))
    assert answer.status_code == 303, answer.content.decode()
    user = User.objects.get()
    assert (user.first_name, user.last_name) == (unescape(first), unescape(last))


ENCODINGS: dict[str, Callable[[bytes], str]] = {
    "lines of 76": lambda xml: base64.encodebytes(xml).decode(),
    "lines of 76, of Windows": lambda xml: "\r\n".join(textwrap.wrap(base64.b64encode(xml).decode(), 76)),
    "lines of 64 and spaces around": lambda xml: (
        "  \n" + "\n".join(textwrap.wrap(base64.b64encode(xml).decode(), 64)) + "\n "
    ),
}


def test_base_64_may_be_broken_into_lines(acme: Connection, idp: TestIdp) -> None:
    with every_case() as case:
        for name, encode in ENCODINGS.items():
            with case(name):
                browser = Browser(idp)
                is_jane(browser, post_message(browser, Layout(encode=encode)))


@pytest.mark.parametrize("number", [150, 300, 1000])
def test_somebody_in_many_groups_comes_in(browser: Browser, acme: Connection, number: int) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    more = "".join(f"<saml2:AttributeValue{UNTYPED}>Team {n}</saml2:AttributeValue>" for n in range(number))
    mark = f"<saml2:AttributeValue{UNTYPED}>Editors</saml2:AttributeValue>"
    is_jane(browser, post_message(browser, Layout(edit=after(mark, more))))
    assert Grant.objects.count() == 1


LINES = {
    "both": Layout(),
    "assertion": Layout(response=None),
    "response": Layout(assertion=None),
    "neither": Layout(assertion=None, response=None),
}
TAKEN = {
    Signed.BOTH: {"both"},
    Signed.ASSERTION: {"both", "assertion"},
    Signed.RESPONSE: {"both", "response"},
    Signed.EITHER: {"both", "assertion", "response"},
}
PROPOSED = {
    (Signed.BOTH, "assertion"): "signed: assertion",
    (Signed.BOTH, "response"): "signed: response",
    (Signed.ASSERTION, "response"): "signed: response",
    (Signed.RESPONSE, "assertion"): "signed: assertion",
}
"""A refusal of anything else proposes nothing, and none proposes *either*."""


def test_a_connection_accepts_the_signatures_that_it_requires_and_otherwise_names_those_of_the_message(
    browser: Browser, acme: Connection
) -> None:
    for requirement, (name, layout) in product(Signed, LINES.items()):
        settings(acme, browser.idp, signed=requirement.value)
        browser.http.cookies.clear()
        answer = post_message(browser, layout)
        row = SignInRecord.objects.latest("at")
        proposals = [check["expected"] for check in row.checks if check["check"] == PROPOSAL]
        if name in TAKEN[requirement]:
            is_jane(browser, answer)
            assert proposals == []
            continue
        assert (answer.status_code, row.code) == (400, "not_signed"), (requirement, name)
        assert row.expected == DEMANDS[requirement]
        assert row.received == signatures_in_words(response=name == "response", assertion=name == "assertion")
        proposed = PROPOSED.get((requirement, name))
        assert proposals == ([proposed] if proposed else []), (requirement, name)
        assert (proposed or "the Response and the Assertion if it can") in remedy_for(row.code, row.checks)


def test_a_message_that_would_be_refused_anyway_proposes_no_setting(browser: Browser, stranger: TestIdp) -> None:
    for layout in (LINES["assertion"], LINES["response"]):
        post_message(browser, layout, key=stranger.key)
        post_message(browser, replace(layout, edit=swap((f">{AUDIENCE}<", ">https://other.test<"))))
    assert SignInRecord.objects.filter(code="not_signed").count() == 4
    assert PROPOSAL not in str(list(SignInRecord.objects.values_list("checks", flat=True)))


def test_names_of_parties_are_compared_octet_by_octet(browser: Browser) -> None:
    """Not even white space is forgiven (SAML core 1.3.1)."""
    for edit, code in (
        (swap((">https://idp.test/metadata<", ">\n  https://idp.test/metadata\n<")), "issuer"),
        (swap((f">{AUDIENCE}<", f"> {AUDIENCE}<")), "audience"),
        (swap((f'Recipient="{ACS}"', f'Recipient="{ACS} "')), "recipient"),
    ):
        answer = post_message(browser, Layout(edit=edit))
        assert (answer.status_code, f"({code})" in answer.content.decode()) == (400, True)
