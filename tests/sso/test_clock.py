"""A node whose own clock is ten minutes wrong: the clock of the database decides."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.utils import timezone

from core_identity.models import Connection, Session
from sso.models import SignInState, UsedAssertion
from sso.saml.expectations import MAX_AGE, MAX_SKEW, SKEW
from sso.sign_in.progress import USE_IS_KEPT
from tests.sso.attacks.attack import many, put
from tests.sso.attacks.claims import CONDITIONS, DATA
from tests.sso.conftest import ACS, Browser
from tests.sso.test_attacks import JANE_BY_SSO
from tests.support.clock import node_clock_off, travel
from tests.support.saml import Change, instant, now

FAST, SLOW = timedelta(minutes=10), timedelta(minutes=-10)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

WINDOWS = {
    "exactly 24 hours, by a clock 30 s fast": (timedelta(seconds=30), timedelta(), DAY),
    "LemonLDAP's default, a minute more on either side": (timedelta(), -MINUTE, DAY + MINUTE),
    "30 days, by a clock as fast as we allow": (SKEW - timedelta(seconds=10), -30 * DAY, 30 * DAY),
    "the rest of the calendar": (timedelta(), None, None),
}
"""Times that an IdP writes: how fast its clock is, and the window from there."""


def test_a_fast_node_forgets_no_used_assertion_and_refuses_nobody(browser: Browser, acme: Connection) -> None:
    acme.saml.idp_initiated = True
    acme.saml.save()
    message = browser.idp.response(browser.idp.claims(JANE_BY_SSO, acs_url=ACS, request_id=None))
    assert browser.follow(browser.post(message)).status_code == 200
    fresh = browser.idp.response(browser.idp.claims(JANE_BY_SSO, acs_url=ACS, request_id=None))
    answered = browser.idp.response(browser.claims(JANE_BY_SSO))
    with node_clock_off(FAST):
        call_command("housekeeping")
        assert browser.me().status_code == 200, "the session goes on"
        assert browser.follow(browser.post(answered)).status_code == 200, "so does a sign-in that is under way"
        assert browser.follow(browser.post(fresh)).status_code == 200, "the times in a message are compared with it too"
    for browsing in (browser, Browser(browser.idp)):
        assert "(replay)" in browsing.post(message).content.decode()


@pytest.mark.parametrize("sent", ["assertion", "logout"])
def test_a_used_message_is_remembered_for_a_day(browser: Browser, acme: Connection, sent: str) -> None:
    from sso.sign_in.progress import use_once

    if sent == "assertion":
        assert browser.come_back(JANE_BY_SSO).status_code == 303
    else:
        use_once(acme.saml, "logout _x")
    [used] = UsedAssertion.objects.all()
    assert used.until > timezone.now() + timedelta(hours=23, minutes=59)
    for later, left in ((timedelta(hours=23), 1), (timedelta(hours=25), 0)):
        with travel(now() + later):
            call_command("housekeeping")
        assert UsedAssertion.objects.count() == left


def test_a_slow_node_accepts_nothing_that_has_ended(browser: Browser) -> None:
    assert browser.follow(browser.come_back(JANE_BY_SSO)).status_code == 200
    waiting = browser.leave()
    old = browser.idp.response(browser.claims(JANE_BY_SSO))
    ticket = browser.come_back(JANE_BY_SSO)["Location"]
    # Everything ended five minutes ago by the clock of the database; by the clock of the node it lasts five more.
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=5))
    SignInState.objects.update(expires_at=timezone.now() - timedelta(minutes=5))
    with node_clock_off(SLOW):
        assert browser.me().status_code == 401
        late = browser.idp.response(browser.claims(JANE_BY_SSO, request_id=waiting))
        assert "(no_request)" in browser.post(late).content.decode()
        assert browser.http.get(ticket).status_code == 400
        assert "(no_request)" in browser.post(old).content.decode()


def windows_of(since: timedelta | None, until: timedelta | None, *, issued: timedelta) -> Change:
    """Write one window into the Conditions and, without its beginning, into the confirmation."""
    start = "0001-01-01T00:00:00Z" if since is None else instant(now() + issued + since)
    end = "9999-12-31T23:59:59.999Z" if until is None else instant(now() + issued + until)
    return many(
        put(CONDITIONS, "NotBefore", start), put(CONDITIONS, "NotOnOrAfter", end), put(DATA, "NotOnOrAfter", end)
    )


def test_a_message_with_a_long_window_opens_once_and_is_not_remembered_for_long(
    browser: Browser, acme: Connection, settings: LazySettings
) -> None:
    """Its age refuses it long before its use is forgotten, so the window decides neither."""
    settings.SIGN_IN_FAILURES_PER_MINUTE = 1000
    acme.saml.idp_initiated = True
    acme.saml.save()
    messages = {}
    for name, (issued, since, until) in WINDOWS.items():
        claims = browser.idp.claims(JANE_BY_SSO, acs_url=ACS, request_id=None, issued=issued)
        message = browser.idp.response(claims, before=windows_of(since, until, issued=issued))
        answer = browser.post(message)
        assert answer.status_code == 303, (name, answer.content.decode())
        messages[name] = message
    assert {used.until <= timezone.now() + DAY for used in UsedAssertion.objects.all()} == {True}
    for later, left in (
        (MINUTE, 4),
        (11 * MINUTE, 4),
        (14 * MINUTE, 4),
        (23 * 60 * MINUTE, 4),
        (25 * 60 * MINUTE, 0),
        (29 * DAY, 0),
    ):
        with travel(now() + later):
            call_command("housekeeping")
            assert UsedAssertion.objects.count() == left
            for name, message in messages.items():
                page = Browser(browser.idp).post(message).content.decode()
                codes = {"(replay)"} if later == MINUTE else {"(replay)", "(too_late)"} if left else {"(too_late)"}
                assert [code for code in codes if code in page], (name, later, page)


def test_a_use_is_remembered_for_longer_than_any_age_that_is_accepted() -> None:
    """The IdP's clock may be fast by the greatest tolerance at the first use, and the tolerance holds once more at the last."""
    assert MAX_AGE + 2 * MAX_SKEW < USE_IS_KEPT
