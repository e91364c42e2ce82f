"""A new administrator connects a customer with the screen only: each step is ticked by what really happened (R37)."""

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from demo.idp.server import DemoIdp
from demo.idp.signing_key import load_or_make
from tests.journeys.conftest import named
from tests.support.clients import open_client
from tests.support.okta import Okta
from tests.support.service import Service

pytestmark = pytest.mark.browser
SLUG = "globex-okta"


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
def admin(service: Service, window: BrowserContext) -> Page:
    name = f"olga-{secrets.token_hex(3)}"
    password = service.add_administrator(name)
    page = window.new_page()
    page.goto(f"{service.url}/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    return page


def step(page: Page, name: str) -> Any:
    return page.locator(f"#step-{name}")


def test_a_customer_is_connected_step_by_step_from_the_screen_only_R37(
    idp: DemoIdp, service: Service, admin: Page, picture: Callable[[Any, str], None]
) -> None:
    base = f"{service.url}/admin/core_identity"
    admin.goto(f"{base}/customer/add/")
    admin.locator("#id_name").fill("Globex")
    admin.get_by_role("button", name="Save", exact=True).click()
    admin.goto(f"{base}/connection/add/")
    admin.locator(".field-customer .select2-selection").click()
    admin.locator(".select2-search__field").fill("Globex")
    admin.locator(".select2-results__option", has_text="Globex").click()
    admin.locator("#id_slug").fill(SLUG)
    admin.locator("#id_name").fill("Globex Okta")
    admin.get_by_role("button", name="Save", exact=True).click()

    # The overview, with one step done and the values of each vendor's screens.
    expect(admin.get_by_text("Set-up: 1 of 10 steps done.")).to_be_visible()
    expect(step(admin, "basics")).to_contain_text("A second John Smith needs another value")
    expect(admin.get_by_label("Single sign-on URL")).to_have_value(f"{service.url}/sso/{SLUG}/acs")
    expect(admin.get_by_label("UID", exact=True)).to_have_value('user.firstName + "." + user.lastName')
    admin.get_by_role("link", name="Entra", exact=True).click()
    expect(admin.get_by_label("Reply URL (Assertion Consumer Service URL)")).to_have_value(
        f"{service.url}/sso/{SLUG}/acs"
    )
    expect(admin.get_by_label("Tenant URL")).to_have_value(f"{service.url}/scim/{SLUG}/v2")

    # Metadata, pasted.
    step(admin, "metadata").get_by_role("link", name="Enter the metadata").click()
    metadata = open_client(base_url=idp.parties.idp_url).get("/metadata").text
    admin.get_by_label("Metadata of the IdP").fill(metadata)
    admin.get_by_role("button", name="Show the difference").click()
    admin.get_by_role("button", name="Adopt it").click()
    expect(step(admin, "metadata")).to_contain_text("Signing certificate valid until")

    # A test sign-in over the real IdP ticks two steps.
    overview = admin.url
    step(admin, "test").get_by_role("link", name="Test sign-in").click()
    admin.get_by_role("button", name="Start the test").click()
    admin.get_by_role("button", name="Jane Doe").click()
    expect(admin.get_by_text("Would sign in: a new user")).to_be_visible()
    admin.goto(overview)
    expect(step(admin, "saml_app")).to_contain_text("done")
    expect(step(admin, "test")).to_contain_text("done")
    expect(admin.get_by_text("Set-up: 4 of 10 steps done.")).to_be_visible()

    # The OAuth client; its secret is shown once.
    step(admin, "provisioning").get_by_role("link", name="Make the OAuth client").click()
    admin.get_by_role("button", name="Make the client and its secret").click()
    described = service.ask("connection", "show", SLUG)
    setup = {**described["connections"][0], "client_secret": admin.get_by_label("Client secret").input_value()}
    admin.get_by_role("link", name="I have copied it").click()
    expect(step(admin, "provisioning")).to_contain_text("done")

    # Ticks turn while the administrator watches.
    okta = Okta(setup)
    okta.lookup("nobody@globex.test")
    expect(step(admin, "test_call")).to_contain_text("done", timeout=15_000)
    jane = okta.push(named(SLUG))
    okta.push_group("Globex Editors", jane["id"])
    expect(step(admin, "first_push")).to_contain_text("done", timeout=15_000)
    expect(step(admin, "roles")).to_contain_text("1 waiting for a role")
    picture(admin, "connection-set-up")

    # On a telephone nothing runs off the side.
    admin.set_viewport_size({"width": 390, "height": 800})
    assert admin.evaluate("document.documentElement.scrollWidth") == 390


def test_the_overview_shows_a_stranger_nothing_and_a_reader_no_way_to_change_R37(service: Service, admin: Page) -> None:
    """Somebody without a session is led to the sign-in page, also at the address that renews the steps."""
    applied = service.apply({"roles": [], "connections": [{"slug": "globex-two", "name": "Globex Two"}]})
    admin.goto(applied["admin_url"].replace("/change/", "/overview/"))
    expect(admin.get_by_text("Set-up: 2 of 10 steps done.")).to_be_visible()
    stranger = service.http()
    for page in ("overview", "steps"):
        answer = stranger.get(applied["admin_url"].replace("/change/", f"/{page}/"))
        assert answer.status_code == 302
        assert "/admin/login/" in answer.headers["location"]
        assert json.dumps(answer.text).find("globex") == -1
