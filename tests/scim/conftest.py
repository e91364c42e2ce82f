"""Fixtures of SCIM: a connection, a token got as Okta's scripts get one, and a client that speaks SCIM."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.test import Client

import scim.connections
from core_identity.models import Connection
from tests.support.cast import make_connection

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
HOST = "localhost"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Secrets:
    """The values that the administrator of the IdP enters. They are shown once, when the client is created."""

    client_id: str
    client_secret: str

    @property
    def basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()


@dataclass
class Scim:
    """A SCIM client of one connection over Django's test client: real requests, real tokens."""

    connection: Connection
    token: str

    def __post_init__(self) -> None:
        self.http = Client(headers={"host": HOST}, raise_request_exception=True)

    def url(self, path: str) -> str:
        return f"/scim/{self.connection.slug}/v2{path}"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> "Answer":
        sent = {"Authorization": f"Bearer {self.token}", "Accept": "application/scim+json", **headers}
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        content_type = sent.pop("Content-Type", "application/scim+json; charset=utf-8")
        url = path if path.startswith("/scim/") else self.url(path)
        return self.http.generic(method, url, content, content_type=content_type, headers=sent)

    def get(self, path: str, **query: str) -> "Answer":
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Any) -> "Answer":
        return self.send("POST", path, body)

    def put(self, path: str, body: Any) -> "Answer":
        return self.send("PUT", path, body)

    def patch(self, path: str, *operations: Any) -> "Answer":
        schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
        return self.send("PATCH", path, {"schemas": schemas, "Operations": list(operations)})

    def delete(self, path: str) -> "Answer":
        return self.send("DELETE", path)

    def make(self, user_name: str = "jane.doe@acme.test", /, **more: Any) -> dict[str, Any]:
        """Push a person and return the resource as answered."""
        response = self.post("/Users", {**person(user_name), **more})
        assert response.status_code == 201, response.content
        resource: dict[str, Any] = response.json()
        return resource


def person(user_name: str = "jane.doe@acme.test") -> dict[str, Any]:
    """Return a User as Okta's wizard apps send it, with names made of the userName."""
    given_name, _, family_name = user_name.partition("@")[0].partition(".")
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": user_name,
        "name": {"givenName": given_name.title(), "familyName": family_name.title() or "Doe"},
        "emails": [{"primary": True, "value": user_name, "type": "work"}],
        "displayName": user_name.partition("@")[0],
        "active": True,
    }


def error(response: "Answer", status: int, scim_type: str | None = None) -> str:
    """Assert that an answer is this SCIM error, whole, and return its sentence."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/scim+json"
    document = json.loads(response.content)
    detail: str = document.pop("detail")
    expected = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status)}
    assert document == (expected if scim_type is None else {**expected, "scimType": scim_type})
    assert f"(Reference: {response['X-Request-Id']})" in detail
    return detail


def secrets_of(connection: Connection, **section: Any) -> Secrets:
    """Make the OAuth client of a connection as its file would."""
    secret = scim.connections.apply(connection, section, rotate_secret=True)
    assert secret is not None
    return Secrets(scim.connections.urls(connection)["client_id"], secret)


def token_of(secrets: Secrets) -> str:
    """Get an access token by client credentials."""
    form = {"grant_type": "client_credentials", "scope": "scim"}
    http = Client(headers={"host": HOST})
    headers = {"Authorization": secrets.basic}
    response = http.post("/oauth/token/", urlencode(form), content_type=FORM, headers=headers)
    assert response.status_code == 200, response.content
    token: str = response.json()["access_token"]
    return token


@pytest.fixture(autouse=True)
def _fast_hashes(settings: LazySettings) -> None:
    """Secrets are hashed for real, but not a million times over in every test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def connection(db: None) -> Connection:
    return make_connection()


@pytest.fixture
def okta(connection: Connection) -> Scim:
    return Scim(connection, token_of(secrets_of(connection)))


@pytest.fixture
def other(db: None) -> Scim:
    """The SCIM client of another customer's connection."""
    connection = make_connection("globex", customer="Globex")
    return Scim(connection, token_of(secrets_of(connection)))


@pytest.fixture
def log_lines(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[Any]]]:
    with caplog.at_level("INFO", logger="scim.requests"):
        yield lambda: [record for record in caplog.records if record.name == "scim.requests"]
