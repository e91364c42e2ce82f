"""After a sign-in the browser goes to a page of this site, with any RelayState or ``next``, on every way in."""

import re
from urllib.parse import quote

import pytest
from django.conf import LazySettings

from sso.models import SignInState
from sso.sign_in.redirects import LANDING, MAX_PATH, safe_path
from tests.sso.conftest import SERVICE, Browser
from tests.support.cast import JANE, by_sso
from tests.support.relay_states import HOSTILE

JANE_BY_SSO = by_sso(JANE)


@pytest.mark.parametrize("path", HOSTILE)
def test_any_other_path_leads_to_the_landing_page(path: str) -> None:
    assert safe_path(path) == LANDING
    assert safe_path(f"{SERVICE}{path}") == LANDING, "nor behind our own address"


@pytest.mark.parametrize(
    "path",
    [
        "/", "/me", "/me?tab=roles", "/me?next=https://evil.test//x", "/admin/core_identity/user/?q=a&o=-1", "/me#roles", "/me?a=../..",
        "/a.b/..c/...", "/Zo\u00eb", "/Zo%C3%AB", "/a%20b", "/;@evil.test", "/me;a=b", "/evil.test", "/@evil.test",
        "/:8080/", "/https:evil.test", "/a b", "/me/", "/ssos", "/me/sso/x", "/me?next=/%2e/sso/acme/login", "/me#/sso/",
        "/\uff53\uff53\uff4f/acme/login",
        "/oauth/authorize/?redirect_uri=https%3A%2F%2Facme.okta.test%2Fcb&state=%252e", "/" + "x" * (MAX_PATH - 1),
    ],
)  # fmt: skip
def test_a_path_of_ours_is_kept_as_it_is(path: str) -> None:
    """A query and a fragment are not part of the path, so any text is allowed there."""
    assert safe_path(path) == path


def test_the_whole_address_of_a_page_here_is_its_path(settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://core.example.com"
    assert safe_path("https://core.example.com/me?a=b") == "/me?a=b"
    assert safe_path("https://core.example.com/") == "/"
    for other in (
        "https://core.example.com", "https://core.example.com.evil.test/", "https://core.example.com@evil.test/", "https://core.example.com:8443/me",
        "http://core.example.com/me", "https://CORE.example.com/me", "https://core.example.com//evil.test", "https://core.example.com/\\evil.test",
        "https://core.example.com\\@evil.test/", "https://core.example.com/https://core.example.com/..//x",
    ):  # fmt: skip
        assert safe_path(other) == LANDING, other


def test_an_empty_path_leads_to_the_landing_page() -> None:
    assert safe_path(None) == safe_path("") == LANDING


def test_no_page_stores_or_shows_a_foreign_return_path(browser: Browser) -> None:
    """The way to the IdP keeps nothing else, and the sign-in page leads nowhere else."""
    for path in HOSTILE:
        query = f"next={quote(path, safe='', errors='replace')}"
        away = browser.http.get(f"/sso/acme/login?{query}")
        assert away["Location"].startswith(f"{browser.idp.sso_url}?SAMLRequest=")
        assert SignInState.objects.latest("pk").next_path == LANDING
        link = browser.http.get(f"/sign-in?connection=acme&{query}")
        assert (link.status_code, link["Location"]) == (302, "/sso/acme/login?next=%2Fme")
        page = browser.http.get(f"/sign-in?{query}")
        assert page.status_code == 200
        targets = re.findall(r'(?:href|action|src)="([^"]*)"', page.content.decode())
        assert all(target == "#content" or re.match(r"/(?![/\\])", target) for target in targets), (path, targets)
        assert "next=%2Fme" in page.content.decode()


def test_somebody_who_is_signed_in_is_led_to_their_own_page(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    for path in HOSTILE:
        answer = browser.http.get(f"/sign-in?next={quote(path, safe='', errors='replace')}")
        assert (answer.status_code, answer["Location"]) == (302, LANDING)


def test_the_relay_state_of_a_logout_leads_nowhere(browser: Browser) -> None:
    for path in HOSTILE:
        page = browser.http.get(f"/sso/acme/logout?RelayState={quote(path, safe='', errors='replace')}")
        assert page.status_code == 200
        assert not page.has_header("Location")
        assert "evil" not in page.content.decode()
        refused = browser.http.post("/sso/acme/logout", {"SAMLResponse": "x", "RelayState": path})
        assert (refused.status_code, "evil" in refused.content.decode()) == (400, False)
