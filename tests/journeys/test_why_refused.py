"""Somebody is refused and reads out a reference; an administrator finds the cause by it, and tries before anybody signs in (R35, R37)."""

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from demo.idp.server import DemoIdp
from demo.idp.signing_key import load_or_make
from tests.support.clients import open_client
from tests.support.service import Service

pytestmark = pytest.mark.browser
SLUG = "why-refused"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def demo(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoIdp]:
    """A demo IdP with a connection; it is another site than the product, as real ones are."""
    folder = tmp_path_factory.mktemp("why")
    file = folder / "connection.json"
    with DemoIdp(0, sp_url=service.url, connection=SLUG, keys=load_or_make(folder), connection_file=file) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        metadata = open_client(base_url=server.parties.idp_url).get("/metadata").text
        described = {
            "slug": SLUG,
            "name": "Acme Studios",
            "customer": SLUG,
            "roles": {"grantable": ["Editors"], "from": "sso_groups"},
            "saml": {"idp_metadata": metadata},
        }
        file.write_text(json.dumps(service.apply({"roles": ["Editors"], "connections": [described]})))
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def admin(service: Service, window: BrowserContext) -> Page:
    """The window of an administrator, at the first page of the administration."""
    name = f"tess-{next(_numbers)}"
    password = service.add_administrator(name)
    page = window.new_page()
    page.goto(f"{service.url}/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    return page


def choose(page: Page, person: str, **habits: str) -> None:
    if habits:
        page.get_by_text("Choose another Okta").click()
    for name, value in habits.items():
        page.locator(f"input[name={name}][value={value}]").check()
    page.get_by_role("button", name=person).click()


TEXT_BOX: Final = "one => { const range = document.createRange(); range.selectNodeContents(one); return range.getBoundingClientRect(); }"


def nothing_lies_over_the_title(page: Page) -> None:
    """In a narrow window, either; and the page does not run off its side."""
    wide = page.viewport_size
    page.set_viewport_size({"width": 800, "height": 760})
    title = page.locator("#content h1").evaluate(TEXT_BOX)
    buttons = page.locator(".object-tools").bounding_box()
    assert buttons is not None
    assert title["bottom"] <= buttons["y"] or title["right"] <= buttons["x"]
    assert page.evaluate("document.documentElement.scrollWidth") == 800
    page.set_viewport_size(wide or {"width": 1280, "height": 900})


def test_the_cause_is_found_by_what_the_refused_person_reads_out_R35(
    demo: DemoIdp, service: Service, admin: Page, picture: Callable[[Any, str], None]
) -> None:
    person = admin.context.browser.new_context().new_page()  # type: ignore[union-attr]
    person.goto(demo.parties.login_url)
    choose(person, "Omar Haddad", mistake="audience")
    reference = person.locator(".reference").inner_text()
    person.context.close()

    admin.get_by_role("navigation").get_by_role("link", name="Sign-ins", exact=True).click()
    admin.locator("#searchbar").fill(f"{reference[:5].lower()} {reference[5:].lower()}")
    admin.get_by_role("button", name="Search").click()
    nothing_lies_over_the_title(admin)
    admin.locator("#result_list tbody").get_by_role("link", name=reference).click()
    failed = admin.locator("tr.core-failed")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("Audience")
    expect(failed).to_contain_text(f"{service.url}/sso/{SLUG}/metadata")
    picture(admin, "sign-in-trace")
    assert (
        f"FAIL Audience; expected: {service.url}/sso/{SLUG}/metadata" in service.manage("signins", "show", reference)[1]
    )


def test_an_administrator_runs_a_test_sign_in_and_nothing_changes_R37(
    demo: DemoIdp, admin: Page, picture: Callable[[Any, str], None]
) -> None:
    admin.get_by_role("link", name="Connections", exact=True).first.click()
    admin.get_by_role("row", name=SLUG).get_by_role("link").first.click()
    admin.get_by_role("link", name="Test sign-in").first.click()
    admin.get_by_role("button", name="Start the test").click()
    choose(admin, "Jane Doe")
    expect(admin.get_by_text("Would sign in: a new user")).to_be_visible()
    expect(admin.get_by_text("A new user would be created, with the username jane.doe@acme.test")).to_be_visible()
    picture(admin, "test-sign-in")
    shown = admin.url
    admin.goto(shown)
    expect(admin.get_by_text("was already shown")).to_be_visible()
    admin.get_by_role("button", name="Start the test").click()
    choose(admin, "Jane Doe", mistake="no_uid")
    expect(admin.get_by_text("Would be refused: an attribute is missing.")).to_be_visible()
    admin.get_by_role("link", name=re.compile("^[0-9A-Z]{10}$")).click()
    expect(admin.locator("#result_list")).to_contain_text("test: an attribute is missing")
    expect(admin.get_by_role("link", name="Sign out").or_(admin.get_by_role("button", name="Sign out"))).to_be_visible()
