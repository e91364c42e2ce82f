"""Requirements of a connection are checked in the answer too. The request alone enforces nothing, least of all if the IdP begins."""

from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

import sso.settings.changes
from core_identity.models import Connection
from tests.sso.conftest import Browser
from tests.support.cast import JANE, by_sso
from tests.support.saml import NS, TestIdp

MFA = "https://refeds.org/profile/mfa"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"


@pytest.fixture
def demanding(acme: Connection, idp: TestIdp) -> None:
    section = {"idp_metadata": idp.metadata(), "idp_initiated": True, "authn_context": MFA, "force_authn": True}
    sso.settings.changes.apply(acme, section, base_dir=None)


def proved(browser: Browser, *classes: str, ago: timedelta = timedelta(), by_tile: bool = False) -> str:
    """Post a message in which Jane authenticated in these ways, one statement each; return the page."""

    def say(root: etree._Element) -> None:
        statement = root.find(".//saml:AuthnStatement", NS)
        assert statement is not None
        reference = statement.find(".//saml:AuthnContextClassRef", NS)
        assert reference is not None
        reference.text = classes[0]
        for other in classes[1:]:
            twin = etree.fromstring(etree.tostring(statement))
            twin.find(".//saml:AuthnContextClassRef", NS).text = other  # type: ignore[union-attr]
            statement.addnext(twin)

    claims: dict[str, Any] = {"in_response_to": None} if by_tile else {}
    answer = browser.post(browser.idp.response(browser.claims(by_sso(JANE), authn=-ago, **claims), before=say))
    return "in" if answer.status_code == 303 else answer.content.decode()


@pytest.mark.parametrize("by_tile", [False, True])
def test_a_person_who_proved_their_identity_as_required_comes_in(
    browser: Browser, demanding: None, by_tile: bool
) -> None:
    assert proved(browser, MFA, ago=timedelta(minutes=5), by_tile=by_tile) == "in"


@pytest.mark.parametrize("classes", [(PASSWORD,), (MFA, PASSWORD), (f"{MFA}/x",), (MFA.upper(),), ("",)])
@pytest.mark.parametrize("by_tile", [False, True])
def test_another_authentication_than_required_opens_nothing(
    browser: Browser, demanding: None, classes: tuple[str, ...], by_tile: bool
) -> None:
    assert "(authn_context)" in proved(browser, *classes, by_tile=by_tile)


def test_an_old_authentication_is_refused_if_a_new_one_is_required(browser: Browser, demanding: None) -> None:
    assert "(authn_context)" in proved(browser, MFA, ago=timedelta(minutes=18), by_tile=True)


def test_without_requirements_any_authentication_is_accepted(browser: Browser) -> None:
    assert proved(browser, PASSWORD, ago=timedelta(hours=9)) == "in"
