"""Whatever fails under the prefix is a SCIM error: string status, a sentence, a reference that finds the log line."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core_identity.models import Connection, Event, Identity, User
from core_identity.selectors import resources
from tests.scim.conftest import Scim, error, person
from tests.support.nightly import examples

Lines = Callable[[], list[Any]]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "scim_type"),
    [
        ("GET", "/Users", None, {"Authorization": ""}, 401, None),
        ("GET", "/Users", None, {"Authorization": "non-token"}, 401, None),
        ("GET", "/Users", None, {"Authorization": "Bearer "}, 401, None),
        ("GET", "/Users", None, {"Authorization": "Bearer wrong"}, 401, None),
        ("GET", "/Users", None, {"Authorization": "Bearer \u00e9\u0000"}, 401, None),
        ("GET", "/Users", None, {"Authorization": "Basic YTpi"}, 401, None),
        ("POST", "/Users", {"x": 1}, {"Authorization": "Bearer wrong", "Content-Type": "text/plain"}, 401, None),
        ("GET", "/Nothing", None, {"Authorization": ""}, 401, None),
        ("GET", "/Nothing", None, {}, 404, None),
        ("GET", "/Users/a/b", None, {}, 404, None),
        ("GET", "/Me", None, {}, 501, None),
        ("POST", "/Bulk", {}, {}, 400, "invalidSyntax"),
        ("GET", "/Users/%c3%28", None, {}, 404, None),
        ("GET", "/Users/%zz", None, {}, 404, None),
        ("GET", "/ResourceTypes/Robot", None, {}, 404, None),
        ("GET", "/Schemas/urn:nope", None, {}, 404, None),
        ("PUT", "/Users", {}, {}, 405, None),
        ("DELETE", "/Users", None, {}, 405, None),
        ("OPTIONS", "/Users", None, {}, 405, None),
        ("BREW", "/Users", None, {}, 405, None),
        ("GET", "/Users/.search", None, {}, 405, None),
        ("POST", "/ServiceProviderConfig", {}, {}, 405, None),
        ("DELETE", "/Schemas", None, {}, 405, None),
        ("GET", "/Schemas?filter=x", None, {}, 403, None),
        ("GET", "/ResourceTypes?filter=x", None, {}, 403, None),
        ("GET", "/ServiceProviderConfig?filter=x", None, {}, 403, None),
        ("GET", "/Users?filter=%", None, {}, 400, "invalidFilter"),
        ("GET", "/Users?filter=%00", None, {}, 400, "invalidFilter"),
        ("GET", "/Users?filter=%ff%fe", None, {}, 400, "invalidFilter"),
        ("GET", "/Users?count=%zz", None, {}, 400, "invalidValue"),
        ("POST", "/Users", b"<x/>", {"Content-Type": "application/xml"}, 415, None),
        ("POST", "/Users", b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415, None),
        ("POST", "/Users", b"--x", {"Content-Type": "multipart/form-data; boundary=x"}, 415, None),
        ("POST", "/Users", b"{}", {"Content-Type": "text/plain"}, 415, None),
        ("POST", "/Users", b"{}", {"Content-Type": "application/json+scim"}, 415, None),
        ("POST", "/Users", b"", {}, 400, "invalidSyntax"),
        ("POST", "/Users", b"[]", {}, 400, "invalidSyntax"),
        ("POST", "/Users", b"{", {}, 400, "invalidSyntax"),
        ("POST", "/Users", b"[" * 100_000, {}, 400, "invalidSyntax"),
        ("POST", "/Users", b'{"a":' * 100_000, {}, 400, "invalidSyntax"),
        ("POST", "/Users", b'{"userName": NaN}', {}, 400, "invalidSyntax"),
        ("POST", "/Users", b'{"userName": "a", "username": "b"}', {}, 400, "invalidSyntax"),
        ("POST", "/Users", b"\xff\xff", {}, 400, "invalidSyntax"),
        ("POST", "/Users", b'"' + b"x" * (1024 * 1024) + b'"', {}, 413, None),
        ("POST", "/Groups", b'"' + b"x" * (8 * 1024 * 1024) + b'"', {}, 413, None),
        ("PATCH", "/Groups/7f4b2b5e-7c58-4b4e-a5c1-0d9fbb7f6d01", b"{}", {}, 404, None),
        ("PATCH", "/Users/7f4b2b5e-7c58-4b4e-a5c1-0d9fbb7f6d01", b'{"active": false}', {}, 404, None),
    ],
)
def test_every_failure_is_a_scim_error(
    okta: Scim, method: str, path: str, body: Any, headers: dict[str, str], status: int, scim_type: str | None
) -> None:
    response = okta.send(method, path, body, **headers)
    error(response, status, scim_type)
    if status == 401:
        assert response["WWW-Authenticate"].startswith('Bearer realm="scim"')
    if status == 405:
        assert response["Allow"]
    assert not Identity.objects.exists()


@pytest.mark.parametrize("path", ["/scim/", "/scim/acme", "/scim/acme/", "/scim/acme/v1/Users", "/scim/acme/v2/users"])
def test_every_other_address_under_the_prefix_is_a_scim_404(okta: Scim, path: str) -> None:
    response = okta.send("GET", path)
    error(response, 401 if path == "/scim/" else 404)


@pytest.mark.parametrize(
    "accept",
    ["application/scim+json", "application/scim+json; charset=utf-8", "application/json", "*/*", "text/html", "x"],
)
def test_an_accepted_value_is_answered_by_scim(okta: Scim, accept: str) -> None:
    for path, status in (("/Users", 200), ("/Nothing", 404)):
        response = okta.send("GET", path, Accept=accept)
        assert (response.status_code, response["Content-Type"]) == (status, "application/scim+json")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/scim+json",
        "application/scim+json; charset=utf-8",
        "application/json",
        "Application/JSON;charset=UTF-8",
    ],
)
def test_both_json_types_are_read(okta: Scim, content_type: str) -> None:
    assert okta.send("POST", "/Users", person(), **{"Content-Type": content_type}).status_code == 201


def test_a_foreign_host_is_refused_in_scim(connection: Connection) -> None:
    response = Client(headers={"host": "evil.test"}).get("/scim/acme/v2/Users")
    error(response, 400)


def test_a_token_of_another_connection_does_not_tell_whether_the_address_exists(okta: Scim, other: Scim) -> None:
    details = []
    for slug in ("globex", "nobody"):
        for path in ("/Users", "/Nothing", "/Groups"):
            response = okta.send("GET", f"/scim/{slug}/v2{path}")
            details.append(error(response, 401).partition(" (Reference")[0])
    assert len(set(details)) == 1


def test_an_unexpected_failure_is_answered_without_details_and_logged_with_them(
    okta: Scim, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    from django.db import connection as database

    # A real failure: the table is gone, inside the test's transaction.
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE core_identity_pushgroup RENAME TO gone")
    response = okta.get("/Groups")
    assert error(response, 500).startswith("Something went wrong in CORE.")
    assert "pushgroup" not in response.content.decode()
    [record] = [record for record in caplog.records if record.name == "scim.failures"]
    assert record.exc_info is not None


def test_each_request_leaves_one_line_without_anybodys_data(okta: Scim, log_lines: Lines) -> None:
    response = okta.post("/Users?attributes=secret-in-query", {**person(), "password": "s3cret-in-body"})
    okta.get("/Users", filter='userName eq "jane.doe@acme.test"')
    okta.get("/Nothing%0aforged line")
    created, listed, nothing = log_lines()[-3:]
    assert {name: getattr(created, name) for name in ("connection", "method", "route", "status", "decision")} == {
        "connection": "acme",
        "method": "POST",
        "route": "scim-users",
        "status": 201,
        "decision": "nobody had this UID: a new user",
    }
    assert created.reference == response["X-Request-Id"]
    assert created.duration_ms > 0
    assert (listed.status, nothing.status, nothing.decision) == (200, 404, "not_found")
    everything = " ".join(record.getMessage() for record in log_lines())
    for secret in ("s3cret", "secret-in-query", okta.token, "jane.doe"):
        assert secret not in everything
    assert "\n" not in nothing.getMessage()


def test_the_log_shows_a_dropped_rest(okta: Scim, log_lines: Lines) -> None:
    resource = okta.make()
    okta.put(f"/Users/{resource['id']}", {**resource, "active": False, "title": 5.5})
    assert "the rest of the message was ignored" in log_lines()[-1].decision


def test_a_refusal_is_found_by_its_reference(okta: Scim) -> None:
    okta.make()
    response = okta.post("/Users", person())
    event = Event.objects.get(kind="scim.refused")
    assert event.request_id == response["X-Request-Id"]


NAMES = st.sampled_from(["userName", "active", "name", "emails", "value", "Operations", "op", "path", "members"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)
PATHS = st.sampled_from(
    ["/Users", "/Groups", "/Users/.search", "/Groups/.search", "/Schemas", "/Users/{user}", "/Groups/{group}"]
)


@hypothesis_settings(
    max_examples=examples(60, 1_000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    path=PATHS,
    query=st.dictionaries(
        st.sampled_from(["filter", "count", "startIndex", "attributes"]), st.text(max_size=20), max_size=2
    ),
    body=JSON | st.binary(max_size=30),
)
def test_no_request_breaks_the_service_or_leaves_half_a_change(
    okta: Scim, method: str, path: str, query: dict[str, str], body: Any
) -> None:
    user, group = resources.scim_identities(okta.connection).first(), resources.push_groups(okta.connection).first()
    if user is None:
        okta.make()
    if group is None:
        okta.post("/Groups", {"displayName": "Editors"})
    user, group = resources.scim_identities(okta.connection).first(), resources.push_groups(okta.connection).first()
    assert user is not None
    assert group is not None
    before = (User.objects.count(), Identity.objects.count(), user.version)
    address = path.format(user=user.scim_id, group=group.scim_id)
    if isinstance(body, bytes) or method in ("GET", "DELETE"):
        content: Any = body if isinstance(body, bytes) else None
    else:
        content = json.dumps(body).encode()
    response = okta.send(method, f"{address}?{urlencode(query, errors='surrogatepass')}", content)
    assert response.status_code < 500, response.content
    if response.status_code >= 400:
        user.refresh_from_db()
        assert before == (User.objects.count(), Identity.objects.count(), user.version)
        error(response, response.status_code, response.json().get("scimType"))
