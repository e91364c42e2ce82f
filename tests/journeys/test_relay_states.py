"""Values that strangers write into RelayState, brought to Chromium: its own reading of an address decides where somebody lands."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route

from core_identity.values import Person
from tests.journeys.conftest import Customer, named, new_customer
from tests.support.cast import by_sso
from tests.support.relay_states import READ_BY_BROWSERS, SECOND_SIGN_INS
from tests.support.saml import TestIdp
from tests.support.service import Service

pytestmark = pytest.mark.browser

IDP_PAGE = "https://idp.test/dashboard"
POST_A_FORM = """([url, fields]) => {
    const form = Object.assign(document.createElement("form"), {method: "post", action: url});
    for (const [name, value] of Object.entries(fields)) {
        const field = document.createElement("textarea");
        Object.assign(field, {name, value});
        form.append(field);
    }
    document.body.append(form);
    form.submit();
}"""
READ_A_PATH = """(spellings) => spellings.map((spelling) => {
    const read = new URL(spelling, location.href);
    return read.host === location.host ? read.pathname : null;
})"""


@pytest.fixture(scope="module")
def tiles(service: Service) -> Customer:
    """A customer whose people start at the IdP's dashboard: so RelayState comes from the IdP or from a stranger."""
    idp = TestIdp()
    return new_customer(service, idp, saml={"idp_metadata": idp.metadata(), "idp_initiated": True})


@pytest.fixture
def visited(window: BrowserContext) -> Iterator[set[str]]:
    """The hosts that the browser asked for anything. The IdP's page is served here; nothing else outside this machine is there."""
    hosts: set[str] = set()

    def answer(route: Route) -> None:
        if route.request.url == IDP_PAGE:
            route.fulfill(body="<title>The IdP</title>", content_type="text/html; charset=utf-8")
        else:
            route.abort()

    def note(request: Request) -> None:
        hosts.add(urlsplit(request.url).netloc)

    window.on("request", note)
    window.route(lambda url: urlsplit(url).hostname != "localhost", answer)
    yield hosts
    window.remove_listener("request", note)


def arrive(page: Page, tiles: Customer, jane: Person, relay_state: str) -> str:
    """Sign in from the IdP's page with a RelayState, and return the address that the browser ends at."""
    page.context.clear_cookies()
    page.goto(IDP_PAGE)
    claims = tiles.idp.claims(by_sso(jane), acs_url=tiles.setup["acs_url"], request_id=None)
    fields = {"SAMLResponse": tiles.idp.response(claims), "RelayState": relay_state}
    with page.expect_navigation(url=re.compile(r"^(?!https://idp\.test)"), wait_until="commit"):
        page.evaluate(POST_A_FORM, [tiles.setup["acs_url"], fields])
    return page.url


def test_no_relay_state_takes_a_browser_to_a_foreign_host(
    service: Service, tiles: Customer, window: BrowserContext, visited: set[str]
) -> None:
    page, jane = window.new_page(), named(tiles.slug)
    landed = {relay_state: arrive(page, tiles, jane, relay_state) for relay_state in READ_BY_BROWSERS}
    elsewhere = {relay_state: url for relay_state, url in landed.items() if url != f"{service.url}/me"}
    assert not elsewhere
    assert visited == {urlsplit(service.url).netloc, "idp.test"}


def test_a_path_of_ours_is_reached_and_what_is_escaped_stays_here(
    service: Service, tiles: Customer, window: BrowserContext, visited: set[str]
) -> None:
    page, jane = window.new_page(), named(tiles.slug)
    page.goto("/me")
    read = page.evaluate(READ_A_PATH, [spelling for spelling, _ in SECOND_SIGN_INS])
    assert read == [path for _, path in SECOND_SIGN_INS], "the table says what Chromium does"
    paths = (
        "/me?tab=roles",
        "/me#roles",
        "/;@evil.test",
        "/@evil.test",
        "/https:evil.test",
    )
    for path in paths:
        assert arrive(page, tiles, jane, path) == f"{service.url}{path}"
    assert arrive(page, tiles, jane, f"{service.url}/me?tab=roles") == f"{service.url}/me?tab=roles"
    assert visited == {urlsplit(service.url).netloc, "idp.test"}
