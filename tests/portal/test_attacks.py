"""Attacks with a set-up link, and mistakes that look like one: two tabs, an end in the middle, hostile metadata, a full event table (R38)."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core_identity.config.logs import LineFormatter
from core_identity.models import Connection, Event, SetupLink, User
from core_identity.portal import pages
from core_identity.portal.links import make_link, revoke_link
from core_identity.services.users import create_user
from scim import connections
from scim.models import BearerToken
from sso.models import SamlSettings
from tests.portal.conftest import HOST, Customer, link_to
from tests.support.cast import COMMAND, make_connection
from tests.support.saml import TestIdp

PAGES: Final = ("", "/steps", "/metadata", "/domains", "/test", "/tested", "/credentials")
CONSENT: Final = "client_id={}&response_type=code&redirect_uri=https://okta.test/callback&scope=scim&state=x"


def test_no_page_of_a_link_names_the_superuser_who_made_it(globex: Connection, idp: TestIdp) -> None:
    maker = create_user(
        actor=COMMAND, username="olga.petrova", email="olga@core.test", is_staff=True, is_superuser=True
    )
    customer = link_to(globex, maker)
    before = customer.http.get(f"/set-up/open/{customer.secret}")
    customer.open()
    customer.send(idp.metadata())
    connections.apply(globex, {"redirect_uris": ["https://okta.test/callback"]}, rotate_secret=False)
    consent = customer.http.get(f"/oauth/authorize/?{CONSENT.format(connections.urls(globex)['client_id'])}")
    assert consent.status_code == 200
    credentials = customer.post("/credentials", make_token="1", name="x")
    elsewhere = Client(headers={"host": HOST}).get(f"/set-up/open/{customer.secret}")
    for answer in (before, consent, credentials, elsewhere, *map(customer.get, PAGES), customer.post("/leave")):
        assert "olga" not in answer.content.decode().lower(), answer.request["PATH_INFO"]


# Two links in one browser


def token_in(answer: Any) -> str:
    found = re.search(r'csrfmiddlewaretoken" value="(\w+)"', answer.content.decode())
    assert found is not None
    return found[1]


@pytest.fixture
def tabs(globex: Connection, boss: User) -> tuple[Client, str]:
    """A browser with a form of Globex in one tab, in which Initech's link was opened later. Return it with the token of the form."""
    http = Client(headers={"host": HOST}, enforce_csrf_checks=True)
    initech = make_connection("initech", customer="Initech")
    token = ""
    for connection in (globex, initech):
        address = f"/set-up/open/{make_link(actor=COMMAND, connection=connection, created_by=boss)}"
        opened = http.post(address, {"csrfmiddlewaretoken": token_in(http.get(address))})
        assert opened.status_code == 302
        token = token or token_in(http.get("/set-up/metadata"))
    return http, token


def test_a_form_of_one_link_does_nothing_at_the_connection_of_another(tabs: tuple[Client, str], idp: TestIdp) -> None:
    http, token = tabs
    forms = {
        "/set-up/metadata": {"metadata": idp.metadata()},
        "/set-up/credentials": {"make_token": "1", "name": "Globex"},
        "/set-up/finish": {},
        "/set-up/leave": {},
    }
    for address, form in forms.items():
        answer = http.post(address, {**form, "csrfmiddlewaretoken": token})
        assert answer.status_code == 403, address
        assert "This form is out of date" in answer.content.decode()
    assert not SamlSettings.objects.exists()
    assert not BearerToken.objects.exists()
    assert (
        http.post("/set-up/finish", {"csrfmiddlewaretoken": token_in(http.get("/set-up/metadata"))}).status_code == 302
    )


def test_a_page_of_one_link_does_not_show_the_ticks_of_another(tabs: tuple[Client, str], globex: Connection) -> None:
    http, _ = tabs
    link, other = (SetupLink.objects.get(connection__slug=slug) for slug in ("initech", "globex"))
    page = http.get("/set-up").content.decode()
    assert f'data-renew="/set-up/steps?link={link.pk}"' in page
    assert http.get("/set-up/steps", {"link": link.pk}).status_code == 200
    assert http.get("/set-up/steps", {"link": other.pk}).status_code == 404


def test_each_page_names_the_connection_that_it_sets_up(customer: Customer, idp: TestIdp, globex: Connection) -> None:
    customer.send(idp.metadata())
    for page in ("", "/metadata", "/domains", "/test", "/tested", "/credentials"):
        assert f"Set-up of {globex.name}" in customer.get(page).content.decode(), page


# An end in the middle


def test_a_link_that_ends_while_the_difference_is_shown_installs_nothing(
    customer: Customer, globex: Connection, idp: TestIdp
) -> None:
    shown = customer.post("/metadata", metadata=idp.metadata()).context["form"].preview_digest
    revoke_link(actor=COMMAND, connection=globex, link_id=customer.link.pk)
    assert customer.post("/metadata", metadata=idp.metadata(), shown=shown, send="1").status_code == 404
    assert not SamlSettings.objects.exists()


def test_a_new_link_closes_the_pages_of_the_one_before_and_its_own_browser_too(
    customer: Customer, globex: Connection, boss: User
) -> None:
    newer = link_to(globex, boss)
    assert {customer.get(page).status_code for page in PAGES} == {404}
    assert customer.open().status_code == 404
    customer.secret = newer.secret
    assert customer.open().status_code == 302
    assert newer.open().status_code == 403, "it is open in the first browser"


# Programs that open links


def test_a_program_that_only_looks_uses_nothing_up(globex: Connection, boss: User) -> None:
    customer = link_to(globex, boss)
    scanner = Client(headers={"host": HOST}, enforce_csrf_checks=True)
    address = f"/set-up/open/{customer.secret}"
    assert [getattr(scanner, method)(address).status_code for method in ("head", "get", "post", "put", "options")] == [
        200, 200, 403, 403, 405,
    ]  # fmt: skip
    assert customer.link.openings == 0
    assert customer.open().status_code == 302
    assert customer.http.head("/set-up/tested", {"ticket": "x"}).status_code == 405, "the result is shown once"


def test_the_secret_of_a_link_is_in_no_log(globex: Connection, boss: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    customer = link_to(globex, boss)
    strict = Client(headers={"host": HOST}, enforce_csrf_checks=True)
    for http in (strict, customer.http, Client(headers={"host": HOST})):
        for method in ("head", "get", "post", "put"):
            getattr(http, method)(f"/set-up/open/{customer.secret}")
    Client(headers={"host": "evil.test"}).get(f"/set-up/open/{customer.secret}")
    assert any(customer.secret in record.getMessage() for record in caplog.records), "as Django writes it"
    lines = [LineFormatter().format(record) for record in caplog.records]
    assert not [line for line in lines if customer.secret in line]


# Hostile metadata


def laughs() -> str:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY a0 "ha">{entities}]><x>&a9;</x>'


HOSTILE: Final[dict[str, Callable[[], str]]] = {
    "entities of entities": laughs,
    "a file of ours": lambda: '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
    "an address of ours": lambda: '<!DOCTYPE x [<!ENTITY f SYSTEM "http://127.0.0.1:9/">]><x>&f;</x>',
    "a foreign DTD": lambda: '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>',
    "very deep": lambda: "<x>" * 100_000,
    "very wide": lambda: f"<x>{'<y/>' * 100_000}</x>",
    "very long": lambda: f"<x>{'y' * 3_000_000}</x>",
    "one long attribute": lambda: f'<x y="{"z" * 900_000}"/>',
    "another encoding": lambda: '<?xml version="1.0" encoding="UTF-7"?>+ADw-x/+AD4-',
    "a script": lambda: "<script>alert(1)</script>",
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("way", ["pasted", "file"])
def test_hostile_metadata_is_refused_soon_and_shown_harmless(customer: Customer, case: str, way: str) -> None:
    xml, began = HOSTILE[case](), time.monotonic()
    form = {"metadata": xml} if way == "pasted" else {"file": SimpleUploadedFile("m.xml", xml.encode())}
    answer = customer.post("/metadata", **form, send="1", shown="")
    assert time.monotonic() - began < 5
    assert answer.status_code == 200
    page = answer.content.decode()
    assert 'role="alert"' in page
    assert "root:" not in page
    assert "<script>alert" not in page
    assert not SamlSettings.objects.exists()


# A link that works without end


def test_a_link_writes_a_bounded_number_of_events_a_day(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "ACTS_PER_DAY", 5)
    answers = [customer.post("/credentials", make_token="1", name=f"token {n}") for n in range(8)]
    assert [one.status_code for one in answers] == [200] * 5 + [429] * 3
    assert 60 < int(answers[-1]["Retry-After"]) <= 86_400
    assert Event.objects.filter(actor_kind="setup_link").count() <= 6
    assert customer.get().status_code == 200, "the page can still be read"


def test_a_link_that_its_browser_opens_again_and_again_fills_no_table(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each opening is an event, and the browser may have any number of addresses."""
    monkeypatch.setattr(pages, "ACTS_PER_DAY", 5)
    answers = [
        customer.http.post(f"/set-up/open/{customer.secret}", REMOTE_ADDR=f"192.0.2.{number}") for number in range(8)
    ]
    assert [one.status_code for one in answers] == [302] * 4 + [429] * 4, "it was open already"
    assert Event.objects.filter(kind="setup_link.opened").count() == 5
    other = Customer(customer.secret)
    assert [other.open().status_code for _ in range(8)] == [403] * 8, "an opening that is refused does not count"
