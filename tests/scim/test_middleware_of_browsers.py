"""Answers to programs have, byte by byte, the headers that they have with all middleware; and they pay for no session."""

from typing import Any, Final

import pytest
from django.conf import LazySettings, settings
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from tests.scim.conftest import FORM, Scim

OF_LIBRARIES: Final = {
    "Files": "whitenoise.middleware.WhiteNoiseMiddleware",
    "Policy": "csp.middleware.CSPMiddleware",
    "Session": "django.contrib.sessions.middleware.SessionMiddleware",
    "Authentication": "django.contrib.auth.middleware.AuthenticationMiddleware",
    "SessionGate": "core_identity.middleware.SessionGateMiddleware",
    "Messages": "django.contrib.messages.middleware.MessageMiddleware",
}
OURS: Final = "core_identity.config.browser_middleware."
OF_ONE_REQUEST: Final = {"X-Request-Id", "ETag", "Location", "Content-Length", "X-Decision"}
"""Not compared, nor is ``Vary``: an answer that looks at no cookie does not vary by one."""


def answers(scim: Scim, host: str, *, secure: bool) -> dict[str, tuple[int, dict[str, str]]]:
    """Return status and headers of answers of each kind."""
    found = {}
    bearer, wrong = {"authorization": f"Bearer {scim.token}"}, {"authorization": "Bearer x"}
    secrets = {"authorization": "Basic eDp5"}
    requests: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("GET", "/scim/acme/v2/Users", bearer),
        ("GET", "/scim/acme/v2/Users", wrong),
        ("GET", "/scim/acme/v2/Users", {**bearer, "host": "evil.test"}),
        ("GET", "/scim/acme/v2/Users/unknown", bearer),
        ("GET", "/scim/acme/v2/Users?filter=(", bearer),
        ("GET", "/scim/acme/v2/Nothing", bearer),
        ("GET", "/scim/acme/v2/Schemas", {**bearer, "origin": "https://evil.test"}),
        ("POST", "/scim/acme/v2/Users", {**bearer, "content-type": "application/scim+json; charset=base64"}),
        ("BREW", "/scim/acme/v2/Users", bearer),
        ("OPTIONS", "/scim/acme/v2/Users", bearer),
        ("HEAD", "/scim/acme/v2/Users", bearer),
        ("GET", "/oauth/token", {}),
        ("POST", "/oauth/token", {**secrets, "content-type": FORM}),
        ("POST", "/oauth/introspect", {**secrets, "content-type": FORM}),
        ("POST", "/oauth/revoke_token", {**secrets, "content-type": FORM}),
        ("POST", "/oauth/token/nothing", {}),
    )
    for method, path, headers in requests:
        sent = {"host": host, **headers}
        content_type = sent.pop("content-type", "application/scim+json")
        answer = Client(headers=sent).generic(method, path, b"", content_type=content_type, secure=secure)
        kept = {name: value for name, value in answer.headers.items() if name not in {*OF_ONE_REQUEST, "Vary"}}
        assert not answer.cookies
        found[f"{method} {path} {headers}"] = (answer.status_code, kept)
    return found


@pytest.mark.parametrize("secure", [False, True])
def test_answers_to_programs_have_the_headers_that_all_middleware_gives(
    okta: Scim,
    settings: LazySettings,
    secure: bool,
) -> None:
    if secure:
        settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 60
    short = answers(okta, "localhost", secure=secure)
    settings.MIDDLEWARE = [
        OF_LIBRARIES[one.removeprefix(OURS)] if one.startswith(OURS) else one for one in settings.MIDDLEWARE
    ]
    whole = answers(okta, "localhost", secure=secure)
    assert list(short) == list(whole)
    for name, answer in short.items():
        assert answer == whole[name], name
    assert {status for status, _ in short.values()} >= {200, 400, 401, 404, 405}
    for status, headers in short.values():
        assert "default-src 'none'" in headers["Content-Security-Policy"], status
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert ("Strict-Transport-Security" in headers) is secure


def test_plain_http_is_redirected_as_before(db: None, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = Client(headers={"host": "localhost"}).get("/scim/acme/v2/Users")
    assert (answer.status_code, answer["Location"]) == (301, "https://localhost/scim/acme/v2/Users")


def test_each_name_leads_to_its_middleware() -> None:
    ours = [one.removeprefix(OURS) for one in settings.MIDDLEWARE if one.startswith(OURS)]
    assert sorted(ours) == sorted(OF_LIBRARIES)
    from django.utils.module_loading import import_string

    for name, library in OF_LIBRARIES.items():
        kind: Any = import_string(OURS + name)
        assert issubclass(kind, import_string(library))


def test_a_program_with_a_cookie_has_no_session_read(
    okta: Scim,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    okta.get("/Schemas")
    okta.http.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
    with django_assert_num_queries(2):  # token, log
        answer = okta.get("/Schemas")
    assert not hasattr(answer.wsgi_request, "session")
