"""The page of a refused sign-in: what happened, what to do, whom to ask. Strangers learn no contact, and nobody is offered a try that cannot help."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Final

import pytest

import sso.settings.changes
from core_identity import errors
from core_identity.errors import SettingsErrors
from core_identity.models import Connection, Customer, User
from core_identity.policy.expiry import Bar
from core_identity.services.customers import set_support_contact
from core_identity.services.expiry import expire
from core_identity.write_guard import service_writes
from sso.saml.refusals import Code
from sso.sign_in.choices import COOKIE
from sso.sign_in.refusal_advice import ADVICE, BARS, advice_for
from sso.sign_in.remedies import REMEDIES
from tests.sso.conftest import ACS, Browser
from tests.support.cast import ADMIN, JANE, ZOE, by_sso, make_connection
from tests.support.saml import TestIdp

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

HELP_DESK: Final = {
    "name": "Help & more",
    "email": "help+core?bcc=x@acme.test",
    "phone": "+44 (20) 7946 0000",
    "url": "https://help.acme.test/?a=1&b=2",
}


@pytest.fixture
def acme(acme: Connection) -> Connection:
    set_support_contact(actor=ADMIN, customer_id=acme.customer_id, contact=HELP_DESK)
    return acme


def text(answer: "Answer") -> str:
    return unescape(answer.content.decode())


def shows_contact(answer: "Answer") -> bool:
    shown = {value in text(answer) for value in HELP_DESK.values()}
    assert len(shown) == 1, "all of the contact, or nothing of it"
    return shown.pop()


def may_retry(answer: "Answer") -> bool:
    return "Try again" in answer.content.decode()


# Every code is decided


def codes_of(base: type[errors.IdentityError]) -> Iterator[str]:
    """Yield the code of each error that a service raises; SCIM has others of its own."""
    yield base.code
    for kind in base.__subclasses__():
        if kind.__module__.startswith("core_identity."):
            yield from codes_of(kind)


def test_each_refusal_is_decided_by_the_table() -> None:
    of_pages = {"our_fault", "too_many_requests", "too_many_sign_ins"}
    known = {str(code) for code in Code} | set(codes_of(errors.IdentityError)) | of_pages
    assert SettingsErrors.code in known
    assert set(REMEDIES) - {"logout_refused"} <= known
    assert {str(code) for code in ADVICE} == known
    assert set(BARS) == {bar.value for bar in Bar}


def test_a_refusal_that_the_table_does_not_know_offers_no_other_try() -> None:
    assert not advice_for("invented").may_retry


def test_another_try_is_offered_only_where_something_else_can_happen() -> None:
    assert {str(code) for code, advice in ADVICE.items() if advice.may_retry} == {
        "status", "in_response_to", "too_late", "authn_context", "replay", "no_request", "other_browser", "unsolicited",
        "our_fault", "too_many_requests", "too_many_sign_ins", "busy", "try_again",
    }  # fmt: skip
    assert not [reason for reason, advice in BARS.items() if advice.may_retry]


# What strangers see


def test_a_stranger_who_knows_a_slug_does_not_learn_the_contact(browser: Browser, stranger: TestIdp) -> None:
    forged = stranger.response(browser.claims(by_sso(JANE)))
    for message in ("", "x", "<a/>", forged, "PHg+"):
        answer = browser.post(message)
        assert answer.status_code == 400
        assert not shows_contact(answer)
        assert "Ask the IT department of Acme" in text(answer)
    browser.http.cookies[COOKIE] = "acme"
    assert not shows_contact(browser.post(forged)), "a cookie that we did not sign"
    for path in (
        "/sign-in?connection=acme",
        "/sso/acme/login",
        "/sso/acme/acs",
        "/sso/acme/logout",
        "/sso/acme/metadata",
    ):
        assert not shows_contact(browser.http.get(path))
    assert not shows_contact(browser.http.post("/sign-in", {"connection": "acme"}))


def test_the_contact_of_another_customer_is_never_shown(browser: Browser, acme: Connection, idp: TestIdp) -> None:
    globex = make_connection("globex", customer="Globex")
    sso.settings.changes.apply(globex, {"idp_metadata": idp.metadata()}, base_dir=None)
    browser.sign_in(by_sso(JANE))
    browser.http.post("/sign-out")
    assert not shows_contact(browser.post("x", slug="globex"))
    assert not shows_contact(browser.come_back(by_sso(ZOE, email=None), slug="globex"))
    assert shows_contact(browser.post("x", slug="acme"))


# What people see


def test_a_person_whom_the_idp_vouches_for_reads_what_to_do_and_whom_to_ask(browser: Browser) -> None:
    answer = browser.come_back(by_sso(JANE, email=None))
    assert answer.status_code == 403
    assert shows_contact(answer)
    assert not may_retry(answer)
    page = text(answer)
    assert page.index("What to do") < page.index("Whom to ask") < page.index(answer["X-Request-Id"])
    assert "Your IT department must correct what your identity provider sends about you." in page


def test_a_signed_message_for_another_service_offers_no_other_try(browser: Browser) -> None:
    answer = browser.come_back(by_sso(JANE), audience="https://other.test")
    assert answer.status_code == 400
    assert shows_contact(answer)
    assert not may_retry(answer)


def test_an_expired_person_reads_what_to_do_and_is_not_sent_in_a_circle(browser: Browser) -> None:
    browser.sign_in(by_sso(JANE))
    expire(actor=ADMIN, user_id=User.objects.get().pk, reason="left")
    answer = browser.come_back(by_sso(JANE))
    assert not may_retry(answer)
    assert "An administrator can give it back to you." in text(answer)
    assert "left" not in text(answer).split("<main ")[1], "the reason is for administrators"


def test_staff_are_led_to_the_door_that_opens(browser: Browser) -> None:
    browser.sign_in(by_sso(JANE))
    with service_writes():
        User.objects.update(is_staff=True)
    answer = browser.come_back(by_sso(JANE))
    assert 'href="/admin/login/"' in answer.content.decode()
    assert not may_retry(answer)


def test_a_sign_in_that_took_too_long_may_be_tried_again(browser: Browser) -> None:
    answer = browser.come_back(by_sso(JANE), not_on_or_after=timedelta(minutes=-10))
    assert may_retry(answer)
    assert 'href="/sso/acme/login"' in answer.content.decode()


def test_no_value_of_a_contact_becomes_markup_or_a_header_of_a_mail(browser: Browser, acme: Connection) -> None:
    page = browser.come_back(by_sso(JANE, email=None)).content.decode()
    assert "Help &amp; more" in page
    assert 'href="mailto:help%2Bcore%3Fbcc%3Dx@acme.test"' in page
    assert 'href="tel:+442079460000"' in page
    assert 'href="https://help.acme.test/?a=1&amp;b=2" rel="noreferrer"' in page
    with service_writes():  # as if every check had failed
        Customer.objects.update(support_name='"><script>alert(1)</script>', support_email='"><img src=x>@acme.test')
    page = browser.come_back(by_sso(JANE, email=None)).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_a_customer_without_a_contact_is_named(browser: Browser, acme: Connection) -> None:
    set_support_contact(actor=ADMIN, customer_id=acme.customer_id, contact={})
    page = text(browser.come_back(by_sso(JANE, email=None)))
    assert re.search(r"Ask the IT department of Acme,\s+or an administrator of CORE", page)


def test_a_message_that_was_sent_again_after_a_finished_sign_in_leads_on(browser: Browser) -> None:
    message = browser.idp.response(browser.idp.claims(by_sso(JANE), acs_url=ACS, request_id=browser.leave()))
    browser.follow(browser.post(message))
    page = text(browser.post(message))
    assert "You are signed in already" in page
    assert "Try again" not in page
