"""Fixtures of the SSO tests: an IdP, a connection that trusts it, and a browser that behaves like a real one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

import sso.settings.changes
from core_identity.models import Connection
from core_identity.values import Person
from sso.settings import keys
from tests.support.cast import ADMIN, JANE, by_sso, make_connection
from tests.support.keys import keys_of_a_test
from tests.support.saml import Claims, TestIdp, request_in

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

SERVICE = "http://localhost:8000"
ACS = f"{SERVICE}/sso/acme/acs"
SLO = "https://idp.test/slo"


@pytest.fixture(scope="session")
def idp() -> TestIdp:
    return TestIdp()


@pytest.fixture(scope="session")
def stranger() -> TestIdp:
    """An IdP that claims to be ours, and has another key."""
    return TestIdp()


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our keys are shorter than in production, and the same in each test. They differ in nothing else."""
    monkeypatch.setattr("sso.saml.key_pair.KEY_BITS", 2048)
    monkeypatch.setattr(rsa, "generate_private_key", keys_of_a_test())


@pytest.fixture
def acme(db: None, idp: TestIdp) -> Connection:
    """A connection that takes roles from SSO groups and believes ``idp``."""
    connection = make_connection(roles_from="sso_groups")
    sso.settings.changes.apply(connection, {"idp_metadata": idp.metadata()}, base_dir=None)
    return connection


@dataclass
class Browser:
    """Keeps cookies as a browser does: a Lax one does not go along with a POST from another site."""

    idp: TestIdp

    def __post_init__(self) -> None:
        self.http = Client(headers={"host": "localhost:8000"})

    def leave(self, slug: str = "acme", **query: str) -> str:
        """Go to the IdP and return the ID of the request that it was sent with."""
        response = self.http.get(f"/sso/{slug}/login", query)
        assert response.status_code == 302
        return str(request_in(response["Location"]).get("ID"))

    def post(self, message: str, *, slug: str = "acme", **fields: str) -> "Answer":
        """Bring a message from the IdP's page, from another site."""
        kept = self.http.cookies.pop("session", None)
        try:
            return self.http.post(f"/sso/{slug}/acs", {"SAMLResponse": message, **fields})
        finally:
            if kept is not None and "session" not in self.http.cookies:
                self.http.cookies["session"] = kept.value

    def come_back(self, person: Person, *, slug: str = "acme", sign: str = "both", **changes: Any) -> "Answer":
        """Sign in as ``person`` up to the answer of the ACS; ``changes`` are of `Claims`."""
        return self.post(self.idp.response(self.claims(person, slug=slug, **changes), sign=sign), slug=slug)

    def claims(self, person: Person, *, slug: str = "acme", **changes: Any) -> Claims:
        request_id = changes.pop("request_id", None) or self.leave(slug)
        acs_url = f"{SERVICE}/sso/{slug}/acs"
        return self.idp.claims(person, acs_url=acs_url, request_id=request_id, **changes)

    def follow(self, answer: "Answer") -> "Answer":
        """Follow the redirects of an answer while they stay on this site."""
        while answer.status_code in {302, 303}:
            target = urlsplit(answer["Location"])
            assert not target.netloc
            answer = self.http.get(answer["Location"])
        return answer

    def sign_in(self, person: Person, **changes: Any) -> "Answer":
        return self.follow(self.come_back(person, **changes))

    def me(self) -> "Answer":
        return self.http.get("/me", headers={"accept": "application/json"})


@pytest.fixture
def browser(acme: Connection, idp: TestIdp) -> Browser:
    return Browser(idp)


def with_logout(connection: Connection, idp: TestIdp) -> None:
    section = {"entity_id": idp.entity_id, "sso_url": idp.sso_url, "slo_url": SLO, "certificates": [idp.pem]}
    sso.settings.changes.apply(connection, section, base_dir=None)
    keys.make_key(actor=ADMIN, connection=connection)


@pytest.fixture
def jane(browser: Browser, acme: Connection) -> Browser:
    """Jane's browser, signed in with an IdP that knows single logout."""
    with_logout(acme, browser.idp)
    browser.sign_in(by_sso(JANE))
    assert browser.me().status_code == 200
    return browser
