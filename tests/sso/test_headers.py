"""The headers of every answer to a browser: pages, redirects, refusals and errors alike."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest
from django.conf import LazySettings
from django.test import Client

from core_identity.models import Connection
from core_identity.services.push.provisioning import create_person
from sso.models import SamlSettings
from tests.sso.conftest import Browser
from tests.sso.test_bindings import believe
from tests.support.cast import JANE, OKTA, by_sso
from tests.support.clock import travel

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

NONSENSE: Final = {"SAMLResponse": "bm9uc2Vuc2U="}


def by_post(browser: Browser) -> Connection:
    connection = Connection.objects.get(slug="acme")
    believe(connection, browser.idp, sso_binding="post", sign_requests=True)
    return connection


def login_by_post(browser: Browser) -> "Answer":
    by_post(browser)
    return browser.http.get("/sso/acme/login")


def sign_out_by_post(browser: Browser) -> "Answer":
    browser.sign_in(by_sso(JANE))
    by_post(browser)
    return browser.http.post("/sign-out")


def finished(browser: Browser) -> "Answer":
    return browser.http.get(browser.come_back(by_sso(JANE))["Location"])


def refused_by_policy(browser: Browser) -> "Answer":
    connection = Connection.objects.get(slug="acme")
    create_person(actor=OKTA, connection=connection, person=replace(JANE, active=False))
    return browser.come_back(by_sso(JANE))


VISITS: Final[dict[str, tuple[int, Callable[[Browser], "Answer"]]]] = {
    "start": (200, lambda browser: browser.http.get("/")),
    "sign-in": (200, lambda browser: browser.http.get("/sign-in")),
    "nobody": (401, lambda browser: browser.http.get("/me")),
    "nobody as JSON": (401, lambda browser: browser.me()),
    "login": (302, lambda browser: browser.http.get("/sso/acme/login")),
    "login by POST": (200, login_by_post),
    "acs": (303, lambda browser: browser.come_back(by_sso(JANE))),
    "acs refused": (400, lambda browser: browser.post("nonsense")),
    "acs refused by policy": (403, refused_by_policy),
    "finish": (302, finished),
    "finish without a ticket": (400, lambda browser: browser.http.get("/sso/acme/finish")),
    "me": (200, lambda browser: browser.sign_in(by_sso(JANE))),
    "logout": (200, lambda browser: browser.http.get("/sso/acme/logout")),
    "logout refused": (400, lambda browser: browser.http.post("/sso/acme/logout", NONSENSE)),
    "sign-out": (302, lambda browser: browser.http.post("/sign-out")),
    "sign-out by POST": (200, sign_out_by_post),
    "sign-out of a foreign page": (403, lambda _: Client(enforce_csrf_checks=True).post("/sign-out")),
    "metadata": (200, lambda browser: browser.http.get("/sso/acme/metadata")),
    "no such connection": (404, lambda browser: browser.http.get("/sso/nowhere/login")),
    "no such page": (404, lambda browser: browser.http.get("/sso/acme/nothing")),
    "another host": (400, lambda browser: browser.http.get("/sign-in", headers={"host": "evil.test"})),
}  # fmt: skip


def expect_careful(answer: "Answer") -> None:
    """No browser keeps it, frames it, guesses its type, or passes on its address; it loads and posts nothing."""
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert {policy[name] for name in ("default-src", "frame-ancestors", "base-uri")} == {"'none'"}
    assert policy["script-src"] == "'self'"
    assert policy["form-action"] in {"'self'", "'self' https://idp.test"}


@pytest.mark.parametrize("visit", VISITS)
def test_every_answer_has_the_headers_that_restrict_a_browser(browser: Browser, visit: str) -> None:
    status, go = VISITS[visit]
    answer = go(browser)
    assert answer.status_code == status
    expect_careful(answer)


def test_the_answer_over_the_limit_has_the_same_careful_headers(browser: Browser, settings: LazySettings) -> None:
    settings.SIGN_IN_FAILURES_PER_MINUTE = 1
    with travel(datetime.now(UTC), tick=False):  # both in one minute
        browser.post("nonsense")
        answer = browser.post("nonsense")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    expect_careful(answer)


def test_a_failure_has_the_security_headers_too(browser: Browser) -> None:
    SamlSettings.objects.update(sso_binding="pigeon")
    browser.http.raise_request_exception = False
    answer = browser.http.get("/sso/acme/login")
    assert answer.status_code == 500
    expect_careful(answer)


WRONG_METHODS: Final = {
    "/sign-in": "GET, HEAD, POST",
    "/sign-out": "POST",
    "/me": "GET, HEAD",
    "/sso/acme/login": "GET",
    "/sso/acme/acs": "POST",
    "/sso/acme/finish": "GET, POST",
    "/sso/acme/logout": "GET, HEAD, POST",
    "/sso/acme/metadata": "GET, HEAD",
}


@pytest.mark.parametrize(("path", "allowed"), WRONG_METHODS.items())
def test_a_wrong_method_is_answered_with_the_right_ones(browser: Browser, path: str, allowed: str) -> None:
    methods = {"GET", "POST", "PUT", "PATCH", "DELETE"} - set(allowed.split(", "))
    for method in methods:
        answer = browser.http.generic(method, path)
        assert (answer.status_code, answer["Allow"]) == (405, allowed)
        expect_careful(answer)
