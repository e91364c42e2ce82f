"""Bulk (RFC 7644 section 3.7): many operations in one request, each as if it had come alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from core_identity.models import Event, Identity, PushGroup, User
from core_identity.services.roles import create_role
from scim.models import ProvisioningRecord
from scim.wire.bulk import MAX_OPERATIONS, MAX_PAYLOAD, read_bulk
from scim.wire.deactivation import DEACTIVATION
from tests.scim.conftest import Scim, error, person
from tests.support.cast import ADMIN

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BASE = "http://localhost:8000/scim/acme/v2"
JANE, ZOE = "jane.doe@acme.test", "zoe.roe@acme.test"


def send(okta: Scim, *operations: Any, **more: Any) -> list[dict[str, Any]]:
    answer = okta.post("/Bulk", {"schemas": [BULK], "Operations": list(operations), **more})
    assert answer.status_code == 200, answer.content
    document = answer.json()
    assert document["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    done: list[dict[str, Any]] = document["Operations"]
    return done


def post(bulk_id: str, name: str) -> dict[str, Any]:
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": person(name)}


def group(bulk_id: str, *members: str, name: str = "Editors") -> dict[str, Any]:
    data = {"displayName": name, "members": [{"value": member} for member in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}


def test_people_and_a_group_of_them_come_in_one_request(okta: Scim) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[okta.connection])
    answers = send(okta, post("j", JANE), post("z", ZOE), group("g", "bulkId:j", "bulkId:z"))
    assert [(one["method"], one["bulkId"], one["status"]) for one in answers] == [
        ("POST", "j", "201"),
        ("POST", "z", "201"),
        ("POST", "g", "201"),
    ]
    ids = [one["location"].rpartition("/")[2] for one in answers]
    assert answers[0]["location"] == f"{BASE}/Users/{ids[0]}"
    assert answers[2]["version"] == okta.get(f"/Groups/{ids[2]}")["ETag"]
    members = okta.get(f"/Groups/{ids[2]}").json()["members"]
    assert {member["value"] for member in members} == set(ids[:2])
    assert User.objects.filter(grants__role__name="Editors").count() == 2


def test_a_reference_may_point_to_a_later_operation(okta: Scim) -> None:
    answers = send(okta, group("g", "bulkId:j"), post("j", JANE))
    assert [one["status"] for one in answers] == ["201", "201"]
    assert [one["bulkId"] for one in answers] == ["g", "j"], "answered in the order in which they were sent"
    assert PushGroup.objects.get().members.count() == 1


def test_all_methods_and_a_reference_in_a_path(okta: Scim) -> None:
    stays, goes = okta.make("a.b@acme.test"), okta.make("c.d@acme.test")
    operations = [{"op": "replace", "path": "title", "value": "Chief"}]
    patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    done = send(
        okta,
        post("j", JANE),
        {"method": "PATCH", "path": "/Users/bulkId:j", "data": patch},
        {"method": "put", "path": f"/Users/{stays['id']}", "data": {**person("a.b@acme.test"), "title": "Editor"}},
        {"method": "DELETE", "path": f"/Users/{goes['id']}"},
    )
    assert [one["status"] for one in done] == ["201", "200", "200", "204"]
    titles = Identity.objects.order_by("user_name").values_list("user_name", "title", "deleted_at")
    assert [(name, title, gone is None) for name, title, gone in titles] == [
        ("a.b@acme.test", "Editor", True),
        ("c.d@acme.test", "", False),
        (JANE, "Chief", True),
    ]


def test_a_refused_operation_has_a_reason_and_undoes_no_other(okta: Scim) -> None:
    answers = send(okta, post("j", JANE), post("k", JANE), post("z", ZOE))
    assert [one["status"] for one in answers] == ["201", "409", "201"]
    refusal = answers[1]["response"]
    assert (refusal["status"], refusal["scimType"]) == ("409", "uniqueness")
    assert "already provisioned" in refusal["detail"]
    assert "location" not in answers[1], "nothing was made"
    assert Identity.objects.count() == 2


def test_an_operation_that_refers_to_a_refused_operation_is_refused_too(okta: Scim) -> None:
    okta.make(JANE)
    answers = send(okta, post("j", JANE), group("g", "bulkId:j"))
    assert [one["status"] for one in answers] == ["409", "400"]
    assert "leads nowhere" in answers[1]["response"]["detail"]
    assert not PushGroup.objects.exists()


def test_a_ring_of_references_leads_to_nothing(okta: Scim) -> None:
    answers = send(okta, group("a", "bulkId:b"), group("b", "bulkId:a", name="Others"), post("j", JANE))
    assert [one["status"] for one in answers] == ["400", "400", "201"]


def test_a_bulk_request_stops_after_the_permitted_number_of_errors(okta: Scim) -> None:
    okta.make(JANE)
    answers = send(okta, post("a", JANE), post("b", ZOE), failOnErrors=1)
    assert [one["status"] for one in answers] == ["409"]
    assert Identity.objects.count() == 1
    assert len(send(okta, post("a", JANE), post("b", ZOE), failOnErrors=2)) == 2


def test_a_version_is_demanded_of_one_operation(okta: Scim) -> None:
    resource = okta.make(JANE)
    change = {"method": "PUT", "path": f"/Users/{resource['id']}", "data": {**person(JANE), "title": "Chief"}}
    [stale] = send(okta, {**change, "version": 'W/"0"'})
    assert (stale["status"], stale["location"]) == ("412", f"{BASE}/Users/{resource['id']}")
    [done] = send(okta, {**change, "version": resource["meta"]["version"]})
    assert (done["status"], done["version"]) == ("200", okta.get(f"/Users/{resource['id']}")["ETag"])


def test_a_deactivation_goes_through_in_bulk_too_R23(okta: Scim) -> None:
    resource = okta.make(JANE)
    send(okta, {"method": "PUT", "path": f"/Users/{resource['id']}", "data": {**person(JANE), "active": False}})
    assert User.objects.get().expired_at is not None


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_reference_that_leads_to_nothing_blocks_no_deactivation_R23(okta: Scim, method: str) -> None:
    resource = okta.make(JANE)
    whole = {**resource, "active": False, "title": "bulkId:nobody"}
    data = (
        whole
        if method == "PUT"
        else {"Operations": [{"op": "replace", "value": {"active": False, "title": "bulkId:nobody"}}]}
    )
    [done] = send(okta, {"method": method, "path": f"/Users/{resource['id']}", "data": data})
    assert done["status"] == "200"
    assert User.objects.get().expired_at is not None


@pytest.mark.parametrize("odd", [{"bulkId": 5}, {"bulkId": ["x"]}, {"bulkId": "k"}, {"version": 5}, {"version": [5]}])
def test_an_odd_bulk_id_or_version_blocks_no_deactivation_R23(okta: Scim, odd: dict[str, object]) -> None:
    resource = okta.make(JANE)
    operation = {"method": "PATCH", "path": f"/Users/{resource['id']}", **odd}
    change = {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "Chief"}]}
    kim, changed = send(okta, post("k", "kim.lee@acme.test"), {**operation, "data": change})
    assert (kim["status"], changed["status"]) == ("201", "412" if "version" in odd else "200")
    kim, done = send(okta, post("k", ZOE), {**operation, "data": DEACTIVATION})
    assert (kim["status"], done["status"]) == ("201", "200")
    assert User.objects.get(username=JANE).expired_at is not None


def test_one_reference_finds_all_that_was_done(okta: Scim) -> None:
    answer = okta.post("/Bulk", {"schemas": [BULK], "Operations": [post("j", JANE), post("z", ZOE)]})
    found = Event.objects.filter(request_id=answer["X-Request-Id"], kind="user.created")
    assert found.count() == 2
    assert answer["X-Decision"] == "bulk: 2 done, 0 refused, 0 not tried"


def test_each_operation_is_in_the_provisioning_log_R35(okta: Scim) -> None:
    answer = okta.post("/Bulk", {"schemas": [BULK], "Operations": [post("j", JANE), post("k", JANE)]})
    rows = ProvisioningRecord.objects.filter(reference=answer["X-Request-Id"]).order_by("pk")
    assert [(row.method, row.resource_type, row.status) for row in rows] == [
        ("POST", "Users", 201),
        ("POST", "Users", 409),
        ("POST", "Bulk", 200),
    ]
    assert rows[0].resource_id == Identity.objects.get().scim_id


def test_another_connections_people_are_not_there_R1(okta: Scim, other: Scim) -> None:
    resource = other.make(JANE)
    [answer] = send(okta, {"method": "DELETE", "path": f"/Users/{resource['id']}"})
    assert answer["status"] == "404"
    assert other.get(f"/Users/{resource['id']}").status_code == 200


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ("text", "400"),
        ({}, "400"),
        ({"method": "GET", "path": "/Users"}, "400"),
        ({"method": "POST", "path": "/Users", "data": {}}, "400"),
        ({"method": "POST", "path": "/Users/1", "bulkId": "x", "data": {}}, "400"),
        ({"method": "POST", "path": "/Bulk", "bulkId": "x", "data": {}}, "400"),
        ({"method": "POST", "path": "https://evil.test/Users", "bulkId": "x", "data": {}}, "400"),
        ({"method": "POST", "path": "/Users", "bulkId": "x", "data": []}, "400"),
        ({"method": "POST", "path": "/Users", "bulkId": ["x"], "data": {}}, "400"),
        ({"method": "PUT", "path": "/Users", "data": {}}, "400"),
        ({"method": "PUT", "path": "/Users/../Groups", "data": {}}, "400"),
        ({"method": "DELETE", "path": "/Users/bulkId:nobody"}, "400"),
        ({"method": "DELETE", "path": "/Users/not-an-id"}, "404"),
        ({"method": "DELETE", "path": "/Users/\u20ac"}, "404"),
        ({"method": "DELETE", "path": "/Users/\ud800"}, "404"),
        ({"method": "POST", "path": "/Users", "bulkId": "x", "data": {"userName": "\ud800"}}, "400"),
    ],
)
def test_an_invalid_operation_is_refused_and_the_next_is_applied(okta: Scim, operation: Any, status: str) -> None:
    refused, done = send(okta, operation, post("j", JANE))
    assert (refused["status"], refused["response"]["status"], done["status"]) == (status, status, "201")


def test_one_bulk_id_for_two_is_refused(okta: Scim) -> None:
    assert [one["status"] for one in send(okta, post("j", JANE), post("j", ZOE))] == ["201", "400"]


@pytest.mark.parametrize(
    ("body", "status", "scim_type"),
    [
        ({"Operations": [post("j", JANE)]}, 400, "invalidSyntax"),
        ({"schemas": [BULK]}, 400, "invalidSyntax"),
        ({"schemas": [BULK], "Operations": []}, 400, "invalidSyntax"),
        ({"schemas": [BULK], "Operations": {}}, 400, "invalidSyntax"),
        ({"schemas": [BULK], "Operations": [post("j", JANE)], "failOnErrors": 0}, 400, "invalidValue"),
        ({"schemas": [BULK], "Operations": [post("j", JANE)], "failOnErrors": "1"}, 400, "invalidValue"),
        ({"schemas": [BULK], "Operations": [{}] * (MAX_OPERATIONS + 1)}, 413, None),
        ({"schemas": [BULK], "Operations": [{"data": "x" * MAX_PAYLOAD}]}, 413, None),
    ],
    ids=["no schema", "no operations", "empty", "object", "zero", "text", "too many", "too large"],
)
def test_an_invalid_bulk_request_is_refused_whole(okta: Scim, body: Any, status: int, scim_type: str | None) -> None:
    error(okta.post("/Bulk", body), status, scim_type)
    assert not Identity.objects.exists()


def test_bulk_accepts_post_only(okta: Scim) -> None:
    error(okta.get("/Bulk"), 405)


def test_the_order_is_that_of_the_references_and_cheap() -> None:
    chain = [group(str(at), f"bulkId:{at + 1}") for at in range(MAX_OPERATIONS - 1)] + [group(str(MAX_OPERATIONS - 1))]
    order = read_bulk({"schemas": [BULK], "Operations": chain}).order()
    assert order == list(reversed(range(MAX_OPERATIONS)))


class Walked(list[Any]):
    """A list that counts how often it is read."""

    times = 0

    def __iter__(self) -> Iterator[Any]:
        self.times += 1
        return super().__iter__()


def test_the_references_of_an_operation_are_looked_for_once() -> None:
    """Data is as long as a client likes. To read it again for each of its references takes minutes."""
    members = Walked({"value": f"bulkId:{at}"} for at in range(MAX_OPERATIONS - 1))
    operations = [group("all"), *(post(str(at), f"p{at}@acme.test") for at in range(MAX_OPERATIONS - 1))]
    operations[0]["data"]["members"] = members
    bulk = read_bulk({"schemas": [BULK], "Operations": operations})
    assert bulk.order() == [*range(1, MAX_OPERATIONS), 0]
    assert members.times == 1
