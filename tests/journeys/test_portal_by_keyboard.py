"""The customer's IT administrator does the whole set-up by keyboard: Tab, Enter, Space and typed text, and nothing else (R38, WCAG 2.1.1, 2.4.7)."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from demo.idp.server import DemoIdp
from tests.journeys.conftest import Callback, connect_by_hand, step
from tests.support.clients import open_client
from tests.support.dns import running_dns
from tests.support.okta import HEADERS
from tests.support.renewal import renew_soon
from tests.support.service import Service

pytestmark = pytest.mark.browser
SLUG = "stark-okta"
DOMAIN: Final = "stark.test"

FAULT: Final = """() => {
    const one = document.activeElement
    const [style, box] = [getComputedStyle(one), one.getBoundingClientRect()]
    if (one === document.body) return ""
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return `no ring around ${one.outerHTML.slice(0, 200)}`
    if (!box.width || box.bottom <= 0 || box.top >= innerHeight) return `out of sight: ${one.outerHTML.slice(0, 200)}`
    return ""
}"""
"""The fault of the element that has the focus: nobody sees where they are."""


class Keyboard:
    """The keys of a person without a mouse. At each stop of the way the focus must be visible."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, target: Locator, *, key: str = "Tab", stops: int = 60) -> None:
        """Press Tab until ``target`` has the focus."""
        for _ in range(stops):
            if target.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press(key)
            assert not (fault := self.page.evaluate(FAULT)), fault
        raise AssertionError(f"{target} is not among the next {stops} stops of {self.page.url}")

    def press(self, target: Locator, key: str = "Enter") -> None:
        self.to(target)
        self.page.keyboard.press(key)

    def follow(self, target: Locator, key: str = "Enter") -> None:
        """Press a link or a button that leads to the next page."""
        self.to(target)
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def write(self, target: Locator, text: str) -> None:
        self.to(target)
        self.page.keyboard.insert_text(text)


@pytest.fixture
def customer(chromium: Browser, service: Service) -> Iterator[Page]:
    """The customer's browser. An error in its console fails the journey."""
    context = chromium.new_context(
        base_url=service.url,
        viewport={"width": 1280, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
    )
    renew_soon(context)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    yield context.new_page()
    context.close()
    assert not faults


def test_the_customer_does_the_whole_set_up_by_keyboard(
    unconnected: DemoIdp, service: Service, administrator: Page, customer: Page, callback: Callback, tmp_path: Path
) -> None:
    maker = f"chief-{secrets.token_hex(3)}"
    service.add_administrator(maker)
    overview = connect_by_hand(administrator, service, customer="Stark", slug=SLUG, name="Stark")
    keys = Keyboard(customer)
    file = tmp_path / "metadata.xml"
    file.write_text(open_client(base_url=unconnected.parties.idp_url).get("/metadata").text)
    customer.on("filechooser", lambda chooser: chooser.set_files(file))
    customer.goto(service.ask("connection", "link", "create", SLUG, "--by", maker)["link"])
    keys.press(customer.get_by_role("link", name="Skip to the content"))
    keys.follow(customer.get_by_role("button", name="Begin"))

    # The vendor, and values copied. Each copy is answered where a screen reader hears it.
    keys.follow(customer.get_by_role("link", name="Entra", exact=True))
    keys.follow(customer.get_by_role("link", name="Okta", exact=True))
    expect(customer.get_by_role("status").filter(has_text="Next: Create the SAML app")).to_be_visible()
    heard = customer.locator(".core-heard[role=status]")
    for label in ("Single sign-on URL", "Audience URI (SP Entity ID)", "UID"):
        keys.press(customer.get_by_role("button", name=f"Copy {label}", exact=True).first, "Space")
        expect(heard).to_have_text(f"Copied: {label}")
        assert (
            customer.evaluate("navigator.clipboard.readText()")
            == customer.get_by_label(label, exact=True).input_value()
        )

    # The metadata: nonsense pasted, then the file. After a fault the next Tab leads from its sentence into the form.
    keys.follow(step(customer, "metadata").get_by_role("link", name="Send the metadata"))
    pasted = customer.get_by_label("The metadata, pasted")
    keys.write(pasted, "<nonsense/>")
    keys.follow(customer.get_by_role("button", name="Preview"))
    expect(customer.get_by_role("alert")).to_be_focused()
    keys.to(pasted)
    customer.keyboard.press("Control+a")
    customer.keyboard.press("Delete")
    keys.press(customer.get_by_label("Or the file"))
    expect(customer.get_by_label("Or the file")).to_have_value(re.compile("metadata.xml"))
    keys.follow(customer.get_by_role("button", name="Preview"))
    expect(customer.get_by_role("heading", name="What would change")).to_be_focused()
    keys.follow(customer.get_by_role("button", name="Send the metadata"))

    # The test of the sign-in, over the IdP and back.
    keys.follow(customer.get_by_role("link", name="Test the sign-in"))
    keys.follow(customer.get_by_role("button", name="Start the test"))
    customer.wait_for_url(f"{unconnected.parties.idp_url}/**")
    keys.follow(customer.get_by_role("button", name="Jane Doe"))
    expect(customer.get_by_text("CORE would let this person in.")).to_be_visible()
    keys.press(customer.locator("summary", has_text="All checks of the message"))
    expect(customer.get_by_role("row", name="✓ Audience")).to_be_visible()
    keys.to(customer.get_by_role("link", name="Back to the steps"), key="Shift+Tab")
    with customer.expect_navigation():
        customer.keyboard.press("Enter")

    # The proof of a domain.
    keys.follow(step(customer, "domains").get_by_role("link"))
    keys.write(customer.get_by_label("Domain of your email addresses"), DOMAIN)
    with customer.expect_navigation():
        customer.keyboard.press("Enter")
    with running_dns(service.dns_port) as dns:
        dns.records[customer.get_by_label("Name of the TXT record").input_value()] = [
            (customer.get_by_label("Its value").input_value(),)
        ]
        keys.follow(customer.get_by_role("button", name=f"Look up the record of {DOMAIN}"))
    expect(customer.get_by_text("verified", exact=True)).to_be_visible()
    keys.follow(customer.get_by_role("link", name="Back to the steps"))

    # The client for Okta; its secret is shown once.
    keys.follow(step(customer, "provisioning").get_by_role("link", name="Create the client or token"))
    keys.write(
        customer.get_by_label("Address of the app in Okta's Admin Console"),
        "https://stark-admin.okta.com/admin/app/stark_core_1/instance/0oa1/",
    )
    keys.follow(customer.get_by_role("button", name="Create the client"))
    client_id = customer.get_by_label("Client ID", exact=True).input_value()
    secret = customer.get_by_label("Client secret", exact=True).input_value()
    keys.press(customer.get_by_role("button", name="Copy Client secret"))
    expect(customer.locator(".core-heard[role=status]")).to_have_text("Copied: Client secret")
    keys.follow(customer.get_by_role("link", name="I have copied it"))
    assert secret not in customer.content()

    # Okta asks for consent in this browser. Its callback is at another address, because the real one cannot be reached from here.
    redirect_uri = f"http://127.0.0.1:{callback.server_port}/callback"
    scim = {"redirect_uris": [redirect_uri], "grants": ["authorization_code"]}
    service.apply({"connections": [{"slug": SLUG, "name": "Stark", "customer": "Stark", "scim": scim}]})
    asks = {"client_id": client_id, "response_type": "code", "state": "x", "redirect_uri": redirect_uri}
    customer.goto(f"/oauth/authorize/?{urlencode(asks)}")
    assert maker not in customer.content()
    keys.follow(customer.get_by_role("button", name="Allow", exact=True))
    expect(customer.get_by_role("heading", name="Authenticated")).to_be_visible()
    customer.goto("/set-up")
    expect(step(customer, "consent")).to_contain_text("done")

    # A token beside the client: a superuser permits it, the customer makes it.
    keys.follow(step(customer, "provisioning").get_by_role("link", name="Create a token"))
    keys.write(customer.get_by_label("Name of the token"), "Stark")
    keys.follow(customer.get_by_role("button", name="Ask for a token"))
    administrator.goto(overview.replace("/overview/", "/proposed-token/"))
    administrator.get_by_role("button", name="Permit one token").click()
    keys.follow(customer.get_by_role("link", name="Back to the steps"))
    keys.follow(step(customer, "provisioning").get_by_role("link", name="Create a token"))
    keys.write(customer.get_by_label("Name of the token"), "Stark")
    keys.follow(customer.get_by_role("button", name="Create the token"))
    token = customer.get_by_label("Token", exact=True).input_value()
    keys.follow(customer.get_by_role("link", name="I have copied it"))

    # The tick turns under the focus: it stays at its step, and the next Tab continues there.
    how = step(customer, "test_call").locator("summary", has_text="How")
    keys.press(how)
    http = open_client(base_url=f"{service.url}/scim/{SLUG}/v2", headers=HEADERS | {"Authorization": f"Bearer {token}"})
    assert http.get("/Users", params={"filter": 'userName eq "nobody"'}).status_code == 200
    expect(step(customer, "test_call")).to_contain_text("done", timeout=15_000)
    expect(step(customer, "test_call")).to_be_focused()
    keys.to(step(customer, "first_push").locator("summary", has_text="How"), stops=2)

    keys.follow(customer.get_by_role("button", name="I have finished"))
    expect(customer.get_by_text("You reported that you have finished.")).to_be_visible()
