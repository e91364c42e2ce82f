"""One service for all journeys of a worker; each journey has a customer, an IdP and an Okta of its own."""

import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from core_identity.values import Person
from devtools.checkout import this_checkout
from tests.support.cast import JANE, by_sso
from tests.support.clients import close_clients
from tests.support.okta import Okta
from tests.support.saml import TestIdp, request_in
from tests.support.service import Service, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="session")
def idp() -> TestIdp:
    return TestIdp()


_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def closed_clients() -> Iterator[None]:
    yield
    close_clients()


@dataclass(frozen=True)
class Customer:
    """One customer with one connection: what was told to the IdP's administrator, the IdP, and their Okta."""

    service: Service
    idp: TestIdp
    told: dict[str, Any]

    @property
    def slug(self) -> str:
        return str(self.told["slug"])

    def okta(self) -> Okta:
        return Okta(self.told)

    def sign_in(self, person: Person, http: httpx.Client | None = None) -> httpx.Response:
        """Go the whole way of a sign-in with real messages; return the page at its end, or the refusal."""
        http = http or self.service.http()
        away = http.get(self.told["login_url"])
        assert away.status_code == 302, away.text
        request_id = str(request_in(away.headers["location"]).get("ID"))
        claims = self.idp.claims(by_sso(person), acs_url=self.told["acs_url"], request_id=request_id)
        # The session cookie is Lax: it does not come with a POST from another site.
        cookie = {"Cookie": "; ".join(f"{c.name}={c.value}" for c in http.cookies.jar if c.name != "session")}
        # httpx keeps no Secure cookie on http; Chromium, for localhost, does.
        cookie["Cookie"] = "; ".join(filter(None, (cookie["Cookie"], f"__Host-sign-in={_cookie_of(away)}")))
        answer = http.post(self.told["acs_url"], data={"SAMLResponse": self.idp.response(claims)}, headers=cookie)
        if answer.status_code != 303:
            return answer
        token = _cookie_of(answer)
        finished = http.get(answer.headers["location"], headers={"Cookie": f"__Host-sign-in={token}"})
        assert finished.status_code == 302, finished.text
        return http.get(finished.headers["location"])

    def user(self, key: str) -> dict[str, Any]:
        told = self.service.ask("user", "show", key, "--connection", self.slug)
        assert isinstance(told, dict)
        return told


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
    told = service.apply({"roles": ["Editors", "Viewers"], "connections": [described | connection]})
    return Customer(service, idp, told)


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


# Chromium


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Fail, never skip, where there is none: `./dev test` installs it and says where it is."""
    path = os.environ.get("CHROMIUM")
    assert path, "CHROMIUM is not set. Run the tests by ./dev test."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser, service: Service) -> Iterator[BrowserContext]:
    """A fresh browser profile. Whatever a page writes to its console as an error fails the journey."""
    context = chromium.new_context(base_url=service.url, viewport={"width": 1100, "height": 760})
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    yield context
    context.close()
    assert not faults


@pytest.fixture(scope="session")
def picture() -> Callable[[Any, str], None]:
    """Take a picture of a page for the documents. They land in .dev/pictures; PICTURES names another folder."""
    folder = Path(os.environ.get("PICTURES") or this_checkout().make_state_folder("pictures"))
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Any, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return take


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""
