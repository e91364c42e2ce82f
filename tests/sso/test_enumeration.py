"""A stranger who guesses addresses learns nothing about customers (R1a): a closed connection and a missing one have the same answer."""

import re

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core_identity.models import Connection
from core_identity.services.connections import switch_off
from sso.models import SamlSettings
from tests.support.cast import ADMIN, make_connection

OURS = ("x-request-id", "expires")
"""Headers that differ with each request."""


@pytest.fixture
def closed(acme: Connection) -> tuple[str, ...]:
    """Slugs that open nothing: one switched off, one that only SCIM has, and one that nobody has."""
    switch_off(actor=ADMIN, connection_id=acme.pk, reason="moved")
    make_connection("pushes", customer="Globex")
    assert SamlSettings.objects.count() == 1
    return ("acme", "pushes", "nobody")


def test_a_closed_and_an_unknown_connection_get_the_same_answer(closed: tuple[str, ...]) -> None:
    for path in ("login", "acs", "metadata", "logout", "finish", "other"):
        for method in ("get", "post", "head", "options", "put"):
            seen = {seen_by_a_guest(slug, path, method) for slug in closed}
            assert len(seen) == 1, (path, method, seen)
            assert seen.pop()[0] in {404, 405}, (path, method)


def seen_by_a_guest(slug: str, path: str, method: str) -> tuple[object, ...]:
    """Return everything in an answer that could distinguish two slugs: status, page, headers, cookies, and the statements that it cost."""
    http = Client(headers={"host": "localhost:8000"})
    with CaptureQueriesContext(database) as queries:
        answer = getattr(http, method)(f"/sso/{slug}/{path}", {"SAMLResponse": "x"} if method == "post" else None)
    headers = tuple(sorted((name, value) for name, value in answer.items() if name.lower() not in OURS))
    statements = tuple(re.sub(r"\d", "", one["sql"].replace(slug, "SLUG")) for one in queries)  # but for the time
    page = answer.content.replace(answer["X-Request-Id"].encode(), b"REFERENCE")
    return answer.status_code, page, headers, statements, tuple(answer.cookies)
