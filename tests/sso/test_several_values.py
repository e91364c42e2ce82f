"""Attributes with several values: only different UIDs or externalIds refuse a sign-in (R12). Real signed messages, in both forms of the XML."""

from dataclasses import replace

import pytest
from lxml import etree

import sso.settings.changes
from core_identity.models import Connection, Identity, User
from core_identity.services.push.provisioning import create_person
from sso.models import SignInRecord
from tests.sso.conftest import Browser
from tests.support.cast import JANE, OKTA, ZOE, by_sso
from tests.support.saml import NS, attributes_of

JANE_BY_SSO = by_sso(JANE)
Attributes = dict[str, tuple[str, ...]]

ONE_PERSON: list[Attributes] = [
    {"UID": ("jane.doe", "JANE.DOE", "ｊane.doe ")},
    {"UID": ("", "jane.doe")},
    {"Oid": ("00u1jane", " 00u1jane ")},
    {"FirstName": ("Jane", "Janet"), "LastName": ("Doe", "Roe")},
    {"Title": ("Editor", "Author"), "Organization": ("", "Acme Studios"), "Department": ("Press", "Press")},
    {"Email": ("jane.doe@acme.test", "jane@acme.test")},
    {"Email": ("jane@acme.test", "JANE.DOE@acme.test")},
]
SEVERAL_PEOPLE: list[tuple[str, Attributes]] = [
    ("UID", {"UID": ("jane.doe", "zoë.müller")}),
    ("UID", {"UID": ("jane.doe", "", "jane.doe.2")}),
    ("Oid", {"Oid": ("00u1jane", "00u2zoe")}),
    ("Oid", {"Oid": ("00u1jane", "00U1JANE")}),
]


def in_elements_of_their_own(root: etree._Element) -> None:
    """Send each value in an Attribute of its own, as Keycloak does."""
    for attribute in list(root.iterfind(".//saml:Attribute", NS)):
        for value in attribute.findall("saml:AttributeValue", NS)[1:]:
            twin = etree.Element(attribute.tag, Name=attribute.get("Name", ""))
            twin.append(value)
            attribute.addnext(twin)


def received(label: str) -> str:
    (check,) = (one for one in SignInRecord.objects.latest("id").checks if one["check"] == f"Attribute of {label}")
    return str(check["received"])


@pytest.fixture
def with_external_id(acme: Connection, browser: Browser) -> None:
    section = {"idp_metadata": browser.idp.metadata(), "attributes": {"external_id": "Oid"}}
    sso.settings.changes.apply(acme, section, base_dir=None)


@pytest.mark.usefixtures("with_external_id")
def test_only_different_uids_or_external_ids_refuse_a_known_person_R12(browser: Browser, acme: Connection) -> None:
    create_person(actor=OKTA, connection=acme, person=JANE)
    create_person(actor=OKTA, connection=acme, person=ZOE)
    before = Identity.objects.get(external_id="00u1jane")
    known = {"Oid": ("00u1jane",)}
    for attributes in ONE_PERSON:
        for form in (None, in_elements_of_their_own):
            claims = browser.claims(JANE_BY_SSO, attributes=attributes_of(JANE_BY_SSO) | known | attributes)
            answer = browser.post(browser.idp.response(claims, before=form))
            assert answer.status_code == 303, attributes
            jane = Identity.objects.get(pk=before.pk)
            assert (jane.title, jane.organization, jane.email) == ("Editor", "Acme Studios", "jane.doe@acme.test")
    for name, attributes in SEVERAL_PEOPLE:
        for form in (None, in_elements_of_their_own):
            claims = browser.claims(JANE_BY_SSO, attributes=attributes_of(JANE_BY_SSO) | known | attributes)
            answer = browser.post(browser.idp.response(claims, before=form))
            page = answer.content.decode()
            assert answer.status_code == 403, attributes
            assert f"The attribute {name} has 2 different values" in page
            assert "<code>FirstName</code>" in page, "the page names what arrived"
            assert received("the UID" if name == "UID" else "the externalId") == "sent, 2 different values"


def test_an_ambiguous_email_is_not_a_mark_and_the_stored_one_stays_R8b_R12(browser: Browser, acme: Connection) -> None:
    create_person(actor=OKTA, connection=acme, person=JANE)
    both = {"Email": ("thief@acme.test", "jane.doe@acme.test")}
    thief = attributes_of(JANE_BY_SSO) | both
    refused = browser.come_back(replace(JANE_BY_SSO, name_id="thief@acme.test"), attributes=thief)
    assert (refused.status_code, "(no_mark)" in refused.content.decode()) == (403, True)
    assert received("the email") == "sent, 2 different values: no mark"
    assert Identity.objects.get().email == "jane.doe@acme.test"
    again = {"Email": ("jane.doe@acme.test", " Jane.Doe@ACME.test ")}
    opened = browser.come_back(
        replace(JANE_BY_SSO, name_id="x@acme.test"), attributes=attributes_of(JANE_BY_SSO) | again
    )
    assert opened.status_code == 303, "two spellings of one address are one address"
    assert Identity.objects.get().email == "jane.doe@acme.test"
    other = {"Email": ("", "jane@new.test", "jane@newer.test")}
    assert browser.come_back(JANE_BY_SSO, attributes=attributes_of(JANE_BY_SSO) | other).status_code == 303
    assert Identity.objects.get().email == "jane@new.test", "none equals the stored one: the first is stored"


def test_a_newcomer_gets_the_first_value_that_is_not_empty_R12(browser: Browser) -> None:
    several = {"Email": ("", "jane.doe@acme.test", "jd@acme.test"), "FirstName": (" ", "Jane", "J."), "Title": ("", "")}
    assert browser.come_back(JANE_BY_SSO, attributes=attributes_of(JANE_BY_SSO) | several).status_code == 303
    user = User.objects.get()
    assert (user.email, user.first_name, user.title) == ("jane.doe@acme.test", "Jane", "")
    assert received("the first name") == "sent, 3 values: the first that is not empty counts"
    assert received("the position") == "sent empty"


def test_elements_inside_a_value_refuse_only_as_a_key_R12(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    odd = attributes_of(JANE_BY_SSO) | {
        "": ("00u8", "00u9 <x/>"),
        "Title": ("Chief <b>x</b>",),
        "Email": ("<x/>thief@acme.test",),
    }
    assert browser.come_back(JANE_BY_SSO, attributes=odd, raw=True).status_code == 303
    identity = Identity.objects.get()
    assert (identity.title, identity.email, identity.external_id) == ("Editor", "jane.doe@acme.test", None)
    assert received("the position") == "sent, but not as plain text"
    unmarked = browser.come_back(replace(JANE_BY_SSO, name_id="x@acme.test"), attributes=odd, raw=True)
    assert unmarked.status_code == 403
