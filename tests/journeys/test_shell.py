"""The shell of the administration as people use it: looked at by axe, on a telephone, in the dark, and with the keyboard only."""

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.journeys.conftest import Customer, named
from tests.support.accessibility import assert_accessible, assert_good_for_everybody
from tests.support.service import Service

pytestmark = pytest.mark.browser


def test_the_pages_of_the_shell_are_accessible_at_each_width(desk: BrowserContext, busy: Customer) -> None:
    """A page of each kind; `test_every_page` looks at all the others."""
    page = desk.pages[0]
    for path in (
        "/admin/", "/admin/search/?q=acme", "/admin/search/?q=nothing-has-this-name", "/admin/core_identity/connection/waiting-groups/",
        "/admin/core_identity/user/", "/admin/core_identity/conflict/decide-many/?all=1", "/admin/scim/provisioningrecord/",
    ):  # fmt: skip
        assert_good_for_everybody(page, path)


def test_forms_with_a_search_or_a_picker_are_accessible_also_when_it_is_open(
    desk: BrowserContext, busy: Customer
) -> None:
    page = desk.pages[0]
    page.goto("/admin/core_identity/connection/")
    connection = page.get_by_role("row", name=busy.slug).get_by_role("link").first.get_attribute("href")
    assert connection is not None
    for path in (connection.replace("overview", "change"), "/admin/core_identity/user/add/"):
        assert_good_for_everybody(page, path)
    page.get_by_role("combobox", name="Customer").click()
    expect(page.get_by_role("searchbox", name="Search: Customer")).to_be_focused()
    expect(page.get_by_role("option").first).to_be_visible()
    assert_accessible(page)


def test_the_search_box_leads_from_any_page_to_a_person(desk: BrowserContext, busy: Customer) -> None:
    person = named(busy.slug)
    page = desk.pages[0]
    page.goto("/admin/core_identity/role/")
    page.get_by_role("searchbox", name="Search").fill(str(person.uid))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Jane Doe")
    expect(page.get_by_text(str(person.user_name)).first).to_be_visible()


def test_a_number_on_home_leads_to_its_list(desk: BrowserContext, busy: Customer) -> None:
    page = desk.pages[0]
    page.goto("/admin/core_identity/role/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Home").click()
    page.locator(".core-number", has_text="SCIM requests").get_by_role("link", name="failed").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Provisioning log")
    expect(page.locator("#result_list tbody tr").first).to_contain_text("409")


def test_on_a_telephone_the_navigation_is_a_menu_that_the_keyboard_opens(desk: BrowserContext, busy: Customer) -> None:
    page = desk.pages[0]
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/admin/")
    navigation = page.get_by_role("navigation", name="Main")
    expect(navigation).to_be_hidden()
    menu = page.get_by_role("button", name="Menu")
    menu.focus()
    page.keyboard.press("Enter")
    expect(navigation).to_be_visible()
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert_accessible(page)
    page.keyboard.press("Escape")
    expect(navigation).to_be_hidden()
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    navigation.get_by_role("link", name="Connections", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Connections")
    expect(navigation).to_be_hidden()


def test_on_a_telephone_the_filters_are_folded_and_the_keyboard_opens_them(
    desk: BrowserContext, busy: Customer
) -> None:
    page = desk.pages[0]
    for address, choice in (
        ("/admin/scim/provisioningrecord/?outcome=failed", page.get_by_role("link", name="last hour")),
        ("/admin/core_identity/user/all-drift/", page.get_by_label("Customer")),
    ):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(address)
        summary = page.locator("summary", has_text="Filters")
        expect(summary).to_be_hidden()
        expect(choice).to_be_visible()
        page.set_viewport_size({"width": 390, "height": 800})
        expect(choice).to_be_hidden()
        summary.focus()
        page.keyboard.press("Enter")
        expect(choice).to_be_visible()
        assert_accessible(page)
    page.goto("/admin/scim/provisioningrecord/?outcome=failed")
    expect(page.locator("summary", has_text="Filters")).to_have_text("Filters: outcome failed")


def test_the_pages_of_end_users_are_accessible_at_each_width(
    chromium: Browser, service: Service, busy: Customer
) -> None:
    context = chromium.new_context(base_url=service.url)
    page = context.new_page()
    for path in ("/sign-in", "/nowhere", "/me", f"/sso/{busy.slug}/acs", f"/sso/{busy.slug}/logout"):
        assert_good_for_everybody(page, path)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgba(0, 0, 0, 0)", path
    context.close()
