"""The trusted keys of an IdP: long ones only, even if a short one is in our settings; and after the end of their certificate."""

from datetime import timedelta

import pytest

import sso.settings.changes
from core_identity.errors import SettingsErrors
from core_identity.models import Connection
from sso.saml.parties import Signed
from sso.settings.trust_warnings import warnings_of
from tests.sso.conftest import Browser
from tests.sso.test_attacks import JANE_BY_SSO, refused
from tests.support.saml import TestIdp, now


@pytest.fixture(scope="module")
def weak() -> TestIdp:
    return TestIdp(bits=1024)


def test_a_short_key_is_refused_where_it_is_set_up(acme: Connection, weak: TestIdp) -> None:
    with pytest.raises(SettingsErrors, match="1024 bits"):
        sso.settings.changes.apply(acme, {"idp_metadata": weak.metadata()}, base_dir=None)


@pytest.mark.parametrize("signed", Signed)
def test_a_short_key_that_is_in_the_settings_already_signs_nobody_in(
    browser: Browser, acme: Connection, weak: TestIdp, signed: Signed
) -> None:
    acme.saml.certificates, acme.saml.signed = [weak.pem], signed
    acme.saml.save()
    assert "(algorithm)" in refused(browser, weak.response(browser.claims(JANE_BY_SSO)))


def test_a_short_key_beside_a_long_one_signs_nobody_in(browser: Browser, acme: Connection, weak: TestIdp) -> None:
    acme.saml.certificates = [weak.pem, browser.idp.pem]
    acme.saml.save()
    assert "(signature)" in refused(browser, weak.response(browser.claims(JANE_BY_SSO)))
    assert browser.sign_in(JANE_BY_SSO).status_code == 200


def test_a_certificate_that_has_ended_is_warned_of_and_still_believed(browser: Browser, acme: Connection) -> None:
    """It is trusted because an administrator pinned it. Locking everybody out at midnight would not stop an attacker."""
    browser.idp = TestIdp(ends=timedelta(days=-3))
    acme.saml.certificates = [browser.idp.pem]
    acme.saml.save()
    assert browser.sign_in(JANE_BY_SSO).status_code == 200
    (warning,) = warnings_of(acme.saml, now())
    assert str(warning).startswith("Critical: ")
