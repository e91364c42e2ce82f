"""A new administrator connects a customer with the screen only: each step is ticked by what really happened (R37)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from demo.idp.server import DemoIdp
from tests.journeys.conftest import connect_by_hand, named, step
from tests.support.clients import open_client
from tests.support.okta import Okta
from tests.support.service import Service

pytestmark = pytest.mark.browser
SLUG = "globex-okta"


def test_a_customer_is_connected_step_by_step_from_the_screen_only_R37(
    unconnected: DemoIdp, service: Service, administrator: Page, picture: Callable[[Any, str], None]
) -> None:
    overview = connect_by_hand(administrator, service, customer="Globex", slug=SLUG, name="Globex Okta")

    # The overview, with one step done and the values of each vendor's screens.
    expect(administrator.get_by_text("Set-up: 1 of 10 steps done.")).to_be_visible()
    expect(step(administrator, "basics")).to_contain_text("A second John Smith needs another value")
    expect(administrator.get_by_label("Single sign-on URL", exact=True)).to_have_value(f"{service.url}/sso/{SLUG}/acs")
    expect(administrator.get_by_label("UID", exact=True)).to_have_value('user.firstName + "." + user.lastName')
    administrator.get_by_role("link", name="Entra", exact=True).click()
    expect(administrator.get_by_label("Reply URL (Assertion Consumer Service URL)", exact=True)).to_have_value(
        f"{service.url}/sso/{SLUG}/acs"
    )
    expect(administrator.get_by_label("Tenant URL", exact=True)).to_have_value(f"{service.url}/scim/{SLUG}/v2")
    expect(step(administrator, "saml_app")).to_contain_text("AADSTS700016")
    administrator.get_by_role("link", name="Okta", exact=True).click()
    expect(step(administrator, "saml_app")).to_contain_text("Create App Integration")

    # Metadata, pasted.
    step(administrator, "metadata").get_by_role("link", name="Enter the metadata").click()
    metadata = open_client(base_url=unconnected.parties.idp_url).get("/metadata").text
    administrator.get_by_label("Metadata of the identity provider").fill(metadata)
    administrator.get_by_role("button", name="Preview").click()
    administrator.get_by_role("button", name="Adopt the metadata").click()
    expect(step(administrator, "metadata")).to_contain_text("Signing certificate valid until")

    # A test sign-in over the real IdP ticks two steps.
    step(administrator, "test").get_by_role("link", name="Test sign-in").click()
    administrator.get_by_role("button", name="Start the test").click()
    administrator.get_by_role("button", name="Jane Doe").click()
    expect(administrator.get_by_text("Would sign in: a new user")).to_be_visible()
    administrator.goto(overview)
    expect(step(administrator, "saml_app")).to_contain_text("done")
    expect(step(administrator, "test")).to_contain_text("done")
    expect(administrator.get_by_text("Set-up: 4 of 10 steps done.")).to_be_visible()

    # The OAuth client; its secret is shown once.
    step(administrator, "provisioning").get_by_role("link", name="Create the OAuth client").click()
    administrator.get_by_role("button", name="Create the client and its secret").click()
    described = service.ask("connection", "show", SLUG)
    setup = {**described["connections"][0], "client_secret": administrator.get_by_label("Client secret").input_value()}
    administrator.get_by_role("link", name="I have copied it").click()
    expect(step(administrator, "provisioning")).to_contain_text("done")

    # Ticks turn while the administrator watches, and health is current, without a reload.
    health = administrator.locator("#live-health")
    expect(health).to_contain_text("Last request none yet")
    okta = Okta(setup)
    okta.lookup("nobody@globex.test")
    expect(step(administrator, "test_call")).to_contain_text("done", timeout=15_000)
    expect(health).to_contain_text("Last request just now")
    expect(health).to_contain_text("0 of 1 (0")
    jane = okta.push(named(SLUG))
    okta.push_group("Globex Editors", jane["id"])
    expect(step(administrator, "first_push")).to_contain_text("done", timeout=15_000)
    expect(step(administrator, "roles")).to_contain_text("1 group waits for a role.")
    expect(administrator.get_by_text("Set-up: 8 of 10", exact=True)).to_be_visible()
    administrator.reload()
    picture(administrator, "connection")

    # On a telephone nothing runs off the side.
    administrator.set_viewport_size({"width": 390, "height": 800})
    assert administrator.evaluate("document.documentElement.scrollWidth") == 390


def test_the_overview_shows_a_stranger_nothing_and_a_reader_no_way_to_change_R37(
    service: Service, administrator: Page
) -> None:
    """Somebody without a session is led to the sign-in page, also at the address that renews the steps."""
    applied = service.apply({"roles": [], "connections": [{"slug": "globex-two", "name": "Globex Two"}]})
    administrator.goto(applied["admin_url"].replace("/change/", "/overview/"))
    expect(administrator.get_by_text("Set-up: 2 of 10 steps done.")).to_be_visible()
    stranger = service.http()
    for page in ("overview", "steps"):
        answer = stranger.get(applied["admin_url"].replace("/change/", f"/{page}/"))
        assert answer.status_code == 302
        assert "/admin/login/" in answer.headers["location"]
        assert json.dumps(answer.text).find("globex") == -1
