"""A new administrator does common tasks, from Home and with the screen only. Each task has a number of clicks that it may take.

The task *Who made her an Editor?* is in `test_user_page`.
"""

import json
import re
from dataclasses import replace
from typing import Final

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.conftest import Customer, named, new_customer
from tests.support.accessibility import assert_good_for_everybody
from tests.support.cast import ZOE
from tests.support.clicks import Clicks, find, go
from tests.support.saml import TestIdp
from tests.support.service import Service

pytestmark = pytest.mark.browser
MANY: Final = 40
COUNT_PROGRESS: Final = """addEventListener("DOMContentLoaded", () => {
    const bar = document.querySelector("progress.core-progress-bar")
    if (bar) progressed(`${bar.value} of ${bar.max}`)
})"""


@pytest.fixture
def home(desk: BrowserContext, busy: Customer) -> Page:
    page = desk.pages[0]
    page.goto("/admin/")
    return page


def test_the_reason_of_a_refused_sign_in_takes_two_clicks(home: Page, busy: Customer) -> None:
    """Zoe signs in with Jane's UID. The administrator knows Zoe's name only."""
    jane = named(busy.slug)
    zoe = replace(
        ZOE, uid=f"zoe.{busy.slug}", external_id=f"z-{busy.slug}", user_name=f"zoe.m.{busy.slug}@acme.test", email=""
    )
    busy.okta().push(zoe)
    assert busy.sign_in(replace(zoe, uid=jane.uid, email=f"zoe.m.{busy.slug}@acme.test")).status_code == 403
    for who in (str(zoe.user_name), str(jane.uid)):
        home.goto("/admin/")
        clicks = Clicks()
        find(home, who)
        clicks.on(home.locator(".core-timeline").get_by_role("link", name="Sign-in through Acme Studios refused").first)
        expect(home.get_by_role("heading", level=1)).to_have_text("Sign-in: only the UID matches")
        expect(home.get_by_text("What to do:")).to_be_visible()
        for person in ("Jane Doe", "Zoë Müller"):
            expect(home.locator(".core-facts").get_by_role("link", name=person)).to_be_visible()
        assert clicks.count <= 2, clicks


def test_the_messages_of_the_last_hour_and_a_failure_take_two_clicks(home: Page, busy: Customer) -> None:
    clicks = Clicks()
    go(home, clicks, "Provisioning")
    clicks.on(home.get_by_role("link", name="last hour"))
    expect(home.locator("#result_list tbody tr", has_text="409 Conflict").first).to_contain_text("refused:")
    assert clicks.count <= 2, clicks
    home.goto("/admin/")
    clicks = Clicks()
    clicks.on(home.locator(".core-number", has_text="SCIM requests").get_by_role("link", name="failed"))
    clicks.on(home.locator("#result_list tbody tr").first.get_by_role("link").first)
    expect(home.get_by_text("How to fix this:")).to_be_visible()
    assert clicks.count <= 2, clicks


def test_all_drift_takes_one_click(home: Page, busy: Customer) -> None:
    okta, jane = busy.okta(), named(busy.slug)
    okta.push(replace(jane, email=f"other.{busy.slug}@acme.test"))
    home.goto("/admin/")
    clicks = Clicks()
    go(home, clicks, "Drift")
    expect(home.get_by_role("link", name="Accept the").first).to_be_visible()
    assert clicks.count == 1, clicks
    home.goto(f"{home.url}?connection={busy.slug}")  # the other journeys of this service have drift too
    expect(home.get_by_text(f"other.{busy.slug}@acme.test").first).to_be_visible()
    okta.push(jane)


def test_the_people_locked_out_by_a_certificate_take_two_clicks(home: Page, busy: Customer) -> None:
    """The IdP has a new key that the connection does not know."""
    jane = named(busy.slug)
    assert Customer(busy.service, TestIdp(), busy.setup).sign_in(jane).status_code == 400
    clicks = Clicks()
    find(home, busy.slug)  # the customer has the same name
    clicks.on(home.get_by_role("main").get_by_role("link", name="Acme Studios"))
    clicks.on(home.get_by_role("link", name="Who is locked out").first)
    expect(home.get_by_text("its certificate is not known")).to_be_visible()
    expect(home.get_by_role("table").get_by_role("link", name="Jane Doe")).to_be_visible()
    assert clicks.count <= 2, clicks
    assert_good_for_everybody(home)
    assert busy.sign_in(jane).status_code == 200
    home.reload()
    expect(home.get_by_text("Nobody is locked out. No message with an unknown certificate was refused")).to_be_visible()


def test_the_sessions_of_a_person_end_by_three_clicks_in_the_navigation(home: Page, busy: Customer) -> None:
    jane = named(busy.slug)
    http = busy.service.http()
    assert busy.sign_in(jane, http).status_code == 200
    clicks = Clicks()
    go(home, clicks, "Users")
    search = home.get_by_role("textbox", name="Find")
    search.fill(str(jane.user_name))
    search.press("Enter")
    clicks.on(home.locator("#result_list").get_by_role("link", name=str(jane.user_name)))
    home.get_by_label("Reason", exact=True).fill("lost the telephone")
    clicks.on(home.get_by_role("button", name="End all sessions"))
    expect(home.get_by_text(re.compile(r"\d sessions? ended\. The reason is in the events\."))).to_be_visible()
    expect(home.locator(".core-timeline")).to_contain_text("lost the telephone")
    assert clicks.count <= 3, clicks
    assert http.get("/me", headers={"accept": "application/json"}).status_code == 401


def test_wrong_passwords_on_an_administrator_take_one_click(home: Page, busy: Customer, service: Service) -> None:
    name = f"victim-{busy.slug}"
    service.add_administrator(name)
    browser = home.context.browser
    assert browser is not None
    stranger = browser.new_context(base_url=service.url).new_page()
    stranger.goto("/admin/")
    stranger.get_by_label("Username").fill(name)
    stranger.get_by_label("Password").fill("a guess")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_text("No administrator has this username and password.")).to_be_visible()
    stranger.context.close()
    clicks = Clicks()
    find(home, name)
    expect(home.locator(".core-timeline")).to_contain_text("Wrong password.")
    clicks.on(home.get_by_role("navigation", name="Kinds of things").get_by_role("link", name="Sign-ins"))
    expect(home.locator(".core-timeline li")).to_have_count(1)
    assert clicks.count <= 1, clicks


def test_forty_conflicts_of_one_cause_take_five_clicks_show_progress_and_leave_one_event_each_R9(
    home: Page, service: Service, idp: TestIdp
) -> None:
    customer = new_customer(service, idp)
    okta, jane = customer.okta(), named(customer.slug)
    okta.push(jane)
    for number in range(MANY):
        name = f"twin{number}.{customer.slug}@acme.test"
        twin = replace(
            jane, uid=f"twin{number}.{customer.slug}", external_id=f"t{number}-{customer.slug}", user_name=name
        )
        assert okta.create(twin).status_code == 409
    seen: list[str] = []
    home.expose_binding("progressed", lambda _, text: seen.append(text))
    home.add_init_script(COUNT_PROGRESS)
    home.goto("/admin/")
    clicks = Clicks()
    go(home, clicks, "Conflicts")
    clicks.on(home.get_by_role("navigation", name="Filters").get_by_role("link", name="email address of another user"))
    clicks.on(home.get_by_role("link", name="Decide all of these…"))
    heading = home.get_by_role("heading", level=1)
    expect(heading).to_have_text(re.compile("^Decide: "))
    number = int(heading.inner_text().removeprefix("Decide: ").removesuffix(" conflicts"))
    assert number >= MANY, "conflicts of other journeys may be among them"
    clicks.on(home.get_by_role("radio", name="Different people"))
    reason = f"a shared mailbox of {customer.slug}"
    home.get_by_label("Reason").fill(reason)
    clicks.on(home.get_by_role("button", name="Decide all"))
    expect(home.get_by_text(f"Done: {number}.")).to_be_visible(timeout=30_000)
    assert clicks.count <= 5, clicks
    assert seen[0] == f"10 of {number}"
    code, exported = service.manage("events", "export", "--format", "jsonl")
    assert code == 0
    events = [json.loads(line) for line in exported.splitlines()]
    decided = [one["subject_id"] for one in events if one["kind"] == "conflict.resolved" and one["reason"] == reason]
    assert len(decided) == len(set(decided)) == number
