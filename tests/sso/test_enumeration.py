"""Whoever guesses addresses learns nothing of our customers (R1a): no answer tells one that is not open from one that is not there."""

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core_identity.models import Connection
from core_identity.services.connections import switch_off
from sso.models import SamlSettings
from tests.support.cast import ADMIN, make_connection

OURS = ("x-request-id",)
"""Headers that differ with each request."""


@pytest.fixture
def closed(acme: Connection) -> tuple[str, ...]:
    """Slugs that open nothing: one switched off, one that only SCIM has, and one that nobody has."""
    switch_off(actor=ADMIN, connection_id=acme.pk, reason="moved")
    make_connection("pushes", customer="Globex")
    assert SamlSettings.objects.count() == 1
    return ("acme", "pushes", "nobody")


@pytest.mark.parametrize("method", ["get", "post", "head", "options", "put"])
@pytest.mark.parametrize("path", ["login", "acs", "metadata", "logout", "finish", "other"])
def test_what_is_closed_and_what_is_not_there_are_answered_alike(
    closed: tuple[str, ...], path: str, method: str
) -> None:
    seen = set()
    for slug in closed:
        http = Client(headers={"host": "localhost:8000"})
        with CaptureQueriesContext(database) as queries:
            answer = getattr(http, method)(f"/sso/{slug}/{path}", {"SAMLResponse": "x"} if method == "post" else None)
        headers = tuple(sorted((name, value) for name, value in answer.items() if name.lower() not in OURS))
        asked = tuple(one["sql"].replace(slug, "SLUG") for one in queries)
        seen.add((answer.status_code, answer.content, headers, asked, tuple(answer.cookies)))
    assert len(seen) == 1
    (status, *_rest) = seen.pop()
    assert status in {404, 405}
