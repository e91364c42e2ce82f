"""An administrator reads the story of a person, who gave a role and why, and ends the sessions. Clicks are counted (R32, R36)."""

import re
import secrets
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.conftest import Customer, named
from tests.support.accessibility import assert_good_for_everybody
from tests.support.clicks import Clicks, find
from tests.support.service import Service

pytestmark = pytest.mark.browser
Picture = Callable[[Any, str], None]


def name_of(page: Page) -> str:
    """Return the name of the administrator in the header."""
    found = re.search(r"chief-[0-9a-f]+", page.locator("#user-tools").inner_text())
    assert found
    return found[0]


def give(page: Page, role: str, reason: str) -> None:
    page.get_by_role("link", name="Give roles").click()
    page.get_by_label(role).check()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Save").click()


def test_a_role_is_not_given_without_a_reason_and_who_when_why_takes_two_clicks_R32(
    desk: BrowserContext, busy: Customer
) -> None:
    page, jane = desk.pages[0], named(busy.slug)
    page.goto("/admin/")
    find(page, str(jane.uid))
    chief = name_of(page)
    give(page, "Viewers", "")
    expect(page.get_by_text("Nothing was changed.")).to_be_visible()
    page.get_by_label("Reason").fill(f"covers for Sam, {chief}")
    page.get_by_role("button", name="Save").click()
    reason = f"covers for Sam, {chief}"
    section = page.locator("section", has=page.get_by_role("heading", name="Roles and where they come from"))
    person_page = page.url

    # From the person: the page shows who and why; a click shows when, in full.
    expect(section).to_contain_text(f"given by {chief}")
    expect(section).to_contain_text(reason)
    clicks = Clicks()
    clicks.on(section.get_by_role("link", name="History of the role Viewers of this person"))
    row = page.locator("#result_list tbody tr", has_text=reason).first
    for text in ("A user got a role from a source.", str(jane.user_name), "Viewers", chief):
        expect(row).to_contain_text(text)
    assert clicks.count <= 2

    # From the role.
    page.goto("/admin/core_identity/role/")
    page.get_by_role("link", name="Viewers", exact=True).click()
    clicks = Clicks()
    clicks.on(page.get_by_role("link", name="History"))
    row = page.locator("#result_list tbody tr", has_text=reason)
    for text in ("A user got a role from a source.", str(jane.user_name), chief):
        expect(row).to_contain_text(text)
    assert clicks.count <= 2

    # From the list of events.
    page.goto("/admin/core_identity/event/")
    clicks = Clicks()
    clicks.on(page.locator("#changelist-filter").get_by_role("link", name="roles", exact=True))
    row = page.locator("#result_list tbody tr", has_text=reason)
    clicks.on(row.get_by_role("link").first)
    for text in (reason, "Viewers", chief):
        expect(page.get_by_text(text).first).to_be_visible()
    assert clicks.count == 2

    # Take it back, for the next journey.
    page.goto(person_page)
    page.get_by_role("link", name="Give roles").click()
    page.get_by_label("Viewers").uncheck()
    page.get_by_label("Reason").fill("Sam is back")
    page.get_by_role("button", name="Save").click()
    page.get_by_label("Yes, end these roles").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".core-timeline")).to_contain_text("Sam is back")


def test_the_sessions_of_a_person_end_within_three_clicks_from_home_R36(desk: BrowserContext, busy: Customer) -> None:
    page, jane = desk.pages[0], named(busy.slug)
    http: httpx.Client = busy.service.http()
    assert busy.sign_in(jane, http).status_code == 200
    page.goto("/admin/")
    clicks = Clicks()
    find(page, str(jane.uid))
    sessions = page.locator("section", has=page.get_by_role("heading", name="Sessions"))
    expect(sessions).to_contain_text("Acme Studios")
    clicks.on(page.get_by_role("link", name="End sessions"))
    expect(page.get_by_role("heading", name="Sessions that end")).to_be_visible()
    page.get_by_label("Reason").fill("lost the telephone")
    clicks.on(page.get_by_role("button", name="End sessions"))
    assert clicks.count <= 3
    expect(page.get_by_text("Nobody is signed in as this person.")).to_be_visible()
    expect(page.locator(".core-timeline li").first).to_contain_text("lost the telephone")
    assert http.get("/me", headers={"accept": "application/json"}).status_code == 401


def test_the_page_is_accessible_and_its_timeline_joins_all_logs_R36(
    desk: BrowserContext, busy: Customer, picture: Picture
) -> None:
    page, jane = desk.pages[0], named(busy.slug)
    page.goto("/admin/")
    find(page, str(jane.uid))
    expect(page.get_by_role("heading", level=1)).to_have_text("Jane Doe")
    address = page.url
    timeline = page.locator(".core-timeline")
    for text in ("Signed in through", "Acme Studios sent a new person", "A user was created.", "Conflict:"):
        expect(timeline).to_contain_text(text)
    for name, text, other in (
        ("Sign-ins", "Signed in through", "A user was created."),
        ("SCIM requests", "Acme Studios sent a new person", "Signed in through"),
        ("Changes", "A user was created.", "Acme Studios sent a new person"),
        ("Conflicts", "Conflict:", "A user was created."),
    ):
        page.get_by_role("navigation", name="Kinds of things").get_by_role("link", name=name).click()
        expect(timeline).to_contain_text(text)
        expect(timeline).not_to_contain_text(other)
    page.goto(address)
    page.get_by_text("All attributes from").click()
    expect(page.locator("pre")).to_contain_text('"userName"')
    page.get_by_text("Edit the values in").click()
    expect(page.get_by_label("First name")).to_be_visible()
    for path in (address, address.replace("change", "end-sessions"), address.replace("change", "roles")):
        assert_good_for_everybody(page, path)
    page.goto(address)
    picture(page, "user-page")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 900})
    picture(page, "user-page-390-dark")


def test_a_password_administrator_who_signs_out_has_a_row_in_the_sign_in_log_R39(
    chromium: Browser, service: Service
) -> None:
    name = f"leaver-{secrets.token_hex(4)}"
    password = service.add_administrator(name)
    page = chromium.new_context(base_url=service.url).new_page()

    def sign_in() -> None:
        page.goto("/admin/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name=f"Hello, {name}")).to_be_visible()

    sign_in()
    page.get_by_role("button", name="Sign out").click()
    sign_in()
    page.goto("/admin/sso/signinrecord/")
    expect(page.locator("#result_list tbody tr", has_text=name).filter(has_text="signed out")).to_have_count(1)
    page.context.close()
