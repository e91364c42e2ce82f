"""How many clicks a new administrator needs for a customer with a foreign IdP (R37)."""

import pytest
from authlib.integrations.httpx_client import OAuth2Client
from playwright.sync_api import BrowserContext, Page, expect

from demo.idp.server import DemoIdp
from tests.journeys.conftest import Callback, named, step
from tests.support.accessibility import assert_good_as_it_is
from tests.support.clients import open_client
from tests.support.mouse_clicks import count_clicks
from tests.support.okta import HEADERS, body_of
from tests.support.renewal import renew_soon
from tests.support.service import Service

pytestmark = pytest.mark.browser
SLUG = "initrode-okta"


def test_from_nothing_to_the_first_sign_in_and_push_takes_at_most_15_clicks_R37(
    unconnected: DemoIdp, service: Service, administrator: Page, window: BrowserContext, callback: Callback
) -> None:
    """With Okta's consent, and with a test sign-in first. Copies and texts that are typed are not counted."""
    slug, redirect_uri = SLUG, f"http://127.0.0.1:{callback.server_port}/callback"
    browser = window.browser
    assert browser is not None
    context = browser.new_context(storage_state=window.storage_state(), base_url=service.url)
    renew_soon(context)
    clicks = count_clicks(context, service.url)
    page = context.new_page()
    page.goto("/admin/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Connections", exact=True).click()
    page.get_by_role("link", name="Create connection").click()
    with page.expect_popup() as popup:
        page.locator("#add_id_customer").click()
    popup.value.locator("#id_name").fill("Initrode")
    popup.value.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".field-customer .select2-selection")).to_contain_text("Initrode")
    page.locator("#id_slug").fill(slug)
    page.locator("#id_name").fill("Globex Okta")
    page.get_by_role("button", name="Save", exact=True).click()

    step(page, "metadata").get_by_role("link").click()
    metadata = open_client(base_url=unconnected.parties.idp_url).get("/metadata").text
    page.get_by_label("Metadata of the identity provider").fill(metadata)
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Adopt the metadata").click()
    step(page, "test").get_by_role("link").click()
    page.get_by_role("button", name="Start the test").click()
    page.get_by_role("button", name="Jane Doe").click()
    expect(page.get_by_role("link", name="Back to the connection")).to_be_visible()
    assert_good_as_it_is(page)
    page.get_by_role("link", name="Back to the connection").click()
    step(page, "provisioning").get_by_role("link").click()
    page.get_by_label("Redirect URIs").fill(redirect_uri)
    page.get_by_role("button", name="Create the client and its secret").click()
    expect(page.get_by_label("Client secret", exact=True)).to_be_visible()
    assert_good_as_it_is(page)
    client_id, secret = (page.get_by_label(name, exact=True).input_value() for name in ("Client ID", "Client secret"))
    page.get_by_role("link", name="I have copied it").click()

    # Okta asks for consent, and pushes the first person.
    urls = service.ask("connection", "show", slug)["connections"][0]
    with OAuth2Client(client_id, secret, redirect_uri=redirect_uri, scope="offline_access", trust_env=False) as okta:
        url, state = okta.create_authorization_url(urls["authorize_url"])
        page.goto(url)
        page.get_by_role("button", name="Allow", exact=True).click()
        expect(page.get_by_role("heading", name="Authenticated")).to_be_visible()
        back = f"http://127.0.0.1:{callback.server_port}{callback.first_path}"
        okta.fetch_token(urls["token_url"], authorization_response=back, state=state)
        pushed = okta.post(f"{urls['scim_base_url']}/Users", json=body_of(named(slug)), headers=HEADERS)
        assert pushed.status_code == 201, pushed.text

    # The first person signs in, in a browser of their own.
    person = browser.new_context().new_page()
    person.goto(urls["login_url"])
    person.get_by_role("button", name="Jane Doe").click()
    expect(person).to_have_url(f"{service.url}/me")
    person.context.close()

    page.goto("/admin/core_identity/connection/")
    page.get_by_role("row", name=slug).get_by_role("link").click()
    clicks.pop()  # this one only looks at the result
    for done in ("metadata", "test", "first_sign_in", "provisioning", "consent", "test_call"):
        expect(step(page, done)).to_contain_text("done")
    expect(step(page, "first_push")).to_contain_text("A person arrived.")
    context.close()
    assert len(clicks) <= 15, clicks
