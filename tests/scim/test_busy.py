"""A customer whose row is held: a push does not wait without end, writes nothing, and can be sent again."""

import time
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection as database

from core_identity.models import Connection, Event, Identity, User
from tests.scim.conftest import Scim, error, person
from tests.support.held import held_customer

LEAVES = {"op": "replace", "value": {"active": False}}


def bulk(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": list(operations)}


@pytest.mark.django_db(transaction=True)
def test_a_push_that_cannot_get_its_lock_is_503_and_can_be_sent_again_R23(
    okta: Scim, other: Scim, settings: LazySettings
) -> None:
    settings.DATABASE_LOCK_TIMEOUT = 0.3
    resource, group = okta.make(), okta.post("/Groups", {"displayName": "Editors"}).json()
    pushes: list[tuple[str, str, Any]] = [
        ("POST", "/Users", person("john@acme.test")),
        ("PUT", f"/Users/{resource['id']}", resource | {"title": "Chief"}),
        ("PATCH", f"/Users/{resource['id']}", {"schemas": [], "Operations": [LEAVES]}),
        ("DELETE", f"/Users/{resource['id']}", None),
        ("POST", "/Groups", {"displayName": "Viewers"}),
        ("DELETE", f"/Groups/{group['id']}", None),
    ]

    def rows() -> tuple[int, int, int]:
        return (
            Identity.objects.filter(connection=okta.connection).count(),
            User.objects.filter(customer=okta.connection.customer).count(),
            Event.objects.exclude(connection_slug="globex").count(),
        )

    before = rows()
    with held_customer(url_of_tests(), "acme"):
        for method, path, body in pushes:
            answer = okta.send(method, path, body)
            assert "Nothing was changed" in error(answer, 503)
            assert int(answer["Retry-After"]) >= 1
        began = time.monotonic()
        several = bulk(*({"method": "DELETE", "path": f"/Users/{resource['id']}"} for _ in range(10)))
        operations = okta.post("/Bulk", several).json()["Operations"]
        assert [one["status"] for one in operations] == ["503"] * 10
        assert time.monotonic() - began < 2, "only the first operation waited"
        assert okta.get(f"/Users/{resource['id']}").json()["active"], "a read waits for nobody"
        assert rows() == before
        assert other.post("/Users", person()).status_code == 201
    assert okta.patch(f"/Users/{resource['id']}", LEAVES).json()["active"] is False, "asked again, it is done"


@pytest.mark.django_db(transaction=True)
def test_a_service_that_waits_for_any_other_row_is_busy_too(okta: Scim, connection: Connection) -> None:
    """The session's own ``lock_timeout`` covers all other rows, for example the user's."""
    import psycopg

    resource = okta.make()
    with psycopg.connect(url_of_tests()) as holder, database.cursor() as cursor:
        holder.execute("SELECT 1 FROM core_identity_user FOR UPDATE")
        cursor.execute("SET lock_timeout = '200ms'")
        try:
            assert "Nothing was changed" in error(okta.patch(f"/Users/{resource['id']}", LEAVES), 503)
        finally:
            cursor.execute("RESET lock_timeout")


def url_of_tests() -> str:
    parts = database.settings_dict
    host = parts["OPTIONS"].get("host") or parts["HOST"]
    return f"postgres://{parts['USER']}@/{parts['NAME']}?host={host}"
