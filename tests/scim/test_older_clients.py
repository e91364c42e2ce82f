"""Messages of clients with older URNs, unknown extensions, and groups in groups: read, or left out with a sentence."""

from typing import Any

from core_identity.models import ExpectedMember, IdentityUid, PushGroupMember, User
from scim.models import ProvisioningRecord
from tests.scim.conftest import ENTERPRISE, Scim, error, person

CORE = "urn:scim:schemas:core:1.0"
ONELOGIN = "urn:scim:schemas:extension:enterprise:2.0"
FOREIGN = "urn:example:params:scim:schemas:extension:acme:1.0:User"
IGNORED = "an extension that CORE does not know was ignored"
LEFT_OUT = "a group as a member was left out: only people can be members"


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return sorted(one.get("userName", "") for one in answer.json()["Resources"])


def test_the_bodies_of_onelogin_and_google_keep_uid_and_department_R2(okta: Scim) -> None:
    """OneLogin names the core schema without its type, and the extension by its older URN. Google names two of each."""
    google = {
        "schemas": [CORE, "urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:1.0", ONELOGIN],
        "urn:scim:schemas:extension:enterprise:1.0": {"UID": "kim.lee", "department": "Film"},
    }
    sent = person() | {"schemas": [CORE, ONELOGIN], ONELOGIN: {"UID": "jane.doe", "department": "Press"}}
    response = okta.post("/Users", sent)
    assert (response.status_code, response.json()[ENTERPRISE]) == (201, {"department": "Press", "UID": "jane.doe"})
    okta.make("kim.lee@acme.test", **google)
    assert sorted(IdentityUid.objects.values_list("uid", "derived")) == [("jane.doe", False), ("kim.lee", False)]
    assert sorted(User.objects.values_list("department", flat=True)) == ["Film", "Press"]

    path = f"/Users/{response.json()['id']}"
    changed = okta.patch(path, {"op": "replace", "path": f"{ONELOGIN}:department", "value": "Radio"})
    assert (changed.status_code, changed.json()[ENTERPRISE]["department"]) == (200, "Radio")
    assert "ignored" not in changed["X-Decision"]
    jane = ["jane.doe@acme.test"]
    assert names(okta.get("/Users", filter=f'{ONELOGIN}:UID eq "jane.doe"')) == jane
    assert names(okta.get("/Users", filter=f'{CORE}:userName eq "{jane[0]}" and schemas eq "{ONELOGIN}"')) == jane
    listed = okta.get("/Users", sortBy=f"{ONELOGIN}:department", attributes=f"{ONELOGIN}:department").json()
    assert [one[ENTERPRISE] for one in listed["Resources"]] == [{"department": "Film"}, {"department": "Radio"}]
    assert ENTERPRISE not in okta.get(path, excludedAttributes=ONELOGIN).json()

    search = {"schemas": ["urn:scim:api:messages:2.0:SearchRequest"], "filter": f'{ONELOGIN}:department eq "Radio"'}
    assert names(okta.post("/Users/.search", search)) == jane
    error(okta.post("/Users/.search", {"schemas": ["urn:scim:api:messages:2.0:PatchOp"]}), 400, "invalidSyntax")
    operation = {"method": "PUT", "path": path, "data": {**sent, "title": "Chief"}}
    bulk = okta.post("/Bulk", {"schemas": [CORE], "Operations": [operation]}).json()
    assert [one["status"] for one in bulk["Operations"]] == ["200"]
    group = okta.post("/Groups", {"schemas": [CORE], "displayName": "Editors"})
    assert group.status_code == 201
    gone = {"schemas": ["urn:scim:schemas:core:2.0"], "Operations": [{"op": "replace", "value": {f"{CORE}:active": 0}}]}
    error(okta.send("PATCH", path, gone), 400, "invalidValue")
    gone["Operations"][0]["value"] = {CORE: {"active": "False"}}  # type: ignore[index]
    assert okta.send("PATCH", path, gone).json()["active"] is False
    assert User.objects.get(department="Press").expired_at is not None


def test_parts_that_are_left_out_of_an_accepted_message_are_in_the_decision_and_the_log(okta: Scim) -> None:
    jane = okta.make(**{FOREIGN: {"badge": 7}})
    assert ProvisioningRecord.objects.latest("id").decision.endswith(IGNORED)
    path = f"/Users/{jane['id']}"
    for answer in (
        okta.patch(
            path, {"op": "add", "path": f"{FOREIGN}:badge", "value": 7}, {"op": "add", "path": "title", "value": 1}
        ),
        okta.patch(path, {"op": "remove", "path": FOREIGN}),
        okta.patch(path, {"op": "add", "value": {f"{FOREIGN}:badge": 7}}),
        okta.put(path, jane | {FOREIGN: {"badge": 7}}),
    ):
        assert (answer.status_code, answer["X-Decision"].rpartition("; ")[2]) == (200, IGNORED)
        assert ProvisioningRecord.objects.get(reference=answer["X-Request-Id"]).decision == answer["X-Decision"]
    assert okta.get(path).json()["title"] == "1"
    error(okta.patch(path, {"op": "replace", "path": "isActive", "value": False}), 400, "invalidPath")

    inner = okta.post("/Groups", {"displayName": "Inner", "members": [{"value": jane["id"]}]})
    assert LEFT_OUT not in inner["X-Decision"]
    nested = [{"value": jane["id"]}, {"value": inner.json()["id"]}]
    outer = okta.post("/Groups", {"displayName": "Outer", "members": nested})
    whole = {"displayName": "Outer", "members": nested}
    add = {"op": "add", "path": "members", "value": nested}
    for answer in (
        outer,
        okta.put(f"/Groups/{outer.json()['id']}", whole),
        okta.patch(f"/Groups/{outer.json()['id']}", add),
    ):
        assert [one["value"] for one in answer.json()["members"]] == [jane["id"]]
        assert answer["X-Decision"].rpartition("; ")[2] == LEFT_OUT
        assert ProvisioningRecord.objects.get(reference=answer["X-Request-Id"]).decision == answer["X-Decision"]
    assert PushGroupMember.objects.count() == 2
    assert ExpectedMember.objects.count() == 1


def test_entra_finds_and_removes_a_manager(okta: Scim) -> None:
    jane = okta.make(**{ENTERPRISE: {"manager": {"value": "m-1", "displayName": "Boss"}}})
    okta.make("kim.lee@acme.test")
    for text, found in (
        (f'id eq "{jane["id"]}" and manager eq "m-1"', 1),
        ('manager eq "m-2"', 0),
        (f'{ENTERPRISE}:manager eq "m-1"', 1),
        ('manager.displayName eq "boss"', 1),
        ('manager[value eq "m-1" and displayName eq "Boss"]', 1),
        ('manager[value eq "m-1" and displayName eq "Other"]', 0),
        ('manager[value ne "m-2"]', 1),
        ('name[givenName eq "Jane" and familyName eq "Doe"]', 1),
        ("manager pr", 1),
        ("not (manager pr)", 1),
    ):
        answer = okta.get("/Users", filter=text)
        assert (text, answer.json().get("totalResults")) == (text, found)
    error(okta.get("/Users", filter='title[value eq "x"]'), 400, "invalidFilter")
    assert names(okta.get("/Users", sortBy="manager", attributes="manager")) == ["", ""]
    kept = okta.patch(f"/Users/{jane['id']}", {"op": "remove", "path": 'manager[value eq "m-2"]'}).json()
    assert kept[ENTERPRISE]["manager"]["value"] == "m-1"
    removed = okta.patch(f"/Users/{jane['id']}", {"op": "Remove", "path": 'manager[value eq "m-1"]'}).json()
    assert ENTERPRISE not in removed
