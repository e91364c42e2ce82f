"""The customer's IT administrator connects their IdP by a set-up link, with the screen only (R38)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from demo.idp.server import DemoIdp
from tests.journeys.conftest import connect_by_hand, named, step
from tests.support.accessibility import assert_good_as_it_is, load_axe
from tests.support.clients import open_client
from tests.support.mouse_clicks import count_clicks
from tests.support.okta import HEADERS, Okta
from tests.support.renewal import renew_soon
from tests.support.service import Service

pytestmark = pytest.mark.browser
SLUG = "hooli-okta"


@dataclass(frozen=True)
class Customer:
    """The browser of the customer's administrator, and what they clicked so far."""

    page: Page
    clicks: list[str]


@pytest.fixture
def at_the_customer(window: BrowserContext, service: Service) -> Iterator[Customer]:
    """Another browser, without any session. An error in a page of ours or a warning fails the journey."""
    browser: Browser | None = window.browser
    assert browser is not None
    context = renew_soon(browser.new_context())
    load_axe(context)
    clicks = count_clicks(context, service.url)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    yield Customer(context.new_page(), clicks)
    context.close()
    assert [fault for fault in faults if "status of 404" not in fault] == []  # the page of a link that has ended


class WithToken(Okta):
    """A provisioning client with a long-lived token."""

    def __init__(self, base_url: str, token: str) -> None:
        self.http = open_client(base_url=base_url, headers=HEADERS | {"Authorization": f"Bearer {token}"})


def test_a_customer_connects_their_idp_by_a_link_from_the_screen_only_R38(
    unconnected: DemoIdp,
    service: Service,
    administrator: Page,
    at_the_customer: Customer,
    picture: Callable[[Any, str], None],
) -> None:
    """The direct way to ready takes at most 12 clicks. Copies, texts that are typed, and looks to the side are not counted."""
    customer, clicks = at_the_customer.page, at_the_customer.clicks
    overview = connect_by_hand(administrator, service, customer="Hooli", slug=SLUG, name="Hooli")
    administrator.goto(overview.replace("/overview/", "/setup-link/"))
    administrator.get_by_role("button", name="Create the link").click()
    link = administrator.get_by_label("Link", exact=True).input_value()

    # A mail scanner looks at the link; then the customer opens it.
    assert service.http().get(link).status_code == 200
    customer.goto(link)
    customer.get_by_role("button", name="Begin").click()
    expect(customer).to_have_url(f"{service.url}/set-up")
    expect(customer.get_by_text("Set-up: 0 of 9 steps done.")).to_be_visible()
    expect(customer.get_by_label("Single sign-on URL", exact=True)).to_have_value(f"{service.url}/sso/{SLUG}/acs")
    assert clicks == ["Begin"]
    customer.get_by_role("link", name="Entra", exact=True).click()
    expect(customer.get_by_label("Tenant URL", exact=True)).to_have_value(f"{service.url}/scim/{SLUG}/v2")
    customer.get_by_role("link", name="Okta", exact=True).click()
    copy = customer.locator("button[data-copy]").first
    copy.click()
    expect(copy).to_have_text(re.compile("Copied|Selected"))
    assert clicks == ["Begin", "Entra", "Okta"]
    del clicks[1:]

    # Metadata, pasted.
    step(customer, "metadata").get_by_role("link", name="Send the metadata").click()
    customer.get_by_label("The metadata, pasted").fill("<nonsense/>")
    customer.get_by_role("button", name="Preview").click()
    expect(customer.get_by_role("alert")).to_be_visible()
    assert clicks.pop() == "Preview"
    customer.get_by_label("The metadata, pasted").fill(
        open_client(base_url=unconnected.parties.idp_url).get("/metadata").text
    )
    customer.get_by_role("button", name="Preview").click()
    expect(customer.get_by_text("certificate added:").first).to_be_visible()
    customer.get_by_role("button", name="Send the metadata").click()
    customer.get_by_role("link", name="Back to the steps").click()
    expect(step(customer, "metadata")).to_contain_text("Signing certificate valid until")

    # A test sign-in over the IdP, and back to the customer's own page.
    step(customer, "test").get_by_role("link", name="Start a test").click()
    customer.get_by_role("button", name="Start the test").click()
    customer.get_by_role("button", name="Jane Doe").click()
    expect(customer.get_by_text("CORE would let this person in.")).to_be_visible()
    assert_good_as_it_is(customer)
    customer.get_by_role("link", name="Back to the steps").click()
    expect(step(customer, "saml_app")).to_contain_text("done")
    expect(step(customer, "test")).to_contain_text("done")

    # A token, shown once.
    step(customer, "provisioning").get_by_role("link", name="Create the client or token").click()
    customer.get_by_label("Name of the token").fill("Hooli")
    customer.get_by_role("button", name="Create the token").click()
    token = customer.get_by_label("Token", exact=True).input_value()
    assert_good_as_it_is(customer)
    customer.get_by_role("link", name="I have copied it").click()
    expect(step(customer, "provisioning")).to_contain_text("done")
    assert token not in customer.content()
    assert len(clicks) <= 11, clicks

    # Ticks turn while the customer watches, and nobody is named.
    okta = WithToken(f"{service.url}/scim/{SLUG}/v2", token)
    okta.lookup("nobody@hooli.test")
    expect(step(customer, "test_call")).to_contain_text("done", timeout=15_000)
    person = okta.push(named(SLUG))
    okta.push_group("Hooli Editors", person["id"])
    expect(step(customer, "first_push")).to_contain_text("A person arrived.", timeout=15_000)
    expect(step(customer, "roles")).to_contain_text("1 group waits for a decision of your contact.")
    assert person["userName"] not in customer.content()

    # Somebody is known now: the superuser must confirm metadata.
    step(customer, "metadata").get_by_role("link", name="Replace the metadata").click()
    metadata = open_client(base_url=unconnected.parties.idp_url).get("/metadata").text
    customer.get_by_label("The metadata, pasted").fill(metadata.replace('/sso"', '/sso-of-a-stranger"'))
    customer.get_by_role("button", name="Preview").click()
    customer.get_by_role("button", name="Send the metadata").click()
    expect(customer.get_by_role("heading", name="Your contact must confirm the metadata")).to_be_visible()
    customer.get_by_role("link", name="Back to the steps").click()
    clicks.clear()
    customer.get_by_role("button", name="I have finished").click()
    expect(
        customer.get_by_text("You reported that you have finished. Your contact sees this on their start page.")
    ).to_be_visible()
    assert clicks == ["I have finished"]
    picture(customer, "set-up")
    customer.set_viewport_size({"width": 390, "height": 800})
    picture(customer, "set-up-390")
    assert customer.evaluate("document.documentElement.scrollWidth") == 390

    administrator.goto(overview)
    expect(administrator.get_by_text("The customer reported that the set-up is finished")).to_be_visible()
    administrator.get_by_role("link", name="Review and decide").click()
    administrator.get_by_role("button", name="Reject the metadata").click()
    expect(administrator.get_by_text("Nothing was changed.")).to_be_visible()
    administrator.get_by_role("button", name="Revoke the link").click()
    customer.reload()
    expect(customer.get_by_role("heading", name="Ask for a new set-up link")).to_be_visible()
    assert_good_as_it_is(customer)
