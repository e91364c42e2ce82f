"""Only messages that the IdP signed tick a step of a connection's set-up (R37)."""

from django.conf import LazySettings

from core_identity.models import Connection, Event
from core_identity.set_up import Vendor, steps_of
from sso.models import SignInRecord
from tests.sso.conftest import Browser
from tests.support.cast import JANE, by_sso
from tests.support.saml import TestIdp

JANE_BY_SSO = by_sso(JANE)
SAML_STEPS = {"saml_app", "test", "first_sign_in"}


def done(connection: Connection) -> set[str]:
    """Return the SAML steps that are ticked, without the metadata, which every connection of these tests has."""
    return {step.name for step in steps_of(connection, Vendor.OKTA) if step.done} & SAML_STEPS


def test_a_sign_in_ticks_the_saml_steps_and_the_message_of_a_stranger_does_not_R37(
    browser: Browser, acme: Connection, stranger: TestIdp
) -> None:
    browser.post(stranger.response(browser.claims(JANE_BY_SSO)))
    assert SignInRecord.objects.count() == 1, "the message is in the log"
    assert done(acme) == set()
    browser.sign_in(JANE_BY_SSO)
    assert done(acme) == SAML_STEPS


def test_a_tick_stays_when_the_sign_in_log_is_emptied_R37(browser: Browser, acme: Connection) -> None:
    browser.sign_in(JANE_BY_SSO)
    SignInRecord.objects.all().delete()
    assert done(acme) == SAML_STEPS
    (first,) = (step for step in steps_of(acme, Vendor.OKTA) if step.name == "first_sign_in")
    assert first.seen_at == Event.objects.get(kind="user.signed_in").at


def test_a_sign_in_ticks_its_steps_while_the_sign_in_log_is_off_R37(
    browser: Browser, acme: Connection, settings: LazySettings
) -> None:
    settings.SIGN_IN_LOG_DAYS = 0
    browser.sign_in(JANE_BY_SSO)
    assert not SignInRecord.objects.exists()
    assert done(acme) == SAML_STEPS
