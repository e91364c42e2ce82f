"""An administrator finds out from the logs what the identity provider sent, what failed and why, in few clicks (R35)."""

from typing import Final

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.journeys.conftest import CORE_USER, Customer
from tests.support.accessibility import assert_good_for_everybody

pytestmark = pytest.mark.browser
LIST: Final = "/admin/scim/provisioningrecord/"


def test_a_failed_push_of_the_last_hour_is_two_clicks_away_with_its_remedy_R35(
    desk: BrowserContext, busy: Customer
) -> None:
    hostile = "<script>document.title='owned'</script>" + "x" * 300
    busy.okta().http.post(
        "/Users", json={"schemas": [CORE_USER], "userName": hostile, "active": hostile, "password": "hunter2"}
    )
    page = desk.pages[0]
    page.goto(f"{LIST}?connection={busy.slug}&outcome=failed")
    page.get_by_role("link", name="last hour").click()
    page.locator("#result_list tbody tr", has_text="the email belongs to somebody else").get_by_role(
        "link"
    ).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("POST /Users refused: the email belongs to somebody else")
    expect(page.get_by_text("How to fix this:")).to_be_visible()
    expect(page.get_by_role("link", name="Decide this conflict")).to_be_visible()
    page.get_by_text("As a command for a shell").click()
    page.get_by_role("button", name="Copy as curl").click()
    expect(
        page.get_by_role("button", name="Selected: press Ctrl+C").or_(page.get_by_role("button", name="Copied"))
    ).to_be_visible()
    detail = page.url
    page.goto(f"{LIST}?connection={busy.slug}&outcome=failed")
    page.locator("#result_list tbody tr", has_text="a value is not acceptable").get_by_role("link").first.click()
    assert "owned" not in page.title()
    for address in (detail, page.url):
        assert_good_for_everybody(page, address)


def test_a_refused_sign_in_shows_its_person_and_its_conflict_R35(desk: BrowserContext, busy: Customer) -> None:
    page = desk.pages[0]
    page.goto(f"/admin/sso/signinrecord/?connection={busy.slug}&outcome=in")
    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign-in: signed in")
    assert_good_for_everybody(page)


def test_a_filter_suggests_a_connection_by_a_part_of_its_name(desk: BrowserContext, customer: Customer) -> None:
    page = desk.pages[0]
    for address in (LIST, "/admin/core_identity/user/all-drift/"):
        page.goto(address)
        field = page.locator("input[name=connection]:not([type=hidden])")
        name = page.locator(f"datalist option[value='{customer.slug}']")
        expect(name).to_have_count(0)
        field.press_sequentially(customer.slug[2:])
        expect(name).to_have_count(1)
        field.fill(customer.slug)
        field.press("Enter")
        page.wait_for_url(f"**connection={customer.slug}**")
        assert_good_for_everybody(page, address)
