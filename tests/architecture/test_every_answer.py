"""Each address, each kind of failure: the headers that every answer has, and what no line of the log contains (R34)."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import connection as database
from django.test import Client, RequestFactory

from core_identity.config.logs import LineFormatter
from core_identity.config.wsgi import application
from tests.architecture.test_urls import ALL
from tests.support.cast import make_connection

STRANGER: Final = "jane-doe"
SAMPLES: Final = {
    "uuid": str(UUID(int=7)),
    "int": "7",
    "slug": STRANGER,
    "str": f"{STRANGER}@acme.example",
    "path": STRANGER,
}
REGEX: Final = {"scim-nothing": f"scim/{STRANGER}/v1", None: f"admin/{STRANGER}"}
SENT: Final[dict[str, Any]] = {
    "QUERY_STRING": f"filter={STRANGER}",
    "HTTP_X_STRANGER": STRANGER,
    "HTTP_AUTHORIZATION": f"Bearer {STRANGER}",
    "HTTP_COOKIE": f"session={STRANGER}",
    "HTTP_REFERER": f"https://{STRANGER}.test/",
    "secure": True,
}
FAILURES: Final[dict[str, dict[str, Any]]] = {
    "asked plainly": {},
    "another host": {"HTTP_HOST": f"{STRANGER}.test"},
    "a charset that is no text": {"content_type": "text/plain; charset=base64", "QUERY_STRING": ""},
    "plain http": {"secure": False},
}


def addresses() -> Iterator[str]:
    for path, entry in ALL:
        if "(?P" in path:
            yield "/" + REGEX[entry.name if entry.name in REGEX else None]
        else:
            yield "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES[found[1] or "str"], path)
    yield from (
        f"/{STRANGER}",
        f"/static/{STRANGER}",
        f"/oauth/{STRANGER}/",
        f"/scim/{STRANGER}/v2/Users/{STRANGER}@acme.example",
    )


def ask(http: Client, method: str, address: str, **more: Any) -> Any:
    form = f"SAMLResponse={STRANGER}&username={STRANGER}&token={STRANGER}"
    return http.generic(
        method,
        address,
        form,
        **{"content_type": "application/x-www-form-urlencoded", "HTTP_HOST": "localhost", **SENT, **more},
    )


def expect_headers(answer: Any, *, secure: bool) -> None:
    assert answer["Strict-Transport-Security"].startswith("max-age=") if secure else True
    assert "'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cache-Control"]


@pytest.mark.django_db
def test_every_answer_has_the_headers_and_no_line_of_the_log_contains_what_was_sent(
    settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SECURE_HSTS_SECONDS = 60
    settings.FAILURES_PER_MINUTE = settings.SIGN_IN_FAILURES_PER_MINUTE = 100_000
    make_connection(STRANGER)
    http = Client(raise_request_exception=False)
    statuses = set()
    with caplog.at_level("INFO"):
        one_of_each = {address.split("/")[1]: address for address in addresses()}.values()
        for address in addresses():
            for failure, more in FAILURES.items() if address in one_of_each else [("asked plainly", {})]:
                for method in ("GET", "POST", "PROPFIND") if not more else ("POST",):
                    answer = ask(http, method, address, **more)
                    statuses.add(answer.status_code)
                    try:
                        expect_headers(answer, secure=more.get("secure", True))
                    except (AssertionError, KeyError) as fault:
                        pytest.fail(f"{method} {address}, {failure}: {answer.status_code} {fault!r}")
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE core_identity_connection RENAME TO gone")
        for address in (
            "/sso/x/login",
            "/sign-in",
            f"/set-up/open/{STRANGER}",
            f"/scim/x/v2/Users/{STRANGER}@acme.example",
        ):
            answer = ask(http, "GET", address, HTTP_AUTHORIZATION="Bearer scim_x")
            statuses.add(answer.status_code)
            expect_headers(answer, secure=True)
    assert statuses >= {200, 302, 400, 401, 404, 405, 500}
    lines = [LineFormatter().format(record) for record in caplog.records]
    assert any("Traceback" in line for line in lines)
    assert [line for line in lines if STRANGER in line or "acme.example" in line] == []


def test_an_invalid_charset_is_refused_before_django_reads_the_query(db: None) -> None:
    """The test client makes its request outside of our WSGI application, so this test calls that."""
    seen: list[tuple[str, dict[str, str]]] = []
    environ = RequestFactory().post("/sso/x/acs?a=b", b"x", content_type="text/plain").environ
    environ |= {"CONTENT_TYPE": "text/plain; charset=base64", "HTTP_HOST": "localhost"}
    b"".join(application(environ, lambda status, headers: seen.append((status, dict(headers)))))
    [(status, headers)] = seen
    assert status == "400 Bad Request"
    assert "Content-Security-Policy" in headers


def test_a_traceback_keeps_its_frames_and_types_and_no_value() -> None:
    def fail() -> None:
        try:
            int(STRANGER)
        except ValueError as fault:
            raise KeyError(STRANGER) from fault

    try:
        fail()
    except KeyError as failure:
        record = logging.LogRecord(
            "x", logging.ERROR, "x", 1, "It failed", (), (KeyError, failure, failure.__traceback__)
        )
    line = LineFormatter().format(record)
    assert STRANGER not in line.replace("int(STRANGER)", "")
    assert ("KeyError" in line, "ValueError" in line, "in fail" in line) == (True, True, True)


def test_gunicorn_messages_about_a_request_are_cut() -> None:
    for message, args in (
        (f"Invalid request from ip=1.2.3.4: Invalid HTTP request line: 'GET /{STRANGER}'", ()),
        ("Error handling request %s %s", ("GET", f"/{STRANGER}")),
    ):
        record = logging.LogRecord("gunicorn.error", logging.WARNING, "x", 1, message, args, None)
        assert STRANGER not in LineFormatter().format(record)


def test_the_address_of_the_sign_in_page_is_ours_whatever_the_host_header(db: None, settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    answer = Client().get("/me", headers={"host": "evil.test", "accept": "application/json"})
    assert json.loads(answer.content)["sign_in"] == f"{settings.PUBLIC_URL}/sign-in"
