"""The pages of a set-up as people use them: looked at by axe, in the dark, at three widths, by keyboard, and on paper (R37, R38)."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from demo.idp.server import DemoIdp
from tests.journeys.conftest import step
from tests.support.accessibility import (
    TELEPHONES,
    Rounds,
    assert_good_as_it_is,
    assert_nothing_scrolls_sideways,
    load_axe,
    screens_too_many,
)
from tests.support.clients import open_client
from tests.support.dns import running_dns
from tests.support.service import Service

pytestmark = pytest.mark.browser
SLUG = "umbrella-okta"
LOOKED_AT: Final[Sequence[tuple[Literal["light", "dark"], int]]] = (("light", 1280), ("dark", 390))
"""The pictures for a person to look at."""
Look = Callable[[Page, str], None]


@pytest.fixture
def browser_of_customer(chromium: Browser, service: Service) -> Iterator[BrowserContext]:
    """A browser in which an error or warning in the console fails the journey, also one of the Content-Security-Policy."""
    context = chromium.new_context(base_url=service.url, viewport={"width": 1280, "height": 900})
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    load_axe(context)
    yield context
    context.close()
    assert not faults


@pytest.fixture
def look(picture: Callable[[Any, str], None]) -> Look:
    """Look at a page at each width, in light and in dark: nothing that axe finds, nothing that scrolls sideways."""

    def at(page: Page, name: str) -> None:
        assert_good_as_it_is(page)
        take_pictures(page, name, picture)

    return at


@pytest.fixture
def glance(picture: Callable[[Any, str], None]) -> Look:
    """Look at a page that has the parts of others: by most rules of axe, and for something that scrolls sideways on a telephone."""
    rounds: list[Rounds] = []

    def at(page: Page, name: str) -> None:
        if not rounds:
            rounds.append(Rounds(page))
        rounds[0].next()
        assert not rounds[0].faults()
        page.set_viewport_size({"width": TELEPHONES[-1], "height": 900})
        assert_nothing_scrolls_sideways(page)
        page.set_viewport_size({"width": 1280, "height": 900})
        take_pictures(page, name, picture)

    return at


def take_pictures(page: Page, name: str, picture: Callable[[Any, str], None]) -> None:
    if "PICTURES" in os.environ:
        for scheme, width in LOOKED_AT:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            page.set_viewport_size({"width": width, "height": page.evaluate("document.body.scrollHeight")})
            picture(page, f"set-up-{name}-{scheme}-{width}")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.fixture
def umbrella(service: Service) -> dict[str, Any]:
    slug = f"umbrella-{secrets.token_hex(3)}"
    return service.apply({"connections": [{"slug": slug, "name": "Umbrella", "customer": slug}]})


def assert_short_on_a_telephone(page: Page) -> None:
    """At the beginning nothing is done, so each step shows its text."""
    page.set_viewport_size({"width": TELEPHONES[0], "height": 900})
    assert not screens_too_many(page)
    page.set_viewport_size({"width": 1280, "height": 900})


def follow(target: Locator) -> None:
    """Click and wait for the next page: a look right after the click could see the page before it."""
    with target.page.expect_navigation():
        target.click()


def test_the_pages_of_a_set_up_link(
    service: Service,
    umbrella: dict[str, Any],
    unconnected: DemoIdp,
    browser_of_customer: BrowserContext,
    look: Look,
    glance: Look,
) -> None:
    """The steps and the widest forms are looked at in each way, the others at a glance."""
    maker = f"chief-{secrets.token_hex(3)}"
    service.add_administrator(maker)
    link = service.ask("connection", "link", "create", umbrella["slug"], "--by", maker)["link"]
    page = browser_of_customer.new_page()
    page.goto(link)
    glance(page, "open")
    page.get_by_role("button", name="Begin").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{service.url}/set-up")
    assert_short_on_a_telephone(page)
    for one in page.locator("summary:visible", has_text="Where is that?").all():
        one.click()
    look(page, "okta")
    follow(page.get_by_role("link", name="Entra", exact=True))
    for one in page.locator("summary:visible", has_text="Where is that?").all():
        one.click()
    glance(page, "entra")
    page.goto("/set-up")
    expect(page.get_by_label("Tenant URL", exact=True)).to_be_visible()

    step(page, "metadata").get_by_role("link").click()
    metadata = open_client(base_url=unconnected.parties.idp_url).get("/metadata").text
    page.get_by_label("The metadata, pasted").fill(metadata)
    follow(page.get_by_role("button", name="Preview"))
    look(page, "metadata")
    follow(page.get_by_role("button", name="Send the metadata"))
    glance(page, "metadata-sent")

    page.goto("/set-up/test")
    glance(page, "test")
    page.goto("/set-up")
    step(page, "domains").get_by_role("link").click()
    domain = f"{umbrella['slug']}.test"
    page.get_by_label("Domain of your email addresses").fill(domain)
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"Look up the record of {domain}").click()
    expect(page.get_by_role("alert")).to_contain_text("did not answer", timeout=15_000)
    with running_dns(service.dns_port) as dns:
        name = page.get_by_label("Name of the TXT record").input_value()
        dns.records[name] = [(page.get_by_label("Its value").input_value(),)]
        page.get_by_label("Domain of your email addresses").fill("umbrella.example")
        page.keyboard.press("Enter")
        page.get_by_role("button", name=f"Look up the record of {domain}").click()
        expect(page.get_by_text("verified", exact=True)).to_be_visible()
        page.get_by_role("button", name="Look up the record of umbrella.example").click()
        expect(page.get_by_role("alert")).to_contain_text("There is no TXT record")
    look(page, "domains")

    page.goto("/set-up/credentials")
    look(page, "credentials")
    page.get_by_label("Name of the token").fill("Umbrella")
    page.get_by_role("button", name="Ask for a token").click()
    expect(page.get_by_text("Your contact must permit another token.")).to_be_visible()
    glance(page, "token-asked")
    page.goto("/set-up")
    page.get_by_role("button", name="I have finished").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("We send no email")).to_be_visible()
    glance(page, "finished")
    follow(page.get_by_role("button", name="Continue in another browser"))
    glance(page, "left")


def test_a_tick_turns_while_a_value_is_copied_and_the_focus_stays(
    service: Service, umbrella: dict[str, Any], browser_of_customer: BrowserContext
) -> None:
    maker = f"chief-{secrets.token_hex(3)}"
    service.add_administrator(maker)
    link = service.ask("connection", "link", "create", umbrella["slug"], "--by", maker)["link"]
    page = browser_of_customer.new_page()
    page.goto(link)
    page.get_by_role("button", name="Begin").click()
    copy = page.locator("button[data-copy]").first
    copy.focus()
    token = service.ask("connection", "token", "create", umbrella["slug"], "--name", "Okta")["token"]
    expect(step(page, "provisioning")).to_contain_text("done", timeout=15_000)
    expect(copy).to_be_focused()
    expect(page.locator("#step-provisioning.core-step-done")).to_be_visible()
    assert token not in page.content()


def test_the_customer_prints_the_steps_with_every_value_and_advice_R38(
    service: Service,
    umbrella: dict[str, Any],
    browser_of_customer: BrowserContext,
    picture: Callable[[Any, str], None],
) -> None:
    """On paper nothing can be unfolded, copied or pressed."""
    maker = f"chief-{secrets.token_hex(3)}"
    service.add_administrator(maker)
    link = service.ask("connection", "link", "create", umbrella["slug"], "--by", maker)["link"]
    browser_of_customer.add_init_script("window.prints = 0; window.print = () => { window.prints += 1 }")
    page = browser_of_customer.new_page()
    page.goto(link)
    page.get_by_role("button", name="Begin").click()
    main = page.get_by_role("main")
    for vendor in ("Okta", "Entra"):
        follow(main.get_by_role("link", name=vendor, exact=True))
        main.get_by_role("button", name="Print", exact=True).click()
        assert page.evaluate("window.prints") == 1
        values = main.locator(".core-copy input")
        assert values.count() > 3
        page.emulate_media(media="print")
        assert main.locator(".core-printed:visible").all_inner_texts() == [one.input_value() for one in values.all()]
        advice = main.locator(".core-step-advice p")
        assert advice.count() == main.locator(".core-step-advice p:visible").count() > 5
        for on_screen in (values, main.get_by_role("button"), page.get_by_role("banner"), main.locator("form")):
            assert not any(one.is_visible() for one in on_screen.all()), on_screen
        expect(main.get_by_role("heading", level=1)).to_have_text("Set up single sign-on and provisioning for Umbrella")
        assert link.rpartition("/")[2] not in page.content(), "paper is passed on, and the link must not be"
        page.set_viewport_size({"width": 720, "height": 1000})  # about a page of A4
        assert page.evaluate("document.documentElement.scrollWidth") <= 720
        picture(page, f"set-up-printed-portal-{vendor}")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(media="screen")


def test_the_pages_of_the_administration_and_the_sheet_on_paper(
    service: Service,
    umbrella: dict[str, Any],
    browser_of_customer: BrowserContext,
    look: Look,
    picture: Callable[[Any, str], None],
) -> None:
    name = f"chief-{secrets.token_hex(3)}"
    password = service.add_administrator(name)
    service.ask("connection", "link", "create", umbrella["slug"], "--by", name)
    page = browser_of_customer.new_page()
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    overview = umbrella["admin_url"].replace("/change/", "/overview/")
    page.goto(overview)
    assert_short_on_a_telephone(page)
    page.get_by_text("Where is that?").first.click()
    look(page, "overview")
    page.emulate_media(media="print")
    expect(page.locator("#copy-acs_url")).to_be_hidden()
    expect(page.locator(".core-printed", has_text=f"/sso/{umbrella['slug']}/acs")).to_be_visible()
    expect(page.get_by_role("link", name="Entra", exact=True)).to_be_hidden()
    expect(page.locator("[data-copy]").first).to_be_hidden()
    picture(page, "set-up-printed")
    page.emulate_media(media="screen")
    page.goto(overview.replace("/overview/", "/setup-link/"))
    look(page, "links")
    page.goto("/admin/core_identity/connection/set-ups/")
    look(page, "set-ups")
