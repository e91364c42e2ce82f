"""Whatever is posted to the ACS: never a 500, never a session."""

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from core_identity.models import User
from sso.saml.gate import decode, parse, require_response_layout
from sso.saml.refusals import SamlRefusal
from tests.sso.conftest import Browser
from tests.support.cast import JANE, by_sso
from tests.support.saml import TestIdp

RELAXED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(st.one_of(st.text(), st.binary().map(lambda raw: base64.b64encode(raw).decode())))
def test_any_text_is_a_tree_or_a_refusal(text: str) -> None:
    try:
        require_response_layout(parse(decode(text)), want_response_signed=True)
    except SamlRefusal as refusal:
        assert refusal.sentence  # noqa: PT017 - or nothing is raised
    else:
        raise AssertionError("random text was a signed Response")


@RELAXED
@given(data=st.data())
def test_a_signed_message_with_any_one_thing_changed_opens_nothing(browser: Browser, data: st.DataObject) -> None:
    """Delete, double or rewrite any one element or attribute of a good message after it was signed."""
    message = browser.idp.response(browser.said(by_sso(JANE)))
    root = etree.fromstring(base64.b64decode(message))
    elements = [element for element in root.iter() if element is not root]
    element = data.draw(st.sampled_from(range(len(elements))).map(elements.__getitem__), label="element")
    parent = element.getparent()
    assert parent is not None
    match data.draw(st.sampled_from(["delete", "double", "text", "attribute", "move"]), label="change"):
        case "delete":
            parent.remove(element)
        case "double":
            parent.append(etree.fromstring(etree.tostring(element)))
        case "text":
            element.text = data.draw(st.text("abc<&é0", min_size=1), label="text")
        case "attribute":
            name = data.draw(
                st.sampled_from([*map(str, element.attrib), "ID", "Algorithm", "Extra"]), label="attribute"
            )
            element.set(name, data.draw(st.text("abc#_0"), label="value"))
        case "move":
            root.append(element)
    before = etree.tostring(etree.fromstring(base64.b64decode(message)), method="c14n", exclusive=True)
    changed = etree.tostring(root, method="c14n", exclusive=True)
    answer = browser.post(base64.b64encode(etree.tostring(root)).decode())
    if changed != before and answer.status_code == 303:
        # Only what no signature covers may change: the KeyInfo, and the signature's own container.
        assert etree.QName(element).namespace == "http://www.w3.org/2000/09/xmldsig#", etree.tostring(element)
        assert User.objects.get().username == "jane.doe@acme.test"
        return
    assert answer.status_code in {303, 400}


@RELAXED
@given(
    fields=st.dictionaries(st.sampled_from(["SAMLResponse", "RelayState", "SAMLRequest", "x"]), st.text(max_size=200))
)
def test_any_form_is_refused(browser: Browser, fields: dict[str, str]) -> None:
    assert browser.http.post("/sso/acme/acs", fields).status_code == 400


@pytest.mark.parametrize("slug", ["x" * 500, "ACME", "ac%20me", "acme%00", "-", "é"])
def test_any_slug_is_a_connection_or_none(browser: Browser, idp: TestIdp, slug: str) -> None:
    for path in ("login", "metadata", "logout", "finish"):
        assert browser.http.get(f"/sso/{slug}/{path}").status_code == 404
    assert browser.http.post(f"/sso/{slug}/acs").status_code == 404
