"""Discovery announces exactly the features that work."""

from typing import Any

import pytest
from django.utils import timezone

from core_identity.models import Identity, User
from core_identity.services.connections import change_connection
from scim.oauth.bearer_tokens import make_token
from scim.wire.bulk import MAX_OPERATIONS, MAX_PAYLOAD
from scim.wire.list_response import CURSOR_SECONDS, MAX_COUNT
from tests.scim.conftest import ENTERPRISE, Scim, error
from tests.support.cast import ADMIN

BASE = "http://localhost:8000/scim/acme/v2"
CORE_USER = "urn:core-identity:params:scim:schemas:extension:1.0:User"
USER, GROUP = "urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:Group"


def test_the_service_provider_config_announces_what_works(okta: Scim) -> None:
    config = okta.get("/ServiceProviderConfig").json()
    oauth, fixed = config["authenticationSchemes"]
    assert config == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": MAX_OPERATIONS, "maxPayloadSize": MAX_PAYLOAD},
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": MAX_COUNT,
            "maxPageSize": MAX_COUNT,
            "cursorTimeout": CURSOR_SECONDS,
        },
        "authenticationSchemes": [oauth, fixed],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{BASE}/ServiceProviderConfig"},
    }
    assert [(one["type"], one["primary"]) for one in (oauth, fixed)] == [("oauth2", True), ("oauthbearertoken", False)]


def test_max_results_is_kept(okta: Scim) -> None:
    users = User.objects.bulk_create(
        User(username=f"p{at}", username_key=f"p{at}", customer=okta.connection.customer) for at in range(MAX_COUNT + 1)
    )
    Identity.objects.bulk_create(
        Identity(connection=okta.connection, user=user, user_name=user.username, pushed_at=timezone.now())
        for user in users
    )
    for query in ({"count": "100000"}, {}, {"cursor": "", "count": "100000"}):
        answer = okta.get("/Users", **query).json()
        assert (answer["totalResults"], answer["itemsPerPage"]) == (MAX_COUNT + 1, MAX_COUNT)


def test_each_announced_feature_works_and_no_other(okta: Scim) -> None:
    """Try everything that the service announces, in the way that it announces."""
    config = okta.get("/ServiceProviderConfig").json()
    resource = okta.make()
    path = f"/Users/{resource['id']}"
    tried = {
        "patch": okta.patch(path, {"op": "replace", "path": "title", "value": "Chief"}).status_code == 200,
        "filter": okta.get("/Users", filter='userName eq "nobody"').json()["totalResults"] == 0,
        "sort": okta.get("/Users", sortBy="userName").status_code == 200,
        "etag": okta.send("GET", path, **{"If-None-Match": str(okta.get(path)["ETag"])}).status_code == 304,
        "bulk": okta.post("/Bulk", bulk({"method": "DELETE", "path": path})).status_code == 200,
        "changePassword": False,
    }
    assert {name: config[name]["supported"] for name in tried} == tried
    operations = config["bulk"]["maxOperations"] * [{"method": "DELETE", "path": "/Users/nobody"}]
    assert okta.post("/Bulk", bulk(*operations, {})).status_code == 413
    assert "nextCursor" not in okta.get("/Users", cursor="").json()
    _, fixed = make_token(actor=ADMIN, connection=okta.connection, name="fixed")
    opened = {"oauth2": okta.token, "oauthbearertoken": fixed}
    for one in config["authenticationSchemes"]:
        assert Scim(okta.connection, opened.pop(one["type"])).get("/Users").status_code == 200
    assert not opened


def bulk(*operations: Any) -> dict[str, Any]:
    schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    return {"schemas": [schema], "Operations": list(operations)}


def test_resource_types_name_their_schemas(okta: Scim) -> None:
    listed = okta.get("/ResourceTypes").json()
    assert (listed["totalResults"], listed["itemsPerPage"], listed["startIndex"]) == (2, 2, 1)
    user, group = listed["Resources"]
    assert user == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": "User",
        "name": "User",
        "description": "User Account",  # RFC 7643 section 8.6
        "endpoint": "/Users",
        "schema": USER,
        "schemaExtensions": [{"schema": ENTERPRISE, "required": False}, {"schema": CORE_USER, "required": False}],
        "meta": {"resourceType": "ResourceType", "location": f"{BASE}/ResourceTypes/User"},
    }
    assert (group["id"], group["endpoint"], group["schema"]) == ("Group", "/Groups", GROUP)
    assert okta.get("/ResourceTypes/User").json() == user
    assert okta.get("/ResourceTypes/Group").json() == group


def test_the_uid_attribute_is_in_the_schema_under_its_exact_name(okta: Scim) -> None:
    change_connection(actor=ADMIN, connection_id=okta.connection.pk, uid_attribute="coreUid")
    schema = okta.get(f"/Schemas/{ENTERPRISE}").json()
    assert schema["attributes"][0] == {
        "name": "coreUid",
        "type": "string",
        "multiValued": False,
        "description": schema["attributes"][0]["description"],
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "server",
    }


def test_a_uid_that_the_connection_requires_is_announced_as_required(okta: Scim) -> None:
    change_connection(actor=ADMIN, connection_id=okta.connection.pk, uid_required_in_scim=True)
    uid, *others = okta.get(f"/Schemas/{ENTERPRISE}").json()["attributes"]
    assert (uid["name"], uid["required"]) == ("UID", True)
    assert not [one["name"] for one in others if one["required"]]
    [enterprise, core] = okta.get("/ResourceTypes/User").json()["schemaExtensions"]
    assert (enterprise["required"], core["required"]) == (True, False)


def schemas(okta: Scim) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in okta.get("/Schemas").json()["Resources"]}


def test_there_is_a_schema_for_all_that_is_answered(okta: Scim) -> None:
    found = schemas(okta)
    assert set(found) == {USER, GROUP, ENTERPRISE, CORE_USER}
    described = {urn: (found[urn]["name"], found[urn]["description"]) for urn in (USER, GROUP, ENTERPRISE)}
    assert described == {  # RFC 7643 section 8.7.1
        USER: ("User", "User Account"),
        GROUP: ("Group", "Group"),
        ENTERPRISE: ("EnterpriseUser", "Enterprise User"),
    }
    for urn, schema in found.items():
        assert okta.get(f"/Schemas/{urn.upper()}").json() == schema
        assert schema["meta"]["location"] == f"{BASE}/Schemas/{urn}"


@pytest.mark.parametrize("urn", [USER, ENTERPRISE])
def test_every_attribute_that_is_announced_as_writable_is_kept_and_answered(okta: Scim, urn: str) -> None:
    """Writes one value of the announced type to each, and reads them back."""
    announced = schemas(okta)[urn]["attributes"]
    values: dict[str, Any] = {}
    for attribute in announced:
        if attribute["mutability"] != "readWrite":
            continue
        subs = {
            one["name"]: _sample(one) for one in attribute.get("subAttributes", []) if one["mutability"] == "readWrite"
        }
        value: Any = subs or _sample(attribute)
        values[attribute["name"]] = [value] if attribute["multiValued"] else value
    body = values if urn == USER else {"userName": "jane", urn: values}
    response = okta.post("/Users", body)
    assert response.status_code == 201, response.content
    resource = response.json()
    answered = resource if urn == USER else resource[urn]
    assert {name: answered.get(name) for name in values} == values


def _sample(attribute: dict[str, Any]) -> Any:
    return {"boolean": True}.get(attribute["type"], f"a {attribute['name']}")


@pytest.mark.parametrize("urn", [USER, ENTERPRISE, CORE_USER])
def test_a_read_only_attribute_is_not_accepted(okta: Scim, urn: str) -> None:
    resource = okta.make()
    for attribute in schemas(okta)[urn]["attributes"]:
        if attribute["mutability"] == "readOnly":
            operation = {"op": "replace", "path": f"{urn}:{attribute['name']}", "value": "x"}
            error(okta.patch(f"/Users/{resource['id']}", operation), 400, "mutability")
