"""Messages that must be accepted, however strict the gates are; `tests.sso.test_attacks` has the others."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from core_identity.models import Connection, User
from tests.sso.conftest import Browser
from tests.sso.test_attacks import JANE_BY_SSO
from tests.support.cast import ZOE, by_sso
from tests.support.saml import SUCCESS, TestIdp

ZOE_BY_SSO = by_sso(ZOE)


def test_two_certificates_are_believed_while_an_idp_changes_its_key(browser: Browser, acme: Connection) -> None:
    coming = TestIdp()
    acme.saml.certificates = [coming.pem, *acme.saml.certificates]
    acme.saml.save()
    assert browser.sign_in(JANE_BY_SSO).status_code == 200
    assert coming.response(browser.claims(ZOE_BY_SSO))
    assert browser.follow(browser.post(coming.response(browser.claims(ZOE_BY_SSO)))).status_code == 200


@pytest.mark.parametrize("method", [SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512])
def test_stronger_algorithms_are_welcome(browser: Browser, method: SignatureMethod) -> None:
    message = browser.idp.response(browser.claims(JANE_BY_SSO), method=method, digest=DigestAlgorithm.SHA512)
    assert browser.follow(browser.post(message)).status_code == 200


def test_an_assertion_signed_alone_is_enough_where_the_connection_permits_it(
    browser: Browser, acme: Connection
) -> None:
    acme.saml.signed = "assertion"
    acme.saml.save()
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
def test_harmless_variations_are_accepted(browser: Browser, claims: dict[str, Any]) -> None:
    assert browser.sign_in(JANE_BY_SSO, **claims).status_code == 200


def test_unicode_names_line_breaks_and_okta_prefixes_are_accepted(browser: Browser) -> None:
    message = browser.idp.response(browser.claims(ZOE_BY_SSO))
    broken = "\r\n".join(message[start : start + 76] for start in range(0, len(message), 76))
    assert "Zoë Müller" in browser.follow(browser.post(broken)).content.decode()


def test_a_sign_in_without_a_name_id_is_accepted_by_its_email_R8b(browser: Browser) -> None:
    assert browser.sign_in(replace(JANE_BY_SSO, user_name=None), name_id=None).status_code == 200
    assert browser.sign_in(JANE_BY_SSO, name_id=None).status_code == 200
    assert User.objects.count() == 1
