"""A sign-in that nobody at the browser requested, while another user is signed in: only the person at the browser can change the user."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from core_identity.models import Connection, Session, User
from core_identity.services.connections import switch_off
from core_identity.services.expiry import expire
from core_identity.services.users import create_user
from core_identity.values import Person
from tests.sso.conftest import ACS, Browser
from tests.support.cast import ADMIN, COMMAND, JANE, ZOE, by_sso
from tests.support.clock import travel
from tests.support.saml import TestIdp, now, request_in

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

JANE_BY_SSO = by_sso(JANE)
BOB_BY_SSO = by_sso(replace(ZOE, uid="bob.roe", user_name="bob.roe@acme.test", email="bob.roe@acme.test"))
FINISH = "/sso/acme/finish"


@pytest.fixture(autouse=True)
def tile(acme: Connection) -> None:
    """Okta's dashboard has a tile of this connection."""
    acme.saml.idp_initiated = True
    acme.saml.save()


@pytest.fixture
def at_janes(browser: Browser) -> Browser:
    """The browser in which Jane is signed in."""
    browser.sign_in(JANE_BY_SSO)
    browser.http.handler.enforce_csrf_checks = True  # as a real server does; the ACS is exempt
    return browser


def by_tile(browser: Browser, person: Person) -> "Answer":
    """Bring a sign-in that began at the IdP, and follow it as far as it goes by itself."""
    message = browser.idp.response(browser.idp.claims(person, acs_url=ACS, request_id=None))
    return browser.follow(browser.post(message))


def by_link(browser: Browser, person: Person, site: str | None) -> "Answer":
    """Follow a link to our sign-in page. ``site`` is the browser's header about the place of the link; None without the header."""
    away = browser.http.get("/sso/acme/login", headers={"sec-fetch-site": site} if site else {})
    request_id = str(request_in(away["Location"]).get("ID"))
    return browser.follow(browser.come_back(person, request_id=request_id))


def fields_of(page: "Answer") -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', page.content.decode()))


def press(browser: Browser, page: "Answer", button: str) -> "Answer":
    return browser.http.post(FINISH, {**fields_of(page), button: ""})


def whose(browser: Browser) -> str | None:
    answer = browser.me()
    return answer.json()["username"] if answer.status_code == 200 else None


def test_the_page_names_the_present_and_the_new_user_and_nothing_happens_yet(at_janes: Browser) -> None:
    page = by_tile(at_janes, BOB_BY_SSO)
    text = page.content.decode()
    assert page.status_code == 200
    assert "Continue as Zoë Müller (bob.roe@acme.test)" in text
    assert "Stay signed in as Jane Doe (jane.doe@acme.test)" in text
    assert "no-store" in page["Cache-Control"]
    assert whose(at_janes) == "jane.doe@acme.test"


def test_continuing_replaces_the_session_and_ends_the_old_one(at_janes: Browser) -> None:
    before = str(at_janes.http.session.session_key)
    answer = press(at_janes, by_tile(at_janes, BOB_BY_SSO), "go_on")
    assert (answer.status_code, answer["Location"]) == (302, "/me")
    assert whose(at_janes) == "bob.roe@acme.test"
    assert not Session.objects.filter(session_key=before).exists()


def test_keeping_the_session_uses_the_ticket_up(at_janes: Browser) -> None:
    page = by_tile(at_janes, BOB_BY_SSO)
    assert press(at_janes, page, "stay")["Location"] == "/me"
    assert press(at_janes, page, "go_on")["Location"] == "/me"
    assert whose(at_janes) == "jane.doe@acme.test"


def test_the_same_user_and_a_signed_out_browser_continue_without_a_question(browser: Browser) -> None:
    for _ in range(2):
        assert by_tile(browser, JANE_BY_SSO).request["PATH_INFO"] == "/me"
    assert whose(browser) == "jane.doe@acme.test"


def test_a_sign_in_that_began_in_this_browser_was_asked_for(at_janes: Browser) -> None:
    at_janes.sign_in(BOB_BY_SSO)
    assert whose(at_janes) == "bob.roe@acme.test"


@pytest.mark.parametrize("site", ["none", None])
def test_a_sign_in_by_bookmark_is_not_questioned(at_janes: Browser, site: str | None) -> None:
    assert by_link(at_janes, BOB_BY_SSO, site).request["PATH_INFO"] == "/me"
    assert whose(at_janes) == "bob.roe@acme.test"


def test_a_staff_user_who_is_signed_in_by_password_is_asked_too(browser: Browser) -> None:
    browser.http.force_login(create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True))
    page = by_tile(browser, BOB_BY_SSO)
    assert "Stay signed in as boss" in page.content.decode()
    assert whose(browser) == "boss"


def test_the_question_and_the_answer_take_a_constant_number_of_queries(
    at_janes: Browser, django_assert_max_num_queries: Any
) -> None:
    answer = at_janes.post(at_janes.idp.response(at_janes.idp.claims(BOB_BY_SSO, acs_url=ACS, request_id=None)))
    with django_assert_max_num_queries(6):
        page = at_janes.http.get(answer["Location"])
    with django_assert_max_num_queries(22):
        press(at_janes, page, "go_on")


# Attacks


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_of_a_foreign_page_to_a_strangers_idp_is_asked_about(at_janes: Browser, site: str) -> None:
    """Every customer's IdP can sign any name: a link that leads there would make the visitor one of its people."""
    page = by_link(at_janes, BOB_BY_SSO, site)
    assert "Continue as Zoë Müller (bob.roe@acme.test)" in page.content.decode()
    assert whose(at_janes) == "jane.doe@acme.test"
    assert by_link(at_janes, JANE_BY_SSO, site).request["PATH_INFO"] == "/me", "a bookmark app of Okta is such a link"


def test_the_sign_in_of_the_administration_asks_the_same_question(browser: Browser) -> None:
    """It leads to no other sign-in. If one begins here anyway, the page asks the person."""
    boss = create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True)
    boss.set_password("correct horse battery staple")
    boss.save()
    form_data = {"username": "boss", "password": "correct horse battery staple"}
    place = browser.http.post("/admin/login/?next=/sso/acme/login", form_data)["Location"]
    assert place == "/me"
    assert "Stay signed in as boss" in by_link(browser, BOB_BY_SSO, "same-origin").content.decode()
    assert whose(browser) == "boss"


def test_the_button_of_our_sign_in_page_was_asked_for(browser: Browser) -> None:
    """Somebody else signed in meanwhile, in another tab; the page is shown to nobody who is signed in."""
    away = browser.http.get("/sso/acme/login", headers={"sec-fetch-site": "same-origin"})
    browser.sign_in(JANE_BY_SSO)
    browser.follow(browser.come_back(BOB_BY_SSO, request_id=str(request_in(away["Location"]).get("ID"))))
    assert whose(browser) == "bob.roe@acme.test"


def test_a_sign_in_cannot_lead_to_another_sign_in(at_janes: Browser) -> None:
    """After the button it would look as if the person had asked for it: our own page sent the browser there."""
    message = at_janes.idp.response(at_janes.idp.claims(BOB_BY_SSO, acs_url=ACS, request_id=None))
    page = at_janes.follow(at_janes.post(message, RelayState="/sso/acme/login"))
    assert press(at_janes, page, "go_on")["Location"] == "/me"


@pytest.mark.parametrize("forged", ["", "0" * 64])
def test_a_foreign_page_cannot_answer_for_the_person(at_janes: Browser, forged: str) -> None:
    fields = fields_of(by_tile(at_janes, BOB_BY_SSO))
    form_data = {"ticket": fields["ticket"], "csrfmiddlewaretoken": forged, "go_on": ""}
    assert at_janes.http.post(FINISH, form_data).status_code == 403
    foreign = at_janes.http.post(FINISH, {**fields, "go_on": ""}, headers={"origin": "https://evil.test"})
    assert foreign.status_code == 403
    assert whose(at_janes) == "jane.doe@acme.test"


def test_loading_the_page_again_only_asks_again(at_janes: Browser) -> None:
    page = by_tile(at_janes, BOB_BY_SSO)
    ticket = {"ticket": fields_of(page)["ticket"]}
    for extra in ({}, {"go_on": ""}, {"stay": ""}):
        again = at_janes.http.get(FINISH, {**ticket, **extra})
        assert "Continue as Zoë Müller (bob.roe@acme.test)" in again.content.decode()
    press(at_janes, page, "go_on")
    assert whose(at_janes) == "bob.roe@acme.test"


def test_the_ticket_opens_nothing_a_second_time(at_janes: Browser) -> None:
    page = by_tile(at_janes, BOB_BY_SSO)
    press(at_janes, page, "go_on")
    at_janes.sign_in(JANE_BY_SSO)
    at_janes.http.handler.enforce_csrf_checks = False
    for answer in (press(at_janes, page, "go_on"), at_janes.http.get(FINISH, {"ticket": fields_of(page)["ticket"]})):
        assert answer["Location"] == "/me"
    assert whose(at_janes) == "jane.doe@acme.test"


def test_another_browser_has_no_use_for_the_ticket(at_janes: Browser, idp: TestIdp) -> None:
    page = by_tile(at_janes, BOB_BY_SSO)
    thief = Browser(idp)
    thief.leave()
    assert press(thief, page, "go_on").status_code == 400
    assert whose(thief) is None


def test_a_page_that_was_left_open_for_long_opens_nothing(at_janes: Browser) -> None:
    page = by_tile(at_janes, BOB_BY_SSO)
    with travel(now() + timedelta(minutes=16)):
        assert press(at_janes, page, "go_on")["Location"] == "/me"
        assert whose(at_janes) == "jane.doe@acme.test"


def test_a_user_who_was_expired_meanwhile_is_not_let_in_R21(at_janes: Browser) -> None:
    page = by_tile(at_janes, BOB_BY_SSO)
    expire(actor=ADMIN, user_id=User.objects.get(username="bob.roe@acme.test").pk, reason="left")
    refused = press(at_janes, page, "go_on")
    assert (refused.status_code, "You no longer have access to CORE." in refused.content.decode()) == (403, True)
    assert whose(at_janes) == "jane.doe@acme.test", "nor is anybody else thrown out for it"


def test_a_connection_that_was_switched_off_meanwhile_opens_nothing_R1a(at_janes: Browser, acme: Connection) -> None:
    page = by_tile(at_janes, BOB_BY_SSO)
    switch_off(actor=ADMIN, connection_id=acme.pk, reason="moved")
    assert press(at_janes, page, "go_on").status_code == 404
    assert at_janes.http.get(FINISH, {"ticket": fields_of(page)["ticket"]}).status_code == 404
    assert whose(at_janes) is None, "switching off ended Jane's session, too"


def test_the_form_is_worth_nothing_once_somebody_else_signed_in_here(at_janes: Browser) -> None:
    """The page named Jane as the user to be replaced, so it does not replace a later user."""
    page = by_tile(at_janes, BOB_BY_SSO)
    at_janes.sign_in(by_sso(ZOE))
    assert press(at_janes, page, "go_on").status_code == 403
    assert whose(at_janes) == "zoë.müller@acme.test"
