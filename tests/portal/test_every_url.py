"""The browser of a set-up link against every address of the project: its acts are events, and elsewhere it is a stranger (R38)."""

import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.test import Client

from core_identity.models import Connection, Event, User
from core_identity.portal.links import COOKIE
from scim import connections
from tests.architecture.test_every_answer import REGEX
from tests.architecture.test_urls import ALL, declared
from tests.portal.conftest import HOST, Customer
from tests.support.cast import make_connection
from tests.support.saml import TestIdp

CHANGES: Final = re.compile(
    r'[2-9A-HJ-NP-Z]{10}|csrfmiddlewaretoken" value="\w+"|SAMLRequest=[^"&]+|RelayState=[^"&]+|"now": ?"[^"]+"'
)
"""The parts that differ between two answers to the same stranger: the reference, the token of a form, and a message to the IdP."""


def address(path: str, name: str | None, connection: Connection) -> str:
    if "(?P" in path:
        return "/" + REGEX[name if name in REGEX else None]
    samples = {"uuid": str(connection.pk), "int": "1", "slug": connection.slug, "str": connection.slug}
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: samples.get(found[1] or "str", "x"), path)


def seen(answer: Any) -> tuple[int, str, str]:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return (
        answer.status_code,
        CHANGES.sub("", answer.get("Location", "")),
        CHANGES.sub("", body.decode(errors="replace")),
    )


@pytest.fixture
def reachable(globex: Connection) -> Connection:
    connections.apply(globex, {"redirect_uris": ["https://okta.test/callback"]}, rotate_secret=False)
    return globex


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_the_browser_of_a_link_is_a_stranger_at_every_other_address(
    method: str, customer: Customer, reachable: Connection
) -> None:
    stranger = Client(headers={"host": HOST})
    others = [
        (path, entry)
        for path, entry in ALL
        if declared(path, entry) != "setup_link" and entry.name != "oauth-authorize"  # the last test is about it
    ]
    assert len(others) > 130
    for path, entry in others:
        at = address(path, entry.name, reachable)
        with_link = seen(customer.http.generic(method, at))
        assert with_link == seen(stranger.generic(method, at)), f"{method} {at}"
        assert "Globex" not in with_link[2] or not at.startswith(("/admin", "/set-up"))


def test_the_pages_of_a_link_are_closed_to_everybody_else(globex: Connection, boss: User, customer: Customer) -> None:
    own = {entry.name: "/" + path for path, entry in ALL if declared(path, entry) == "setup_link"}
    assert set(own) == {
        "portal",
        "portal-steps",
        "portal-finish",
        "portal-leave",
        "portal-metadata",
        "portal-domains",
        "portal-test",
        "portal-tested",
        "portal-credentials",
    }
    superuser, forger = Client(headers={"host": HOST}), Client(headers={"host": HOST})
    superuser.force_login(boss)
    forger.cookies[COOKIE] = customer.link.browser_hash
    for at in own.values():
        for http in (Client(headers={"host": HOST}), superuser, forger):
            for method in ("GET", "POST"):
                assert http.generic(method, at).status_code in {404, 405}
                assert "Globex" not in http.generic(method, at).content.decode()


def test_the_question_for_consent_is_the_one_other_page_that_the_link_opens(
    customer: Customer, reachable: Connection
) -> None:
    client_id = connections.urls(reachable)["client_id"]
    query = f"client_id={client_id}&response_type=code&redirect_uri=https://okta.test/callback&scope=scim&state=x"
    foreign = make_connection("initech", customer="Initech")
    connections.apply(foreign, {"redirect_uris": ["https://okta.test/callback"]}, rotate_secret=False)
    theirs = query.replace(client_id, connections.urls(foreign)["client_id"])
    for wrong in (theirs, "", "client_id=unknown"):
        for method in ("get", "post"):
            answer = getattr(customer.http, method)(f"/oauth/authorize/?{wrong}")
            assert answer.status_code == 403
            assert "Initech" not in answer.content.decode()
    assert customer.http.get(f"/oauth/authorize/?{query}").status_code == 200
    assert Client(headers={"host": HOST}).get(f"/oauth/authorize/?{query}").status_code == 302


def test_each_act_of_a_link_is_an_event_with_the_link_as_its_actor_R34(
    customer: Customer, reachable: Connection, idp: TestIdp
) -> None:
    """Each address that takes a form, also one that will be added: a new one fails here until it has an act."""
    link = customer.link
    forms: dict[str, Callable[[], Any]] = {
        "portal-open": customer.open,
        "portal-metadata": lambda: customer.send(idp.metadata()),
        "portal-domains": lambda: customer.post("/domains", domain="globex.test", enter="1"),
        "portal-test": lambda: customer.post("/test"),
        "portal-credentials": lambda: customer.post("/credentials", make_token="1", name="Entra"),
        "portal-finish": lambda: customer.post("/finish"),
        "oauth-authorize": lambda: customer.http.post("/oauth/authorize/", consent(reachable)),
        "portal-leave": lambda: customer.post("/leave"),
    }
    own = {entry.name: path for path, entry in ALL if declared(path, entry) == "setup_link"}
    take_forms = {name for name, path in own.items() if customer.http.put(f"/{path}")["Allow"].endswith("POST")}
    assert take_forms | {"portal-open", "oauth-authorize"} == set(forms)
    for name, act in forms.items():
        before = Event.objects.count()
        assert act().status_code < 400, name
        kinds = Event.objects.order_by("pk").values_list("kind", "actor_kind", "actor_id")[before:]
        assert kinds, f"{name} wrote no event"
        assert {(kind, number) for _, kind, number in kinds} == {("setup_link", str(link.pk))}, (name, *kinds)


def consent(connection: Connection) -> dict[str, str]:
    return {
        "client_id": connections.urls(connection)["client_id"],
        "response_type": "code",
        "redirect_uri": "https://okta.test/callback",
        "scope": "scim",
        "state": "x",
        "allow": "Allow",
    }
