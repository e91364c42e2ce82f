"""The person of each SCIM message, by the keys that it contains: silence, emptied keys, and attacks in one Bulk (R8a, R22)."""

from typing import Any

from core_identity.services.connections import change_connection
from tests.scim.conftest import ENTERPRISE, Scim, error, person
from tests.support.cast import ADMIN

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def operations(**sent: Any) -> list[dict[str, Any]]:
    paths = {"uid": f"{ENTERPRISE}:UID", "external_id": "externalId", "user_name": "userName", "active": "active"}
    return [{"op": "Replace", "path": paths[name], "value": value} for name, value in sent.items()]


EMPTIED: list[dict[str, Any]] = [
    {"op": "replace", "path": "externalId", "value": None},
    {"op": "replace", "path": "externalId", "value": ""},
    {"op": "replace", "path": "externalId", "value": " "},
    {"op": "remove", "path": "externalId"},
    {"op": "add", "path": "externalId", "value": None},
    {"op": "add", "path": "externalId", "value": ""},
    {"op": "replace", "value": {"externalId": None}},
    {"op": "add", "value": {"EXTERNALID": ""}},
    {"op": "add", "value": {"urn:ietf:params:scim:schemas:core:2.0:User": {"externalId": None}}},
]


def test_a_patch_that_empties_the_external_id_is_not_silent_R8a(okta: Scim) -> None:
    for number, emptied in enumerate(EMPTIED):
        jane = okta.make(
            f"jane.{number}@acme.test", externalId=f"00u{number}", **{ENTERPRISE: {"UID": f"jane.{number}"}}
        )
        path = f"/Users/{jane['id']}"
        answer = okta.patch(path, emptied, *operations(uid=f"roe.{number}"))
        assert answer.status_code == 200, answer.content
        shown = answer.json()
        assert (shown["externalId"], shown[ENTERPRISE]["UID"]) == (f"00u{number}", f"jane.{number}"), emptied
        moved = okta.patch(path, *operations(uid=f"poe.{number}")).json()
        assert moved[ENTERPRISE]["UID"] == f"poe.{number}", "a PATCH without externalId is about the same person"


def test_entra_changes_an_external_id_alone_where_it_may_change_R8a(okta: Scim) -> None:
    change_connection(actor=ADMIN, connection_id=okta.connection.pk, uid_rule="other", external_id_may_change=True)
    jane = okta.make("jane@acme.test", externalId="jdoe", **{ENTERPRISE: {"UID": "4711"}})
    path = f"/Users/{jane['id']}"
    emptied_uid = {"op": "Replace", "path": f"{ENTERPRISE}:UID", "value": None}
    error(okta.patch(path, *operations(external_id="jroe"), emptied_uid), 409, "uniqueness")
    whole = {**person("jane@acme.test"), "externalId": "jroe"}
    error(okta.put(path, whole), 409, "uniqueness")
    assert okta.patch(path, *operations(external_id="jroe")).json()["externalId"] == "jroe"
    assert okta.put(path, {**whole, "externalId": "jpoe", ENTERPRISE: {"UID": "4711"}}).json()["externalId"] == "jpoe"


def test_one_bulk_gives_no_newcomer_the_resource_of_a_leaver_R8a_R22(okta: Scim) -> None:
    change_connection(actor=ADMIN, connection_id=okta.connection.pk, reactivation="unexpire_own")
    for number, orders in enumerate(([("uid", "new"), ("active", True)], [("active", True), ("uid", "new")])):
        leaver = okta.make(
            f"jane.{number}@acme.test", externalId=f"00u{number}", **{ENTERPRISE: {"UID": f"jane.{number}"}}
        )
        path = f"/Users/{leaver['id']}"
        okta.patch(path, *operations(active=False))
        sent = [
            {
                "method": "PATCH",
                "path": path,
                "data": {"schemas": [PATCH_OP], "Operations": operations(**{name: value})},
            }
            for name, value in orders
        ]
        answer = okta.post("/Bulk", {"schemas": [BULK_REQUEST], "Operations": sent})
        assert [one["status"] for one in answer.json()["Operations"]] == ["200", "200"], answer.content
        assert okta.get(path).json()[ENTERPRISE]["UID"] == f"jane.{number}"
