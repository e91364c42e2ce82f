"""Each journey has a customer, an IdP and an Okta of its own; the service is one for all of a worker."""

import http.server
import itertools
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

import sso.settings.changes
from core_identity.models import Connection
from core_identity.values import Person
from demo.idp.server import DemoIdp
from demo.idp.signing_key import load_or_make
from tests.support.accessibility import assert_accessible, load_axe
from tests.support.cast import JANE, by_sso, make_connection
from tests.support.okta import Okta
from tests.support.renewal import renew_soon
from tests.support.saml import TestIdp, request_in
from tests.support.service import Service


@pytest.fixture(scope="session")
def idp() -> TestIdp:
    return TestIdp()


@pytest.fixture
def acme(db: None, idp: TestIdp) -> Connection:
    """A connection with both channels in the database of the tests, for journeys that look into it."""
    connection = make_connection()
    sso.settings.changes.apply(connection, {"idp_metadata": idp.metadata()}, base_dir=None)
    return connection


_numbers = itertools.count(1)


@dataclass(frozen=True)
class Customer:
    """One customer with one connection: the setup for the IdP's administrator, the IdP, and their Okta."""

    service: Service
    idp: TestIdp
    setup: dict[str, Any]

    @property
    def slug(self) -> str:
        return str(self.setup["slug"])

    def okta(self) -> Okta:
        return Okta(self.setup)

    def sign_in(self, person: Person, http: httpx.Client | None = None) -> httpx.Response:
        """Go the whole way of a sign-in with real messages; return the page at its end, or the refusal."""
        http = http or self.service.http()
        away = http.get(self.setup["login_url"])
        assert away.status_code == 302, away.text
        request_id = str(request_in(away.headers["location"]).get("ID"))
        claims = self.idp.claims(by_sso(person), acs_url=self.setup["acs_url"], request_id=request_id)
        # The session cookie is Lax: it does not come with a POST from another site.
        cookie = {"Cookie": "; ".join(f"{c.name}={c.value}" for c in http.cookies.jar if c.name != "session")}
        # httpx keeps no Secure cookie on http; Chromium, for localhost, does.
        cookie["Cookie"] = "; ".join(filter(None, (cookie["Cookie"], f"__Host-sign-in={_cookie_of(away)}")))
        answer = http.post(self.setup["acs_url"], data={"SAMLResponse": self.idp.response(claims)}, headers=cookie)
        if answer.status_code != 303:
            return answer
        token = _cookie_of(answer)
        finished = http.get(answer.headers["location"], headers={"Cookie": f"__Host-sign-in={token}"})
        assert finished.status_code == 302, finished.text
        return http.get(finished.headers["location"])

    def user(self, key: str) -> dict[str, Any]:
        user = self.service.ask("user", "show", key, "--connection", self.slug)
        assert isinstance(user, dict)
        return user


def _cookie_of(answer: httpx.Response) -> str:
    for line in answer.headers.get_list("set-cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        if name == "__Host-sign-in":
            return value
    raise AssertionError("no cookie was set")


@pytest.fixture
def customer(service: Service, idp: TestIdp) -> Customer:
    return new_customer(service, idp)


def new_customer(service: Service, idp: TestIdp, **connection: Any) -> Customer:
    """Make a customer with one connection by the command that scripts use; ``connection`` adds keys to its description."""
    slug = f"acme-{next(_numbers)}-{secrets.token_hex(3)}"
    described = {
        "slug": slug,
        "name": "Acme Studios",
        "customer": slug,
        "roles": {"grantable": ["Editors", "Viewers"], "from": "push_groups"},
        "saml": {"idp_metadata": idp.metadata()},
        "scim": {"grants": ["client_credentials"]},
    }
    setup = service.apply({"roles": ["Editors", "Viewers"], "connections": [described | connection]})
    return Customer(service, idp, setup)


def named(slug: str) -> Person:
    """Return Jane as a person of one journey only: the same name, other keys."""
    return replace(
        JANE,
        uid=f"jane.doe.{slug}",
        external_id=f"00u-{slug}",
        user_name=f"jane.{slug}@acme.test",
        email=f"jane.{slug}@acme.test",
    )


@pytest.fixture
def jane(customer: Customer) -> Person:
    return named(customer.slug)


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


# The administration in a browser

CORE_USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"


@pytest.fixture(scope="module")
def busy(service: Service, idp: TestIdp) -> Customer:
    """A customer with a person, a group that gives no role, a conflict, and a refused push."""
    customer = new_customer(service, idp)
    okta = customer.okta()
    person = named(customer.slug)
    pushed = okta.push(person)
    okta.push_group("Archivists", pushed["id"])
    assert customer.sign_in(person).status_code == 200
    name = f"zoe.{customer.slug}"
    email = [{"value": person.email, "primary": True}]
    assert okta.http.post("/Users", json={"schemas": [CORE_USER], "userName": name, "emails": email}).status_code == 409
    return customer


@dataclass(frozen=True)
class Desk:
    """The browser of an administrator of one file of journeys, and what its console complained about."""

    context: BrowserContext
    faults: list[str]


@pytest.fixture(scope="module")
def signed_in_desk(chromium: Browser, service: Service) -> Iterator[Desk]:
    """Sign a new administrator in once."""
    name = f"chief-{secrets.token_hex(4)}"
    password = service.add_administrator(name)
    context = chromium.new_context(base_url=service.url, viewport={"width": 1280, "height": 900})
    desk = Desk(renew_soon(context), [])
    load_axe(context)

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            desk.faults.append(message.text)

    context.on("weberror", lambda error: desk.faults.append(str(error.error)))
    context.on("console", note)
    page = context.new_page()
    page.goto("/admin/")
    assert_accessible(page)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name=f"Hello, {name}")).to_be_visible()
    yield desk
    context.close()


@pytest.fixture
def desk(signed_in_desk: Desk) -> Iterator[BrowserContext]:
    """An administrator's browser with one page. An error or warning in its console fails the journey."""
    first, *others = signed_in_desk.context.pages
    for page in others:
        page.close()
    first.set_viewport_size({"width": 1280, "height": 900})
    first.emulate_media(color_scheme="light")
    yield signed_in_desk.context
    faults = signed_in_desk.faults.copy()
    signed_in_desk.faults.clear()
    assert not faults


# A set-up by hand


@pytest.fixture
def unconnected(request: pytest.FixtureRequest, service: Service, tmp_path: Path) -> Iterator[DemoIdp]:
    """An IdP that nobody has connected yet. A test module names its connection as ``SLUG``."""
    slug, file = request.module.SLUG, tmp_path / "connection.json"
    with DemoIdp(0, sp_url=service.url, connection=slug, keys=load_or_make(tmp_path), connection_file=file) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def administrator(service: Service, window: BrowserContext) -> Page:
    """A superuser in the administration, who has just signed in."""
    name = f"olga-{secrets.token_hex(3)}"
    password = service.add_administrator(name)
    page = window.new_page()
    page.goto(f"{service.url}/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    return page


def connect_by_hand(page: Page, service: Service, *, customer: str, slug: str, name: str) -> str:
    """Make a customer and its connection in the administration. Return the address of the overview."""
    base = f"{service.url}/admin/core_identity"
    page.goto(f"{base}/customer/add/")
    page.locator("#id_name").fill(customer)
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(f"{base}/connection/add/")
    page.locator(".field-customer .select2-selection").click()
    page.locator(".select2-search__field").fill(customer)
    page.locator(".select2-results__option", has_text=customer).click()
    page.locator("#id_slug").fill(slug)
    page.locator("#id_name").fill(name)
    page.get_by_role("button", name="Save", exact=True).click()
    return page.url


def step(page: Page, name: str) -> Locator:
    return page.locator(f"#step-{name}")


class Callback(http.server.ThreadingHTTPServer):
    """Where the IdP waits for its code: another origin than the service's."""

    first_path: str = ""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        server.first_path = server.first_path or self.path
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><title>Okta</title><h1>Authenticated</h1>")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def callback() -> Iterator[Callback]:
    server = Callback(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
