"""The pages of end users in a real browser: the way to the IdP and back, refusals by cause, and each page looked at by axe."""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from core_identity.values import Person
from tests.journeys.conftest import Customer, named, new_customer
from tests.journeys.test_another_user import POST
from tests.support.accessibility import assert_good_as_it_is, load_axe
from tests.support.cast import by_sso
from tests.support.saml import TestIdp
from tests.support.service import Service, running_idp

pytestmark = pytest.mark.browser
REFERENCE: Final = re.compile("^[2-9A-Z]{10}$")
HELP_DESK: Final = {
    "name": "Acme IT help desk",
    "email": "help@acme.test",
    "phone": "+44 20 7946 0000",
    "url": "https://help.acme.test/a-long-address-that-does-not-fit-on-a-telephone-without-a-break/tickets/new",
}


@pytest.fixture(scope="module")
def acme(service: Service, idp: TestIdp) -> Customer:
    """A customer with a help desk, whose people may start at the IdP. A second customer exists, so nobody is listed to strangers."""
    new_customer(service, idp)
    customer = new_customer(service, idp, saml={"idp_metadata": idp.metadata(), "idp_initiated": True})
    contact = {"customers": [{"name": customer.slug, "support": HELP_DESK}]}
    service.ask("connection", "apply", "-", stdin=json.dumps(contact))
    return customer


@pytest.fixture
def visitor(chromium: Browser, service: Service) -> Iterator[Page]:
    """A page of an empty profile. Each error or warning in its console fails the test; the status of a page that was asked for is none."""
    context = chromium.new_context(base_url=service.url)
    faults: list[str] = []

    def note(message: ConsoleMessage) -> None:
        refused = message.text.startswith("Failed to load resource: the server responded with a status of 4")
        if message.type in {"error", "warning"} and not (
            refused and not message.location["url"].endswith((".css", ".js", ".svg", ".ico"))
        ):
            faults.append(f"{message.text} {message.location['url']}")

    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", note)
    load_axe(context)
    yield context.new_page()
    context.close()
    assert not faults


def bring(page: Page, customer: Customer, person: Person, **changes: Any) -> None:
    """Post a signed message from a page of another site, as the tile of an IdP does."""
    page.goto("about:blank")
    claims = customer.idp.claims(by_sso(person), acs_url=customer.setup["acs_url"], request_id=None, **changes)
    with page.expect_navigation(url=lambda url: url != "about:blank"):
        page.evaluate(POST, [customer.setup["acs_url"], customer.idp.response(claims)])


def look(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.locator('link[rel="icon"]')).to_have_count(1)
    assert_good_as_it_is(page)


def test_an_address_leads_straight_to_the_idp_and_the_back_button_returns(
    service: Service, acme: Customer, window: BrowserContext, tmp_path: Path
) -> None:
    with running_idp(service, tmp_path, "straight-on") as url:
        with urllib.request.urlopen(f"{url}/metadata", timeout=10) as answer:
            section = {
                "idp_metadata": answer.read().decode(),
                "email_domains": [{"domain": "straight.test", "verified": True}],
            }
        described = {"slug": "straight-on", "name": "Straight Ltd", "customer": "Straight Holding", "saml": section}
        service.apply({"connections": [described]})
        page = window.new_page()
        for typed in ("Jane@STRAIGHT.test", "straight holding", "straight-on"):
            page.goto("/sign-in?next=/me")
            field = page.get_by_label("Your work email address")
            field.fill(typed)
            field.press("Enter")
            expect(page.get_by_role("button", name="Jane Doe")).to_be_visible()
            assert page.url.startswith(url)
            page.go_back()
            expect(page.get_by_label("Your work email address")).to_be_visible()
        page.get_by_label("Your work email address").fill("straight holding")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Jane Doe").click()
        expect(page.get_by_role("heading", name="Jane Doe")).to_be_visible()

        # Signed out, the browser remembers the way, and forgets it when it is asked to.
        page.locator("body > header").get_by_role("button", name="Sign out", exact=True).click()
        page.goto("/sign-in")
        expect(page.get_by_role("link", name="Continue with Straight Ltd")).to_be_visible()
        page.get_by_role("button", name="Forget on this device").click()
        expect(page.get_by_role("link", name="Continue with Straight Ltd")).to_have_count(0)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_each_page_on_the_way_is_accessible_in_any_window(visitor: Page, acme: Customer) -> None:
    page, slug = visitor, acme.slug
    page.goto("/sign-in")
    look(page, "Sign in")
    page.get_by_label("Your work email address").fill("<b>nobody</b>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("We do not know “<b>nobody</b>”")
    look(page, "Sign in")

    page.route(
        f"**/sso/{slug}/login*", lambda route: route.fulfill(status=204)
    )  # the page before it would be gone at once
    page.get_by_label("Your work email address").fill(slug)
    with page.expect_request(f"**/sso/{slug}/login*"):
        page.keyboard.press("Enter")
    look(page, "Continue to Acme Studios")
    page.unroute_all()

    bring(page, acme, named(slug))
    expect(page.get_by_role("heading", level=1)).to_have_text("Jane Doe")
    page.locator("body > header").get_by_role("button", name="Sign out", exact=True).click()
    page.goto("/sign-in")
    expect(page.get_by_role("link", name="Continue with Acme Studios")).to_be_visible()
    look(page, "Sign in")


def test_refusals_by_their_cause_show_what_to_do_and_whom_to_ask(
    visitor: Page, acme: Customer, picture: Callable[[Any, str], None]
) -> None:
    page, jane = visitor, named(f"refused-{acme.slug}")
    for person, changes, words in (
        (jane, {"audience": "https://other.test"}, "another try gives the same result"),
        (replace(jane, email=None), {}, "must correct what your identity provider sends about you"),
    ):
        bring(page, acme, person, **changes)
        expect(page.get_by_text(words)).to_be_visible()
        expect(page.get_by_role("link", name="Try again")).to_have_count(0)
        expect(page.get_by_role("link", name=HELP_DESK["email"])).to_have_attribute("href", "mailto:help@acme.test")
        expect(page.locator(".reference")).to_have_text(REFERENCE)
        look(page, "You could not be signed in")
    picture(page, "refused-with-contact")


def test_every_page_of_an_error_is_in_the_same_dress_and_accessible(visitor: Page, acme: Customer) -> None:
    page, slug = visitor, acme.slug
    for address, heading in (
        ("/nowhere", "Page not found"),
        ("/sso/nobody/login", "This sign-in address does not work"),
        (f"/sso/{slug}/acs", "No sign-in arrived"),
        (f"/sso/{slug}/logout?SAMLRequest=nonsense", "Nobody was signed out"),
        ("/sign-out", "This address cannot be opened like this"),
        ("/me", "You are not signed in"),
    ):
        page.goto(address)
        expect(page.locator(".reference")).to_have_text(REFERENCE)
        look(page, heading)
    page.goto("/sign-in")
    page.context.clear_cookies()
    page.get_by_label("Your work email address").fill("x")
    page.keyboard.press("Enter")
    expect(page.locator(".reference")).to_have_text(REFERENCE)
    look(page, "This form is out of date")


FILL: Final = """() => {
    const form = document.getElementById("login-form"), big = document.createElement("textarea");
    big.name = "big"; big.value = "x".repeat(9 * 1024 * 1024); big.hidden = true;
    form.append(big); form.noValidate = true; form.requestSubmit();
}"""


def test_too_much_and_too_often_are_refused_in_the_same_dress(visitor: Page, acme: Customer) -> None:
    page, name = visitor, f"guess-{acme.slug}"
    page.goto("/admin/login/")
    look(page, "Administration")
    with page.expect_navigation():
        page.evaluate(FILL)
    expect(page.locator(".reference")).to_have_text(REFERENCE)
    expect(page.get_by_text("send a smaller file or less text")).to_be_visible()
    look(page, "You sent too much at once")
    page.goto("/admin/login/")
    for _ in range(40):
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill("wrong")
        with page.expect_navigation():
            page.get_by_role("button", name="Sign in").click()
        if page.get_by_role("heading", level=1).inner_text() == "Try again later":
            break
    expect(page.get_by_role("alert")).to_contain_text("Too many passwords")
    expect(page.locator(".reference")).to_have_text(REFERENCE)
    expect(page.get_by_text("Try again", exact=True)).to_have_count(0)
    look(page, "Try again later")


def test_a_person_sees_their_sessions_and_signs_out_everywhere_by_the_keyboard(
    visitor: Page, acme: Customer, chromium: Browser
) -> None:
    page, jane = visitor, named(f"everywhere-{acme.slug}")
    elsewhere = chromium.new_context(base_url=acme.service.url)
    other = elsewhere.new_page()
    for one in (other, page):
        bring(one, acme, jane)
        expect(one.get_by_role("heading", level=1)).to_have_text("Jane Doe")
    page.reload()
    expect(page.get_by_role("rowheader", name="Acme Studios")).to_have_count(2)
    expect(page.get_by_text("this browser")).to_have_count(1)
    expect(page.get_by_role("link", name=HELP_DESK["email"])).to_be_visible()
    look(page, "Jane Doe")
    button = page.get_by_role("button", name="Sign out everywhere")
    for _ in range(20):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            break
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You are signed out in all browsers.")
    look(page, "Sign in")
    other.reload()
    expect(other.get_by_role("heading", level=1)).to_have_text("You are not signed in")
    elsewhere.close()
