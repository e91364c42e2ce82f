"""Each journey has a customer, an IdP and an Okta of its own; the service is one for all of a worker."""

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, expect

import sso.settings.changes
from core_identity.models import Connection
from core_identity.values import Person
from tests.support.accessibility import assert_accessible
from tests.support.cast import JANE, by_sso, make_connection
from tests.support.okta import Okta
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
    """Sign a new administrator in once: a password is as slow to check as ever."""
    name = f"chief-{secrets.token_hex(4)}"
    password = service.add_administrator(name)
    context = chromium.new_context(base_url=service.url, viewport={"width": 1280, "height": 900})
    desk = Desk(context, [])

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
    page.get_by_role("button", name="Log in").click()
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
