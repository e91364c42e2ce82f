"""docs/reference/urls.md and docs/security-flow.md are right: each address is asked with every credential."""

import hashlib
import re
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from core_identity.models import Connection
from core_identity.services.users import create_user
from core_identity.values import Actor, ActorKind, Channel
from devtools.checkout import this_checkout
from scim import connections
from scim.models import OAuthClient
from tests.architecture.test_urls import ALL, declared
from tests.support.cast import COMMAND, make_connection

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

DOCS: Final = this_checkout().root / "docs"
HOLDERS: Final = ("nobody", "person", "staff", "token", "token of another connection", "token run out")
ADMIN: Final = Actor(Channel.ADMIN, ActorKind.SYSTEM, "test")
FORM: Final = "application/x-www-form-urlencoded"
SAMPLES: Final = {
    "slug": "acme",
    "secret": "x",
    "resource": "00000000-0000-4000-8000-000000000001",
    "name": "User",
    "urn": "urn:x",
}
OPENED_BY: Final = {
    "bearer": {"token"},
    "session": {"person", "staff"},
    "staff": {"staff"},
    "client": set(),  # none of these: it takes the client's id and secret
    "setup_link": set(),  # none of these: it takes the browser that opened a set-up link
    "none": set(HOLDERS),
}


def documented() -> list[tuple[str, str]]:
    """Return the addresses of urls.md, as patterns over paths, each with the word for its credential."""
    rows = re.findall(r"^\| (`.+?) \| (\w+)", (DOCS / "reference" / "urls.md").read_text(), re.MULTILINE)
    return [(address, word) for cell, word in rows for address in re.findall(r"`[A-Z, ]*(/[^`?]*)", cell)]


def fits(address: str, path: str) -> bool:
    if address.endswith("…"):
        return path.startswith(address[:-1].replace("<slug>", "acme"))
    return path == address.replace("<slug>", "acme").replace("<link>", "x")


def sample(path: str) -> str:
    """Return a path that the pattern of a URL fits."""
    if path.startswith("^scim"):
        return "/scim/acme/v2/Nothing"
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: SAMPLES[found[1]], path)


PATHS: Final = {
    sample(path): declared(path, entry) for path, entry in ALL if not path.startswith("admin/") or path == "admin/"
}


def test_the_page_lists_each_address_with_its_credential() -> None:
    listed = documented()
    words = {path: {word for address, word in listed if fits(address, path)} for path in PATHS}
    assert words == {path: {credential} for path, credential in PATHS.items()}


def test_the_page_lists_no_address_that_is_not_there() -> None:
    assert [address for address, _ in documented() if not any(fits(address, path) for path in PATHS)] == []


@pytest.fixture
def holders(db: None, settings: LazySettings) -> dict[str, Client]:
    """A browser or program with each credential; the people and tokens are real."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # for real, but not a million times
    clients = {name: Client(headers={"host": "localhost"}) for name in HOLDERS}
    clients["person"].force_login(create_user(actor=ADMIN, username="person"))
    clients["staff"].force_login(create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True))
    own, other = make_connection(), make_connection("other", customer="Other")
    tokens = {
        "token": token_of(own),
        "token of another connection": token_of(other),
        "token run out": token_of(own, runs_out=True),
    }
    for name, token in tokens.items():
        clients[name].defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return clients


def token_of(connection: Connection, *, runs_out: bool = False) -> str:
    """Get an access token at the token address."""
    secret = connections.apply(connection, {}, rotate_secret=True)
    form = {
        "grant_type": "client_credentials",
        "client_id": connections.urls(connection)["client_id"],
        "client_secret": secret or "",
    }
    answer = Client(headers={"host": "localhost"}).post("/oauth/token/", urlencode(form), content_type=FORM)
    assert answer.status_code == 200, answer.content
    token: str = answer.json()["access_token"]
    if runs_out:
        mine = get_access_token_model().objects.filter(token_checksum=hashlib.sha256(token.encode()).hexdigest())
        assert mine.update(expires=timezone.now() - timedelta(seconds=1)) == 1
    return token


def is_open(answer: "Answer", credential: str) -> bool:
    """Whether the credential was accepted. The resource itself may still be missing."""
    if credential == "staff":
        return answer.status_code not in {302, 401, 403}
    return answer.status_code not in {401, 403}


BY_POST_ONLY: Final = ("/sign-out", "/me/sign-out-everywhere")
"""Buttons that end sessions: a GET is 405 for everybody. Tests of sso send the POST."""

ASKED: Final = [
    path
    for path, credential in PATHS.items()
    if credential in {"bearer", "session", "staff"} and path not in BY_POST_ONLY
]


def test_an_address_opens_for_its_credential_and_for_no_other_R14(holders: dict[str, Client]) -> None:
    client = OAuthClient.objects.get(connection__slug="acme")  # who asks for consent
    wrong = []
    for holder, path in product(HOLDERS, ASKED):
        credential = PATHS[path]
        assert credential is not None
        answer = holders[holder].get(path, {"client_id": client.client_id, "response_type": "code"})
        if is_open(answer, credential) != (holder in OPENED_BY[credential]):
            wrong.append((holder, path, credential, answer.status_code))
    assert wrong == []
    assert ASKED


def test_no_session_and_no_token_replaces_the_clients_secret(holders: dict[str, Client]) -> None:
    form = urlencode({"grant_type": "client_credentials", "token": "x"})
    requests = list(product([path for path, credential in PATHS.items() if credential == "client"], HOLDERS))
    answers = {
        (path, holder): holders[holder].post(path, form, content_type=FORM).status_code for path, holder in requests
    }
    assert answers == dict.fromkeys(requests, 401)
    assert requests


FLOW: Final = (DOCS / "security-flow.md").read_text()


def test_each_stop_of_the_flow_is_there() -> None:
    links = set(re.findall(r"\]\((?!https?:)([^)#]+)", FLOW))
    assert links
    assert sorted(link for link in links if not (DOCS / link).resolve().exists()) == []


def test_each_stop_of_the_flow_has_the_name_of_its_code() -> None:
    def is_called_so(name: str, file: str) -> bool:
        code = (DOCS.parent / file).read_text()
        return Path(file).stem == name or bool(re.search(rf"^(def|class) {name}\b", code, re.MULTILINE))

    names = set(re.findall(r"\[`(\w+)`\]\(\.\./([^)]+\.py)\)", FLOW))
    assert names
    assert sorted(pair for pair in names if not is_called_so(*pair)) == []
