"""Whatever is posted to the ACS: never a 500, never a session."""

import base64
import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from core_identity.models import Connection, IdentityUid, User
from sso.saml.gate import decode, parse, require_response_layout
from sso.saml.parties import Signed
from sso.saml.refusals import SamlRefusal
from tests.sso.conftest import Browser
from tests.support.cast import JANE, by_sso
from tests.support.nightly import examples
from tests.support.saml import NS, SUCCESS, TestIdp

RELAXED = settings(
    deadline=None, max_examples=examples(20, 400), suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(st.one_of(st.text(), st.binary().map(lambda raw: base64.b64encode(raw).decode())))
def test_any_text_is_a_tree_or_a_refusal(text: str) -> None:
    try:
        require_response_layout(parse(decode(text)), Signed.BOTH)
    except SamlRefusal as refusal:
        assert refusal.sentence  # noqa: PT017 - or nothing is raised
    else:
        raise AssertionError("random text was a signed Response")


TAGS = [f"{{{NS[prefix]}}}{name}" for prefix, name in (
    ("saml", "Assertion"), ("saml", "Advice"), ("saml", "Issuer"), ("saml", "AttributeValue"), ("samlp", "Extensions"), ("samlp", "Response"),
    ("ds", "Signature"), ("ds", "Object"),
)]  # fmt: skip
TEXTS = st.sampled_from(
    ["", "admin", "jane.doe", "#_response1", "_response1", "2999-01-01T00:00:00Z", SUCCESS, "\u202e", "x" * 2_000]
)

NAMESPACES = st.sampled_from(["urn:v", "1", "a/b", "//a", "?", "#", ".", NS["ds"]])
"""Some of them cannot be canonicalized."""


def mutate(root: etree._Element, data: st.DataObject) -> None:
    """Change one thing: a whole element, its place, its name, its text, or its attributes."""
    elements = list(root.iter())
    one, other = (elements[data.draw(st.integers(0, len(elements) - 1))] for _ in range(2))
    parent = one.getparent()
    change = data.draw(st.sampled_from(["text", "attribute", "rename", "wrap", "delete", "double", "move", "swap"]))
    match change:
        case "text":
            one.text = data.draw(TEXTS)
        case "attribute":
            name = data.draw(st.sampled_from([*map(str, one.attrib), "ID", "Id", "Algorithm", "URI", "Name"]))
            one.set(name, data.draw(TEXTS))
        case "rename":
            one.tag = data.draw(st.sampled_from(TAGS))
        case _ if parent is None:
            return
        case "wrap":
            frame = etree.Element(data.draw(st.sampled_from(TAGS)), nsmap={"v": data.draw(NAMESPACES)})
            parent.replace(one, frame)
            frame.append(one)
        case "delete":
            parent.remove(one)
        case "double":
            other.append(copy.deepcopy(one))
        case "move" | "swap" if one not in other.iterancestors() and one is not other:
            other.insert(data.draw(st.integers(0, len(other))), one)


def nobody_but_jane(browser: Browser, message: str) -> None:
    answer = browser.post(message)
    assert answer.status_code in {303, 400, 403}
    assert set(User.objects.values_list("username", flat=True)) <= {"jane.doe@acme.test"}
    assert set(IdentityUid.objects.values_list("uid", flat=True)) <= {"jane.doe"}
    if answer.status_code == 303:
        browser.follow(answer)
        assert browser.me().json()["username"] == "jane.doe@acme.test"
        browser.http.post("/sign-out")


@pytest.mark.parametrize("signed", ["assertion", "response"])
@RELAXED
@given(data=st.data())
def test_a_signed_message_that_is_changed_opens_nothing_for_anybody_else(
    browser: Browser, acme: Connection, signed: str, data: st.DataObject
) -> None:
    acme.saml.signed = signed
    acme.saml.save()
    root = etree.fromstring(base64.b64decode(browser.idp.response(browser.claims(by_sso(JANE)), sign=signed)))
    for _ in range(data.draw(st.integers(1, 4), label="changes")):
        mutate(root, data)
    nobody_but_jane(browser, base64.b64encode(etree.tostring(root)).decode())


@RELAXED
@given(data=st.data())
def test_a_signed_message_with_other_octets_opens_nothing_for_anybody_else(
    browser: Browser, data: st.DataObject
) -> None:
    octets = bytearray(base64.b64decode(browser.idp.response(browser.claims(by_sso(JANE)))))
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        place = data.draw(st.integers(0, 9_999), label="place") % len(octets)
        octets[place : place + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"<", b"&#0;", b"<!--", b"]]>"])
        )
    nobody_but_jane(browser, base64.b64encode(octets).decode())


@RELAXED
@given(
    fields=st.dictionaries(st.sampled_from(["SAMLResponse", "RelayState", "SAMLRequest", "x"]), st.text(max_size=200))
)
def test_any_form_is_refused(browser: Browser, fields: dict[str, str]) -> None:
    assert browser.http.post("/sso/acme/acs", fields).status_code == 400


@pytest.mark.parametrize("slug", ["x" * 500, "ACME", "ac%20me", "acme%00", "-", "é"])
def test_any_other_slug_is_not_found(browser: Browser, idp: TestIdp, slug: str) -> None:
    for path in ("login", "metadata", "logout", "finish"):
        assert browser.http.get(f"/sso/{slug}/{path}").status_code == 404
    assert browser.http.post(f"/sso/{slug}/acs").status_code == 404
