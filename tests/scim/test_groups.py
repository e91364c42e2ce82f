"""Push groups over SCIM: what is answered, and that size costs no queries."""

from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from core_identity.models import Grant, PushGroupMember, Role
from core_identity.services.connections import change_connection, set_grantable_roles
from core_identity.services.roles import create_role
from tests.scim.conftest import Scim, error
from tests.support.cast import ADMIN


def make(okta: Scim, name: str = "Editors", *members: str) -> dict[str, Any]:
    response = okta.post("/Groups", {"displayName": name, "members": [{"value": one} for one in members]})
    assert response.status_code == 201
    resource: dict[str, Any] = response.json()
    return resource


def people(okta: Scim, count: int = 2) -> list[str]:
    return [okta.make(f"user{number}@acme.test")["id"] for number in range(count)]


def members(okta: Scim, group: dict[str, Any]) -> set[str]:
    return {one["value"] for one in okta.get(f"/Groups/{group['id']}").json().get("members", [])}


def test_a_group_is_answered_as_stored_with_addresses(okta: Scim) -> None:
    [jane] = people(okta, 1)
    body = {"displayName": " Editors ", "externalId": "g1", "members": [{"value": jane, "display": "ignored"}]}
    response = okta.post("/Groups", body)
    resource = response.json()
    location = f"http://localhost:8000/scim/acme/v2/Groups/{resource['id']}"
    assert (response.status_code, response["Location"]) == (201, location)
    meta = resource.pop("meta")
    assert (meta["resourceType"], meta["location"], meta["version"]) == ("Group", location, response["ETag"])
    assert resource == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "id": resource["id"],
        "externalId": "g1",
        "displayName": "Editors",
        "members": [
            {
                "value": jane,
                "$ref": f"http://localhost:8000/scim/acme/v2/Users/{jane}",
                "type": "User",
            }
        ],
    }
    user = okta.get(f"/Users/{jane}").json()
    assert user["groups"] == [{"value": resource["id"], "$ref": location, "display": "Editors", "type": "direct"}]


def test_put_with_members_replaces_them_as_wizard_apps_do(okta: Scim) -> None:
    jane, kim = people(okta)
    group = make(okta, "Editors", jane)
    answered = okta.put(f"/Groups/{group['id']}", {"displayName": "Writers", "members": [{"value": kim}]}).json()
    assert answered["displayName"] == "Writers"
    assert members(okta, group) == {kim}
    okta.put(f"/Groups/{group['id']}", {"displayName": "Writers"})
    assert members(okta, group) == set()


def test_patch_changes_members_in_both_dialects(okta: Scim) -> None:
    jane, kim = people(okta)
    group = make(okta, "Editors", jane)
    path = f"/Groups/{group['id']}"
    response = okta.patch(
        path,
        {"op": "replace", "value": {"id": group["id"], "displayName": "Writers"}},
        {"op": "remove", "path": f'members[value eq "{jane}"]'},
        {"op": "add", "path": "members", "value": [{"value": kim}]},
    )
    assert (response.status_code, response.json()["displayName"]) == (200, "Writers")
    assert members(okta, group) == {kim}
    okta.patch(path, {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": kim}]})
    assert members(okta, group) == set()


def test_a_patch_that_is_not_understood_changes_nothing(okta: Scim) -> None:
    [jane] = people(okta, 1)
    group = make(okta, "Editors", jane)
    response = okta.patch(
        f"/Groups/{group['id']}",
        {"op": "remove", "path": "members"},
        {"op": "remove", "path": 'members[display eq "x"]'},
    )
    error(response, 400, "invalidPath")
    assert members(okta, group) == {jane}


def test_unknown_members_and_those_of_another_connection_are_shown_by_no_answer_R1_R29(okta: Scim, other: Scim) -> None:
    theirs, nobody = other.make("kim.lee@globex.test")["id"], "7f4b2b5e-7c58-4b4e-a5c1-0d9fbb7f6d01"
    group = make(okta, "Editors", theirs, "00919288221112222", nobody)
    path = f"/Groups/{group['id']}"
    assert "members" not in group
    assert "members" not in okta.patch(path, {"op": "add", "path": "members", "value": [{"value": nobody}]}).json()
    for one in (theirs, nobody):
        assert okta.get("/Groups", filter=f'members eq "{one}"').json()["totalResults"] == 0
    assert "groups" not in other.get(f"/Users/{theirs}").json()
    assert not PushGroupMember.objects.exists()
    assert okta.delete(path).status_code == 204


def test_the_external_id_of_a_group_can_be_taken_away(okta: Scim) -> None:
    resource = okta.post("/Groups", {"displayName": "Editors", "externalId": "g1"}).json()
    path = f"/Groups/{resource['id']}"
    assert okta.patch(path, {"op": "add", "path": "externalId", "value": None}).json()["externalId"] == "g1"
    assert "externalId" not in okta.patch(path, {"op": "remove", "path": "externalId"}).json()
    assert "externalId" not in okta.get(path).json()


def test_a_group_of_another_connection_is_not_there(okta: Scim, other: Scim) -> None:
    group = make(other, "Editors")
    path = f"/Groups/{group['id']}"
    for response in (okta.get(path), okta.put(path, group), okta.patch(path, {"op": "remove"}), okta.delete(path)):
        error(response, 404)
    assert okta.get("/Groups", filter='displayName eq "Editors"').json()["totalResults"] == 0


def test_the_second_group_of_a_name_is_a_409(okta: Scim) -> None:
    make(okta, "Editors")
    error(okta.post("/Groups", {"displayName": "EDITORS"}), 409, "uniqueness")


@pytest.mark.parametrize("body", [{}, {"displayName": ""}, {"displayName": 5.5}, {"displayName": "x", "members": [5]}])
def test_a_group_that_makes_no_sense_is_refused(okta: Scim, body: dict[str, Any]) -> None:
    error(okta.post("/Groups", body), 400, "invalidValue")
    assert okta.get("/Groups").json()["totalResults"] == 0


def test_a_group_named_like_a_grantable_role_gives_it_and_delete_takes_it_away(okta: Scim) -> None:
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[])
    set_grantable_roles(actor=ADMIN, connection=okta.connection, roles=[role], confirm_waiting=False)
    [jane] = people(okta, 1)
    group = make(okta, "editors", jane)
    assert Grant.objects.get().role == role
    response = okta.delete(f"/Groups/{group['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert not Grant.objects.exists()
    error(okta.get(f"/Groups/{group['id']}"), 404)


def test_a_group_without_a_role_waits_and_makes_none(okta: Scim) -> None:
    make(okta, "Nobody heard of it")
    assert not Role.objects.exists()


def test_a_connection_may_refuse_groups_that_reach_no_role(okta: Scim) -> None:
    change_connection(actor=ADMIN, connection_id=okta.connection.pk, unknown_group="refuse")
    error(okta.post("/Groups", {"displayName": "Editors"}), 400, "invalidValue")


def test_groups_are_found_by_name_external_id_and_member(okta: Scim) -> None:
    jane, kim = people(okta)
    editors = okta.post("/Groups", {"displayName": "Éditors", "externalId": "g1", "members": [{"value": jane}]}).json()
    make(okta, "Viewers", jane, kim)

    def found(text: str) -> list[str]:
        listed = okta.get("/Groups", filter=text).json()
        return [one["displayName"] for one in listed["Resources"]]

    assert found('displayName eq "éDITORS"') == ["Éditors"]
    assert found('externalId eq "g1"') == ["Éditors"]
    assert found('externalId eq "G1"') == []
    assert found(f'members eq "{kim}"') == ["Viewers"]
    assert found(f'members.value eq "{jane}" and displayName sw "view"') == ["Viewers"]
    assert found(f'members[value eq "{kim}"] or displayName co "dit"') == ["Éditors", "Viewers"]
    assert found(f'id eq "{editors["id"]}" and members eq "{kim}"') == []
    assert found(f'not (members eq "{kim}")') == ["Éditors"]
    assert found("members pr") == ["Éditors", "Viewers"]
    assert found('members eq "nobody"') == []
    assert found('displayName gt "v" and displayName lt "w"') == ["Viewers"]
    assert found('externalId ge "g1"') == ["Éditors"]
    for wrong in (
        'members.display eq "x"',
        'userName eq "x"',
        'members co "x"',
        "displayName eq 5",
    ):
        error(okta.get("/Groups", filter=wrong), 400, "invalidFilter")


def test_excluding_members_reads_no_member(okta: Scim) -> None:
    group = make(okta, "Editors", *people(okta))
    with CaptureQueriesContext(database) as queries:
        listed = okta.get("/Groups", excludedAttributes="members", filter='displayName eq "Editors"').json()
        one = okta.get(f"/Groups/{group['id']}", excludedAttributes="members").json()
    assert "members" not in listed["Resources"][0]
    assert "members" not in one
    assert not [query["sql"] for query in queries if "pushgroupmember" in query["sql"]]
    only = okta.get(f"/Groups/{group['id']}", attributes="displayName").json()
    assert set(only) == {"schemas", "id", "displayName"}


def test_the_number_of_members_costs_no_queries(okta: Scim) -> None:
    few, many = people(okta, 2), [okta.make(f"more{number}@acme.test")["id"] for number in range(60)]
    group = make(okta, "Editors")
    path = f"/Groups/{group['id']}"

    def cost(ids: list[str]) -> tuple[int, int, int]:
        with CaptureQueriesContext(database) as put:
            okta.put(path, {"displayName": "Editors", "members": [{"value": one} for one in ids]})
        with CaptureQueriesContext(database) as patch:
            okta.patch(path, *({"op": "remove", "path": f'members[value eq "{one}"]'} for one in ids))
        with CaptureQueriesContext(database) as listed:
            okta.get("/Groups")
        return len(put), len(patch), len(listed)

    okta.get("/Groups")  # takes the first part of the budget
    assert cost(few) == cost(many)
    assert max(cost(many)) < 15
