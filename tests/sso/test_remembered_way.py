"""The sign-in page offers the way of the last sign-in in this browser. The cookie leads nowhere else, and a stranger learns nothing from it."""

import re
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client

import sso.settings.changes
from core_identity.models import Connection
from core_identity.services.connections import switch_off
from sso.sign_in.choices import COOKIE
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, JANE, by_sso, make_connection
from tests.support.clock import travel
from tests.support.saml import TestIdp, now


@pytest.fixture
def globex(acme: Connection, idp: TestIdp) -> Connection:
    """Another customer, so that no connection is listed to strangers."""
    connection = make_connection("globex", customer="Globex")
    sso.settings.changes.apply(connection, {"idp_metadata": idp.metadata()}, base_dir=None)
    return connection


@pytest.fixture
def back(browser: Browser, globex: Connection) -> Client:
    """Jane's browser after a sign-in and a sign-out."""
    browser.sign_in(by_sso(JANE))
    browser.http.post("/sign-out")
    assert browser.me().status_code == 401
    return browser.http


def offered(http: Client) -> list[str]:
    return re.findall(r'href="/sso/([a-z-]+)/login', http.get("/sign-in").content.decode())


def with_cookie(value: str) -> Client:
    """Send the value as it is. Python 3.14 refuses to put a control character into a cookie, but a stranger's program does not."""
    return Client(headers={"host": "localhost:8000", "cookie": f"{COOKIE}={value}"})


def test_a_stranger_is_offered_nothing(browser: Browser, globex: Connection) -> None:
    assert offered(browser.http) == []


def test_a_cookie_that_we_did_not_sign_is_not_read(back: Client, globex: Connection) -> None:
    true = back.cookies[COOKIE].value
    other = signing.get_cookie_signer(salt="another").sign("globex")
    slug, _, rest = true.partition(":")
    assert slug == "acme"
    for value in (
        "acme",
        "globex",
        other,
        f"globex:{rest}",
        f"{true}x",
        true[:-1],
        "//evil.test",
        "",
        ":",
        "::",
        "\x00",
        "x" * 4000,
    ):
        assert offered(with_cookie(value)) == [], value
    assert offered(with_cookie(true)) == ["acme"]


def test_the_cookie_contains_the_slug_and_nothing_about_the_person(back: Client) -> None:
    cookie = back.cookies[COOKIE]
    assert re.fullmatch(r"acme:[A-Za-z0-9]+:[A-Za-z0-9_-]+", cookie.value)
    assert (cookie["samesite"], cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"]) == (
        "Lax", True, True, "/", ""
    )  # fmt: skip


def test_the_way_is_offered_first_and_keeps_where_the_person_wanted_to_go(back: Client) -> None:
    page = back.get("/sign-in", {"next": "/me?x=1"}).content.decode()
    assert "Continue with Acme" in page
    assert 'href="/sso/acme/login?next=%2Fme%3Fx%3D1"' in page
    assert 'name="connection"' in page, "another address can be typed"
    assert "jane" not in page.lower()


def test_a_refused_sign_in_is_not_remembered(browser: Browser, globex: Connection) -> None:
    assert browser.come_back(by_sso(JANE, email=None)).status_code == 403
    assert COOKIE not in browser.http.cookies


def test_a_connection_that_is_switched_off_is_forgotten(back: Client, acme: Connection) -> None:
    switch_off(actor=ADMIN, connection_id=acme.pk, reason="moved")
    page = back.get("/sign-in").content.decode()
    assert "with Acme" not in page
    assert offered(back) == ["globex"], "now the only connection"


def test_a_person_can_let_this_device_forget_the_way(back: Client) -> None:
    answer = back.post("/sign-in", {"forget": "1", "next": "//evil.test"})
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in")
    gone = answer.cookies[COOKIE]
    assert (gone.value, gone["max-age"], gone["secure"], gone["path"]) == ("", 0, True, "/")
    assert offered(back) == []


def test_the_way_is_forgotten_after_half_a_year(back: Client) -> None:
    value = back.cookies[COOKIE].value
    for days, expected in ((179, ["acme"]), (181, [])):
        with travel(now() + timedelta(days=days)):
            assert offered(with_cookie(value)) == expected
