"""Addresses and queries as clients really write them: slashes, plus signs, bytes that are not UTF-8, and what stays behind ? and &."""

import time
from typing import Any

from django.test import Client

from core_identity.models import User
from core_identity.services.users import create_local_user
from scim.addresses import has_literal_plus
from tests.scim.conftest import FORM, HOST, Scim, error, secrets_of

BASE = "http://localhost:8000/scim/acme/v2"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def test_a_slash_more_or_less_changes_no_scim_address(okta: Scim) -> None:
    user = okta.make()["id"]
    group = okta.post("/Groups/", {"displayName": "Editors"}).json()["id"]
    schema = "urn:ietf:params:scim:schemas:core:2.0:User"
    paths = [
        "/Users", f"/Users/{user}", "/Groups", f"/Groups/{group}", "/ServiceProviderConfig", "/ResourceTypes",
        "/ResourceTypes/User", "/Schemas", f"/Schemas/{schema}",
    ]  # fmt: skip
    for path in paths:
        expected = okta.get(path)
        assert expected.status_code == 200
        for written in (f"{path}/", f"/{path}", f"{path}//?", f"{path.replace('/', '//')}/?&", f"{path}?attributes=&"):
            answer = okta.get(written)
            assert (answer.status_code, answer.content) == (200, expected.content), written
    assert okta.send("GET", f"/scim//acme//v2/Users/{user}").status_code == 200
    for path in ("/.search/", "//Users/.search", "/Groups//.search/"):
        assert okta.post(path, {}).status_code == 200
    assert okta.put(f"/Users/{user}/", {"userName": "jane.doe@acme.test"}).status_code == 200
    assert okta.patch(f"//Users/{user}/", {"op": "add", "path": "title", "value": "Chief"}).json()["title"] == "Chief"
    operations = [{"method": "DELETE", "path": f"//Users/{user}/"}, {"method": "DELETE", "path": f"/Groups/{group}/"}]
    done = okta.post("/Bulk/", {"schemas": [BULK], "Operations": operations}).json()["Operations"]
    assert [one["status"] for one in done] == ["204", "204"]
    error(okta.get("/Me/"), 501)


def test_the_base_url_answers_a_description(okta: Scim) -> None:
    names = ("ServiceProviderConfig", "ResourceTypes", "Schemas", "Users", "Groups")
    for path in ("", "/", "//", "?", "/?&"):
        answer = okta.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/scim+json")
        document = answer.json()
        assert document["links"] == {name: f"{BASE}/{name}" for name in names}
        assert "base URL of a SCIM 2.0 service" in document["description"]
        assert set(document) == {"name", "description", "links"}
    for name in names:
        assert okta.get(f"/{name}").status_code == 200
    assert "cannot be filtered" in error(okta.get("/", filter="active eq true"), 403)
    error(okta.send("GET", "", Authorization=""), 401)
    error(okta.post("/", {}), 405)


def names_found(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [one["userName"] for one in answer.json()["Resources"]]


def test_a_hostile_query_costs_little() -> None:
    """Anybody can send a query. Quadratic work makes these take several seconds each."""
    for text in ('"\\' * 20_000, '"' + '\\"' * 20_000):
        before = time.process_time()
        has_literal_plus(f"+{text}%20")
        assert time.process_time() - before < 1, text[:6]
    assert has_literal_plus('a%20eq%20"b')
    assert not has_literal_plus('a+eq+"b%20c')


def test_a_plus_is_a_plus_if_the_query_writes_blanks_in_another_way(okta: Scim) -> None:
    plus, blank = "jane+test@acme.example", "jane test@acme.example"
    okta.make(plus, externalId="a+b")
    okta.make(blank, displayName="Jane Test")
    for query, found in (
        ('userName%20eq%20"jane+test@acme.example"', [plus]),
        ("userName%20eq%20%22jane+test%40acme.example%22", [plus]),
        ('userName%20eq%20"jane%2Btest@acme.example"', [plus]),
        ('userName+eq+"jane%2Btest@acme.example"', [plus]),
        ('externalId%20eq%20"a+b"&count=5', [plus]),
        ('userName+eq+"jane+test@acme.example"', [blank]),
        ('displayName+eq+"Jane+Test"', [blank]),
        ('displayName+eq+"Jane%20Test"', [blank]),
        ('displayName+eq+%22Jane%20Test%22+and+userName+co+"\\"%20"', []),
    ):
        assert names_found(okta.get(f"/Users?filter={query}")) == found, query
        assert names_found(okta.get(f"/Users/?&filter={query}&")) == found, query


def test_a_parameter_that_is_not_utf8_is_refused(okta: Scim) -> None:
    user = okta.make("zoë@acme.test")
    latin = "zo%EB@acme.test"
    path = f"/Users/{user['id']}"
    for parent in ("/Users", "/Groups", "/Schemas", "/", path):
        error(okta.get(f'{parent}?filter=userName%20eq%20"{latin}"'), 400, "invalidFilter")
        error(okta.get(f"{parent}?count=1&attributes={latin}&x"), 400, "invalidValue")
        error(okta.get(f"{parent}?%ff=1"), 400, "invalidValue")
        error(okta.get(f"{parent}?anything=%ED%A0%80"), 400, "invalidValue")
    raw = okta.http.get(
        okta.url("/Users"), headers={"Authorization": f"Bearer {okta.token}"}, QUERY_STRING="count=\xeb"
    )
    error(raw, 400, "invalidValue")
    assert names_found(okta.get('/Users?filter=userName%20eq%20"zo%C3%AB@acme.test"')) == ["zoë@acme.test"]
    error(okta.patch(f"{path}?attributes=%ff", {"op": "add", "path": "title", "value": "Chief"}), 400, "invalidValue")
    # R23: no fault of the query blocks a deactivation.
    assert okta.patch(f"{path}?attributes=%ff", {"op": "replace", "path": "active", "value": False}).status_code == 200


def test_the_addresses_of_oauth_need_no_slash_and_take_no_other_bytes_than_utf8(okta: Scim) -> None:
    secrets = secrets_of(okta.connection, redirect_uris=["https://okta.test/callback"])
    http = Client(headers={"host": HOST})
    headers = {"Authorization": secrets.basic}
    for written in ("/oauth/token", "/oauth/token/", "/oauth//token//", "/oauth/token/?", "/oauth/token?&"):
        answer = http.post(written, "grant_type=client_credentials&scope=scim", content_type=FORM, headers=headers)
        assert answer.status_code == 200, answer.content
    for written in ("/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/scim/acme/v2"):
        assert http.get(f"{written}/").json() == http.get(written).json()
    token = f"token={answer.json()['access_token']}"
    for written, status in (("/oauth/introspect", 200), ("/oauth/revoke_token", 200), ("/oauth/token/?scope=%ff", 400)):
        answer = http.post(written, token, content_type=FORM, headers=headers)
        assert answer.status_code == status, answer.content
    assert answer.json()["error"] == "invalid_request"
    assert "UTF-8" in answer.json()["error_description"]
    boss: User = create_local_user(username="boss", email="boss@core.test", password="a long one", superuser=True)
    http.force_login(boss)
    query = f"client_id={secrets.client_id}&response_type=code&redirect_uri=https%3A%2F%2Fokta.test%2Fcallback"
    for written in ("/oauth/authorize", "/oauth/authorize/", "/oauth//authorize"):
        for scopes, state in (("scim%20offline_access", "a+b"), ("scim+offline_access", "a b")):
            page = http.get(f"{written}?{query}&scope={scopes}&state=a+b&")
            assert page.status_code == 200, page.content
            assert page.context["form"].initial["state"] == state
    refused = http.get(f"/oauth/authorize?{query}&state=%ff")
    assert (refused.status_code, "Location" in refused) == (400, False)
    anybody = Client(headers={"host": HOST}).get(f"/oauth/authorize?{query}&scope=scim%20x&state=a+b")
    assert "state%3Da%252Bb" in anybody["Location"]
