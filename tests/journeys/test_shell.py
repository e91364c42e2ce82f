"""The shell of the administration as people use it: looked at by axe, on a telephone, in the dark, and with the keyboard only."""

import secrets
from collections.abc import Iterator
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.conftest import Customer, named, new_customer
from tests.support.saml import TestIdp
from tests.support.service import Service

pytestmark = pytest.mark.browser
AXE: Final = {"resultTypes": ["violations"], "preload": False}
WIDTHS: Final = (1280, 390, 320)
"""A desk, a telephone, and the width at which nothing may scroll sideways (WCAG 1.4.10)."""


@pytest.fixture(scope="module")
def acme(service: Service, idp: TestIdp) -> Customer:
    """A customer with a person, a group that gives no role, a conflict, and a refused sign-in."""
    customer = new_customer(service, idp)
    okta = customer.okta()
    person = named(customer.slug)
    pushed = okta.push(person)
    okta.push_group("Archivists", pushed["id"])
    assert customer.sign_in(person).status_code == 200
    name = f"zoe.{customer.slug}"
    email = [{"value": person.email, "primary": True}]
    assert okta.http.post("/Users", json={"schemas": [CORE_USER], "userName": name, "emails": email}).status_code == 409
    return customer


CORE_USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"


@pytest.fixture
def chief(service: Service) -> tuple[str, str]:
    """An administrator of this journey only: the name and the password."""
    name = f"chief-{secrets.token_hex(4)}"
    return name, service.add_administrator(name)


@pytest.fixture(params=["light", "dark"])
def desk(
    request: pytest.FixtureRequest, chromium: Browser, service: Service, chief: tuple[str, str]
) -> Iterator[BrowserContext]:
    """An administrator's browser. An error or warning in the console of the browser fails the journey."""
    context = chromium.new_context(
        base_url=service.url, color_scheme=request.param, viewport={"width": 1280, "height": 900}
    )
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    page = context.new_page()
    page.goto("/admin/")
    assert_accessible(page)
    page.get_by_label("Username").fill(chief[0])
    page.get_by_label("Password").fill(chief[1])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name=f"Hello, {chief[0]}")).to_be_visible()
    yield context
    context.close()
    assert not faults


def assert_accessible(page: Page) -> None:
    found: list[dict[str, Any]] = Axe().run(page, options=AXE).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == [], page.url


def assert_nothing_scrolls_sideways(page: Page) -> None:
    """Name the elements that are wider than the window, if the page is."""
    too_wide = page.evaluate(
        """document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("main *")]
            .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.outerHTML.slice(0, 200))"""
    )
    assert too_wide == [], page.url


def test_the_pages_of_the_shell_are_accessible_at_each_width(desk: BrowserContext, acme: Customer) -> None:
    page = desk.pages[0]
    for path in (
        "/admin/", "/admin/search/?q=acme", "/admin/core_identity/connection/waiting-groups/", "/admin/core_identity/connection/unmapped-groups/",
        "/admin/core_identity/user/all-drift/", "/admin/core_identity/user/accept-drift/", "/admin/core_identity/user/reactivations/",
        "/admin/core_identity/user/mismatches/", "/admin/core_identity/user/refused/", "/admin/core_identity/conflict/decide-many/?all=1",
        "/admin/search/?q=nothing-has-this-name", "/admin/core_identity/user/",
        "/admin/core_identity/conflict/", "/admin/scim/provisioningrecord/", "/admin/sso/signinrecord/", "/admin/core_identity/event/",
    ):  # fmt: skip
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(path)
            assert_nothing_scrolls_sideways(page)
            assert_accessible(page)


def test_the_search_box_leads_from_any_page_to_a_person(desk: BrowserContext, acme: Customer) -> None:
    person = named(acme.slug)
    page = desk.pages[0]
    page.goto("/admin/core_identity/role/")
    page.get_by_role("searchbox", name="Search").fill(str(person.uid))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Jane Doe")
    expect(page.get_by_text(str(person.user_name)).first).to_be_visible()


def test_a_number_on_home_leads_to_its_list(desk: BrowserContext, acme: Customer) -> None:
    page = desk.pages[0]
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Home").click()
    page.locator(".core-number", has_text="SCIM calls").get_by_role("link", name="failed").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Provisioning log")
    expect(page.locator("#result_list tbody tr").first).to_contain_text("409")


def test_on_a_telephone_the_navigation_is_a_menu_that_the_keyboard_opens(desk: BrowserContext, acme: Customer) -> None:
    page = desk.pages[0]
    page.set_viewport_size({"width": 390, "height": 800})
    navigation = page.get_by_role("navigation", name="Main")
    expect(navigation).to_be_hidden()
    menu = page.get_by_role("button", name="Menu")
    menu.focus()
    page.keyboard.press("Enter")
    expect(navigation).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(navigation).to_be_hidden()
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    navigation.get_by_role("link", name="Connections", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Connections")
    expect(navigation).to_be_hidden()


def test_the_pages_of_end_users_are_accessible_at_each_width(
    chromium: Browser, service: Service, acme: Customer
) -> None:
    for scheme in ("light", "dark"):
        context = chromium.new_context(base_url=service.url, color_scheme=scheme)
        page = context.new_page()
        for path in ("/sign-in", "/nowhere", "/me", f"/sso/{acme.slug}/acs", f"/sso/{acme.slug}/logout"):
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                page.goto(path)
                assert_nothing_scrolls_sideways(page)
                assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgba(0, 0, 0, 0)", path
                assert_accessible(page)
        context.close()
