"""A node whose own clock is ten minutes wrong: the clock of the database decides."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from core_identity.models import Connection
from sso.models import SignInState, UsedAssertion
from tests.sso.conftest import ACS, Browser
from tests.sso.test_attacks import JANE_BY_SSO
from tests.support.clock import node_clock_off, travel
from tests.support.saml import now

FAST, SLOW = timedelta(minutes=10), timedelta(minutes=-10)


def test_a_fast_node_forgets_no_used_assertion_and_refuses_nobody(browser: Browser, acme: Connection) -> None:
    acme.saml.idp_initiated = True
    acme.saml.save()
    message = browser.idp.response(browser.idp.claims(JANE_BY_SSO, acs_url=ACS, request_id=None))
    assert browser.follow(browser.post(message)).status_code == 200
    fresh = browser.idp.response(browser.idp.claims(JANE_BY_SSO, acs_url=ACS, request_id=None))
    answered = browser.idp.response(browser.said(JANE_BY_SSO))
    with node_clock_off(FAST):
        call_command("housekeeping")
        assert browser.me().status_code == 200, "the session goes on"
        assert browser.follow(browser.post(answered)).status_code == 200, "so does a sign-in that is under way"
        assert browser.follow(browser.post(fresh)).status_code == 200, "the times in a message are compared with it too"
    for browsing in (browser, Browser(browser.idp)):
        assert "(replay)" in browsing.post(message).content.decode()


@pytest.mark.parametrize("sent", ["assertion", "logout"])
def test_a_used_message_is_remembered_for_a_day(browser: Browser, acme: Connection, sent: str) -> None:
    from sso.sign_in_state import use_once

    if sent == "assertion":
        assert browser.come_back(JANE_BY_SSO).status_code == 303
    else:
        use_once(acme.saml, "logout _x", until=timezone.now())
    [used] = UsedAssertion.objects.all()
    assert used.until > timezone.now() + timedelta(hours=23, minutes=59)
    for later, left in ((timedelta(hours=23), 1), (timedelta(hours=25), 0)):
        with travel(now() + later):
            call_command("housekeeping")
        assert UsedAssertion.objects.count() == left


def test_a_slow_node_accepts_nothing_that_has_ended(browser: Browser) -> None:
    assert browser.follow(browser.come_back(JANE_BY_SSO)).status_code == 200
    waiting = browser.leave()
    old = browser.idp.response(browser.said(JANE_BY_SSO))
    ticket = browser.come_back(JANE_BY_SSO)["Location"]
    # Everything ended five minutes ago by the clock of the database; by the clock of the node it lasts five more.
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=5))
    SignInState.objects.update(expires_at=timezone.now() - timedelta(minutes=5))
    with node_clock_off(SLOW):
        assert browser.me().status_code == 401
        late = browser.idp.response(browser.said(JANE_BY_SSO, request_id=waiting))
        assert "(no_request)" in browser.post(late).content.decode()
        assert browser.http.get(ticket).status_code == 400
        assert "(no_request)" in browser.post(old).content.decode()
