"""The customer's IT administrator connects their IdP by a set-up link, with the screen only (R38)."""

import re
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from demo.idp.server import DemoIdp
from demo.idp.signing_key import load_or_make
from tests.journeys.conftest import named
from tests.support.clients import open_client
from tests.support.okta import HEADERS, Okta
from tests.support.service import Service

pytestmark = pytest.mark.browser
SLUG = "hooli-okta"


@pytest.fixture
def idp(service: Service, tmp_path: Path) -> Iterator[DemoIdp]:
    """An IdP that nobody has connected yet."""
    file = tmp_path / "connection.json"
    with DemoIdp(0, sp_url=service.url, connection=SLUG, keys=load_or_make(tmp_path), connection_file=file) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def boss(service: Service, window: BrowserContext) -> Page:
    """A superuser at CORE, signed in."""
    name = f"olga-{secrets.token_hex(3)}"
    password = service.add_administrator(name)
    page = window.new_page()
    page.goto(f"{service.url}/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    return page


@pytest.fixture
def customer(window: BrowserContext) -> Iterator[Page]:
    """The browser of the customer's administrator: another one, without any session."""
    browser: Browser | None = window.browser
    assert browser is not None
    context = browser.new_context()
    yield context.new_page()
    context.close()


class WithToken(Okta):
    """A provisioning client with a long-lived token."""

    def __init__(self, base_url: str, token: str) -> None:
        self.http = open_client(base_url=base_url, headers=HEADERS | {"Authorization": f"Bearer {token}"})


def step(page: Page, name: str) -> Any:
    return page.locator(f"#step-{name}")


def test_a_customer_connects_their_idp_by_a_link_from_the_screen_only_R38(
    idp: DemoIdp, service: Service, boss: Page, customer: Page, picture: Callable[[Any, str], None]
) -> None:
    base = f"{service.url}/admin/core_identity"
    boss.goto(f"{base}/customer/add/")
    boss.locator("#id_name").fill("Hooli")
    boss.get_by_role("button", name="Save", exact=True).click()
    boss.goto(f"{base}/connection/add/")
    boss.locator(".field-customer .select2-selection").click()
    boss.locator(".select2-search__field").fill("Hooli")
    boss.locator(".select2-results__option", has_text="Hooli").click()
    boss.locator("#id_slug").fill(SLUG)
    boss.locator("#id_name").fill("Hooli")
    boss.get_by_role("button", name="Save", exact=True).click()
    overview = boss.url
    boss.goto(overview.replace("/overview/", "/setup-link/"))
    boss.get_by_role("button", name="Make the link").click()
    link = boss.get_by_label("Link", exact=True).input_value()

    # A mail scanner looks at the link; then the customer opens it.
    assert service.http().get(link).status_code == 200
    customer.goto(link)
    customer.get_by_role("button", name="Begin").click()
    expect(customer).to_have_url(f"{service.url}/set-up")
    expect(customer.get_by_text("0 of 9 steps done.")).to_be_visible()
    expect(customer.get_by_label("Single sign-on URL")).to_have_value(f"{service.url}/sso/{SLUG}/acs")
    customer.get_by_role("link", name="Entra", exact=True).click()
    expect(customer.get_by_label("Tenant URL")).to_have_value(f"{service.url}/scim/{SLUG}/v2")
    customer.get_by_role("link", name="Okta", exact=True).click()
    copy = customer.locator("button[data-copy]").first
    copy.click()
    expect(copy).to_have_text(re.compile("Copied|Selected"))

    # Metadata, pasted.
    step(customer, "metadata").get_by_role("link", name="Send the metadata").click()
    customer.get_by_label("The metadata, pasted").fill("<nonsense/>")
    customer.get_by_role("button", name="Show what changes").click()
    expect(customer.get_by_role("alert")).to_be_visible()
    customer.get_by_label("The metadata, pasted").fill(open_client(base_url=idp.parties.idp_url).get("/metadata").text)
    customer.get_by_role("button", name="Show what changes").click()
    expect(customer.get_by_text("certificate +").first).to_be_visible()
    customer.get_by_role("button", name="Send it").click()
    customer.get_by_role("link", name="Back to the steps").click()
    expect(step(customer, "metadata")).to_contain_text("Signing certificate valid until")

    # A test sign-in over the IdP, and back to the customer's own page.
    step(customer, "test").get_by_role("link", name="Test the sign-in").click()
    customer.get_by_role("button", name="Start the test").click()
    customer.get_by_role("button", name="Jane Doe").click()
    expect(customer.get_by_text("CORE would let this person in.")).to_be_visible()
    customer.get_by_role("link", name="Back to the steps").click()
    expect(step(customer, "saml_app")).to_contain_text("done")
    expect(step(customer, "test")).to_contain_text("done")

    # A token, shown once.
    step(customer, "provisioning").get_by_role("link", name="Make the client or token").click()
    customer.get_by_label("Name of the token").fill("Hooli")
    customer.get_by_role("button", name="Make the token").click()
    token = customer.get_by_label("Token", exact=True).input_value()
    customer.get_by_role("link", name="I have copied it").click()
    expect(step(customer, "provisioning")).to_contain_text("done")
    assert token not in customer.content()

    # Ticks turn while the customer watches, and nobody is named.
    okta = WithToken(f"{service.url}/scim/{SLUG}/v2", token)
    okta.lookup("nobody@hooli.test")
    expect(step(customer, "test_call")).to_contain_text("done", timeout=15_000)
    person = okta.push(named(SLUG))
    okta.push_group("Hooli Editors", person["id"])
    expect(step(customer, "first_push")).to_contain_text("A person arrived.", timeout=15_000)
    expect(step(customer, "roles")).to_contain_text("1 group arrived.")
    assert person["userName"] not in customer.content()

    # Somebody is known now: metadata waits for the superuser.
    step(customer, "metadata").get_by_role("link", name="Replace the metadata").click()
    metadata = open_client(base_url=idp.parties.idp_url).get("/metadata").text
    customer.get_by_label("The metadata, pasted").fill(metadata.replace('/sso"', '/sso-of-a-stranger"'))
    customer.get_by_role("button", name="Show what changes").click()
    customer.get_by_role("button", name="Send it").click()
    expect(customer.get_by_role("heading", name="The metadata waits for your contact")).to_be_visible()
    customer.get_by_role("link", name="Back to the steps").click()
    customer.get_by_role("button", name="I have finished").click()
    expect(customer.get_by_text("Finished: your contact sees it.")).to_be_visible()
    picture(customer, "customer-set-up")
    customer.set_viewport_size({"width": 390, "height": 800})
    picture(customer, "customer-set-up-390")
    assert customer.evaluate("document.documentElement.scrollWidth") == 390

    boss.goto(overview)
    expect(boss.get_by_text("The customer reported that the set-up is finished")).to_be_visible()
    boss.get_by_role("link", name="Review and decide").click()
    boss.get_by_role("button", name="Reject it").click()
    expect(boss.get_by_text("Nothing was changed.")).to_be_visible()
    boss.get_by_role("button", name="Revoke").click()
    customer.reload()
    expect(customer.get_by_role("heading", name="Ask for a new set-up link")).to_be_visible()
