"""The life of a person over SCIM, as a client sees it and as CORE stores it."""

from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from core_identity.models import Event, Identity, User
from core_identity.services.connections import change_connection
from scim.models import ProvisioningRecord
from tests.scim.conftest import ENTERPRISE, Scim, error, person
from tests.support.cast import ADMIN

CORE_USER = "urn:core-identity:params:scim:schemas:extension:1.0:User"


def test_a_created_user_is_answered_as_stored(okta: Scim) -> None:
    body = {
        **person(),
        "externalId": "00u1",
        "name": {"givenName": " Jane ", "familyName": "Doe", "middleName": "Q"},
        "title": "Editor",
        "phoneNumbers": [{"value": "+1 555", "type": "work"}],
        "groups": [],
        "password": "4mpjY6fz",
        "locale": "en-US",
        ENTERPRISE: {"uid": "jane.doe", "department": "Press", "manager": {"value": "m1"}},
        "shoeSize": 44,
    }
    response = okta.post("/Users", body)
    assert response.status_code == 201
    resource = response.json()
    location = f"http://localhost:8000/scim/acme/v2/Users/{resource['id']}"
    assert (response["Location"], response["Content-Type"]) == (location, "application/scim+json")
    meta = resource.pop("meta")
    assert meta == {
        "resourceType": "User",
        "created": meta["created"],
        "lastModified": meta["lastModified"],
        "location": location,
        "version": response["ETag"],
    }
    assert resource == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, CORE_USER],
        "id": resource["id"],
        "externalId": "00u1",
        "userName": "jane.doe@acme.test",
        "name": {"givenName": " Jane ", "familyName": "Doe", "middleName": "Q"},
        "displayName": "jane.doe",
        "title": "Editor",
        "locale": "en-US",
        "active": True,
        "emails": [{"value": "jane.doe@acme.test", "type": "work", "primary": True}],
        "phoneNumbers": [{"value": "+1 555", "type": "work"}],
        ENTERPRISE: {"UID": "jane.doe", "department": "Press", "manager": {"value": "m1"}},
        CORE_USER: {"username": "jane.doe@acme.test", "email": "jane.doe@acme.test", "expired": False},
    }
    assert okta.get(f"/Users/{resource['id']}").json() == {**resource, "meta": meta}
    user = User.objects.get()
    assert not user.has_usable_password()


def test_a_derived_uid_is_not_answered_because_the_idp_never_sent_it(okta: Scim) -> None:
    resource = okta.make()
    assert ENTERPRISE not in resource
    assert ENTERPRISE not in resource["schemas"]
    assert Identity.objects.get().uids.get().uid == "jane.doe@acme.test"


def test_the_uid_is_echoed_under_the_exact_name_of_its_attribute(okta: Scim) -> None:
    change_connection(actor=ADMIN, connection_id=okta.connection.pk, uid_attribute="coreUid")
    resource = okta.make(**{ENTERPRISE: {"COREUID": "jane.doe"}})
    assert resource[ENTERPRISE] == {"coreUid": "jane.doe"}


def test_a_connection_may_require_the_uid(okta: Scim) -> None:
    change_connection(actor=ADMIN, connection_id=okta.connection.pk, uid_required_in_scim=True)
    assert "UID" in error(okta.post("/Users", person()), 400, "invalidValue")
    assert not User.objects.exists()


def test_the_same_user_again_is_a_plain_409(okta: Scim) -> None:
    okta.make()
    again = {**person(), "emails": [{"value": "another@acme.test", "primary": True}]}
    error(okta.post("/Users", again), 409, "uniqueness")
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        ({}, "invalidValue"),
        ({**person(), "userName": ""}, "invalidValue"),
        ({**person(), "userName": None}, "invalidValue"),
        ({**person(), "userName": "a\u200bb"}, "invalidValue"),
        ({**person(), "userName": "x" * 300}, "invalidValue"),
        ({**person(), "title": "a\0b"}, "invalidValue"),
        ({**person(), "title": "\ud800"}, "invalidValue"),
        ({**person(), "active": "perhaps"}, "invalidValue"),
        ({**person(), "schemas": "urn:x"}, "invalidSyntax"),
    ],
)
def test_a_refused_create_leaves_nothing(okta: Scim, body: dict[str, Any], scim_type: str) -> None:
    error(okta.post("/Users", body), 400, scim_type)
    assert not User.objects.exists()
    assert not Identity.objects.exists()


def test_put_of_the_answer_of_get_changes_nothing_but_the_version(okta: Scim) -> None:
    resource = okta.make(**{ENTERPRISE: {"UID": "jane.doe"}}, nickName="Janie")
    echo = {
        **resource,
        "meta": {**resource["meta"], "created": "2026-11-23 10:00", "odd": 1},
        "groups": [{"display": 5}],
    }
    answered = okta.put(f"/Users/{resource['id']}", echo).json()
    answered.pop("meta")
    resource.pop("meta")
    assert answered == resource


def test_put_replaces_and_keeps_the_attributes_of_core_that_it_omits(okta: Scim) -> None:
    resource = okta.make(title="Editor", nickName="Janie", **{ENTERPRISE: {"UID": "jane.doe", "costCenter": "7"}})
    answered = okta.put(f"/Users/{resource['id']}", {"userName": "jane.doe@acme.test", "title": ""}).json()
    assert {"title", "nickName"} & set(answered) == set()
    assert answered[ENTERPRISE] == {"UID": "jane.doe"}
    assert answered["emails"] == resource["emails"]
    assert answered["name"] == resource["name"]


def test_a_rename_follows_the_idp_and_leaves_the_user_alone(okta: Scim) -> None:
    resource = okta.make(externalId="00u1", **{ENTERPRISE: {"UID": "jane.doe"}})
    answered = okta.put(f"/Users/{resource['id']}", {**resource, "userName": "jane.roe@acme.test"}).json()
    assert answered["userName"] == "jane.roe@acme.test"
    assert answered[CORE_USER]["username"] == "jane.doe@acme.test"


def test_deactivation_expires_and_reactivation_does_not_unexpire(okta: Scim) -> None:
    resource = okta.make()
    path = f"/Users/{resource['id']}"
    assert okta.put(path, {**resource, "active": False}).json()["active"] is False
    assert User.objects.get().expired_at is not None
    answered = okta.put(path, {**resource, "active": True}).json()
    assert answered["active"] is True
    assert answered[CORE_USER]["expired"] is True


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "value": {"active": False}},
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "replace", "value": {"active": False, "emails": "\0"}},
    ],
)
def test_patch_deactivates_in_every_dialect(okta: Scim, operation: dict[str, Any]) -> None:
    resource = okta.make()
    response = okta.patch(f"/Users/{resource['id']}", operation)
    assert (response.status_code, response.json()["active"]) == (200, False)
    assert User.objects.get().expired_at is not None


@pytest.mark.parametrize(
    "rest",
    [
        {"userName": ""},
        {"userName": 5.5},
        {"title": "\0"},
        {"schemas": "x"},
        {"externalId": "somebody-else"},
        {"emails": 7},
        {ENTERPRISE: {"UID": "kim.lee"}},
        {"userName": "kim.lee@acme.test"},
    ],
)
def test_nothing_in_the_rest_of_a_message_blocks_a_deactivation(okta: Scim, rest: dict[str, Any]) -> None:
    resource = okta.make(externalId="00u1")
    okta.make("kim.lee@acme.test", externalId="00u2", **{ENTERPRISE: {"UID": "kim.lee"}})
    response = okta.put(f"/Users/{resource['id']}", {**resource, **rest, "active": False})
    assert response.status_code == 200
    answered = response.json()
    assert (answered["active"], answered[CORE_USER]["expired"]) == (False, True)
    assert answered["userName"] == "jane.doe@acme.test"


def test_patch_reads_only_the_attributes_that_it_changes(okta: Scim) -> None:
    resource = okta.make(externalId="00u1", title="Editor", **{ENTERPRISE: {"UID": "jane.doe"}})
    answered = okta.patch(f"/Users/{resource['id']}", {"op": "replace", "path": "displayName", "value": "J"}).json()
    assert answered["displayName"] == "J"
    answered = okta.patch(f"/Users/{resource['id']}", {"op": "remove", "path": "displayName"}).json()
    assert {**answered, "meta": 0, "displayName": "jane.doe"} == {**resource, "meta": 0}


def test_patch_is_all_or_nothing(okta: Scim) -> None:
    resource = okta.make()
    path = f"/Users/{resource['id']}"
    response = okta.patch(
        path, {"op": "replace", "path": "title", "value": "Chief"}, {"op": "remove", "path": "shoeSize"}
    )
    error(response, 400, "invalidPath")
    assert okta.get(path).json() == resource


def test_removing_the_extension_does_not_remove_the_uid(okta: Scim) -> None:
    resource = okta.make(**{ENTERPRISE: {"UID": "jane.doe", "department": "Press"}})
    answer = okta.patch(f"/Users/{resource['id']}", {"op": "remove", "path": ENTERPRISE})
    assert answer.json()[ENTERPRISE] == {"UID": "jane.doe"}
    assert answer["X-Decision"].endswith("; UID not removed: a message never clears it")


def test_a_removal_that_is_not_done_is_in_the_decision_R6(okta: Scim) -> None:
    resource = okta.make(externalId="00u1", **{ENTERPRISE: {"UID": "jane.doe"}})
    path, uid = f"/Users/{resource['id']}", f"{ENTERPRISE}:UID"
    both = "UID not removed: a message never clears it; externalId not removed: a message never clears it"
    whole = {name: value for name, value in resource.items() if name != "meta"}
    for answer in (
        okta.patch(path, {"op": "remove", "path": uid}, {"op": "remove", "path": "externalId"}),
        okta.patch(path, {"op": "replace", "value": {"externalId": None, uid: ""}}),
        okta.put(path, {**whole, "externalId": "", ENTERPRISE: {"UID": None}}),
    ):
        assert (answer.status_code, answer.json()["externalId"]) == (200, "00u1"), answer.content
        assert answer.json()[ENTERPRISE]["UID"] == "jane.doe"
        assert answer["X-Decision"].endswith(f"; {both}"), answer["X-Decision"]
    assert ProvisioningRecord.objects.latest("id").decision == answer["X-Decision"]
    quiet = okta.patch(path, {"op": "remove", "path": uid}, {"op": "add", "path": uid, "value": "jane.doe"})
    assert "not removed" not in quiet["X-Decision"]
    bare = okta.make("john.roe@acme.test")
    nothing = okta.patch(f"/Users/{bare['id']}", {"op": "remove", "path": uid}, {"op": "remove", "path": "externalId"})
    assert nothing["X-Decision"] == "nothing changed"


def test_delete_expires_the_user_and_removes_the_resource(okta: Scim) -> None:
    resource = okta.make(externalId="00u1")
    path = f"/Users/{resource['id']}"
    response = okta.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    for again in (okta.get(path), okta.delete(path), okta.put(path, resource), okta.patch(path, {"op": "remove"})):
        error(again, 404)
    assert okta.get("/Users").json()["totalResults"] == 0
    assert User.objects.get().expired_at is not None
    revived = okta.post("/Users", {**person(), "externalId": "00u1"})
    assert (revived.status_code, revived.json()["id"]) == (201, resource["id"])
    assert User.objects.get().expired_at is not None


@pytest.mark.parametrize(
    "resource",
    ["00919288221112222", "0b6d6a5e-52f5-4c3e-9c0a-6e1f8a2d7b11", "x", "%00", "%ff", "a%2Fb", "{}", ".search"],
)
def test_an_id_that_nobody_has_is_a_404(okta: Scim, resource: str) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        response = okta.send(method, f"/Users/{resource}", None if method in ("GET", "DELETE") else person())
        error(response, 405 if resource == ".search" else 404)


def test_a_resource_of_another_connection_is_not_there(okta: Scim, other: Scim) -> None:
    theirs = other.make("kim.lee@globex.test", externalId="00u9")
    path = f"/Users/{theirs['id']}"
    for response in (okta.get(path), okta.put(path, theirs), okta.patch(path, {"op": "remove"}), okta.delete(path)):
        error(response, 404)
    listed = okta.get("/Users", filter='userName eq "kim.lee@globex.test" or externalId eq "00u9" or active eq true')
    assert listed.json()["totalResults"] == 0
    # The same person at another customer is another user.
    assert okta.make("kim.lee@globex.test", externalId="00u9")["id"] != theirs["id"]


def test_a_list_has_pages_by_the_rules_of_the_rfc(okta: Scim) -> None:
    names = [f"user{number}@acme.test" for number in range(5)]
    for name in names:
        okta.make(name)

    def page(**query: str) -> tuple[int, int, int, list[str]]:
        listed = okta.get("/Users", **query).json()
        assert listed["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
        shown = [one["userName"] for one in listed["Resources"]]
        return listed["totalResults"], listed["startIndex"], listed["itemsPerPage"], shown

    assert page() == (5, 1, 5, names)
    assert page(startIndex="1", count="2") == (5, 1, 2, names[:2])
    assert page(startIndex="3", count="2") == (5, 3, 2, names[2:4])
    assert page(startIndex="5", count="100") == (5, 5, 1, names[4:])
    assert page(startIndex="6") == (5, 6, 0, [])
    assert page(startIndex="0", count="1") == (5, 1, 1, names[:1])
    assert page(startIndex="-7", count="-1") == (5, 1, 0, [])
    assert page(count="0") == (5, 1, 0, [])
    assert page(STARTINDEX="2", Count="1") == (5, 2, 1, names[1:2])
    assert page(startIndex="9" * 30) == (5, int("9" * 30), 0, [])
    for query in ({"count": "x"}, {"startIndex": "1.5"}, {"count": "9" * 31}, {"count": "٣"}):
        error(okta.get("/Users", **query), 400, "invalidValue")


def test_a_list_of_100_users_takes_five_queries_and_one_each_for_token_budget_and_log(okta: Scim) -> None:
    okta.post("/Groups", {"displayName": "Everybody"})
    group = okta.get("/Groups").json()["Resources"][0]["id"]
    ids = [okta.make(f"user{number}@acme.test")["id"] for number in range(100)]
    okta.put(f"/Groups/{group}", {"displayName": "Everybody", "members": [{"value": one} for one in ids]})
    with CaptureQueriesContext(
        database,
    ) as queries:
        listed = okta.get("/Users", count="100").json()
    assert len(listed["Resources"]) == 100
    assert listed["Resources"][99]["groups"][0]["display"] == "Everybody"
    assert len(queries) <= 3 + 5


def test_attributes_and_excluded_attributes_choose_the_content_of_the_answer(okta: Scim) -> None:
    resource = okta.make(**{ENTERPRISE: {"UID": "jane.doe", "department": "Press"}})
    path = f"/Users/{resource['id']}"
    base = {"schemas": resource["schemas"], "id": resource["id"]}
    chosen = okta.get(path, attributes=f"USERNAME,name.givenName,{ENTERPRISE}:UID,emails.value,nonsense").json()
    assert chosen == {
        **base,
        "userName": resource["userName"],
        "name": {"givenName": "Jane"},
        "emails": [{"value": "jane.doe@acme.test"}],
        ENTERPRISE: {"UID": "jane.doe"},
    }
    assert okta.get(path, attributes=ENTERPRISE).json() == {**base, ENTERPRISE: resource[ENTERPRISE]}
    rest = okta.get(path, excludedAttributes=f"id,meta,name.familyName,{ENTERPRISE},{CORE_USER}").json()
    expected = {name: value for name, value in resource.items() if name not in ("meta", ENTERPRISE, CORE_USER)}
    assert rest == {**expected, "name": {"givenName": "Jane"}}
    error(okta.get(path, attributes="userName", excludedAttributes="emails"), 400, "invalidValue")


def test_a_fault_in_the_query_of_a_create_is_found_before_the_deed(okta: Scim) -> None:
    error(okta.post("/Users?attributes=userName&excludedAttributes=emails", person()), 400, "invalidValue")
    assert not User.objects.exists()


def test_a_search_by_post_is_the_same_as_by_get(okta: Scim) -> None:
    resource = okta.make()
    okta.make("kim.lee@acme.test")
    search = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": 'userName eq "JANE.DOE@acme.test"',
        "attributes": ["userName"],
        "startIndex": 1,
        "count": 10,
    }
    listed = okta.post("/Users/.search", search).json()
    assert listed["totalResults"] == 1
    assert listed["Resources"] == [
        {"schemas": resource["schemas"], "id": resource["id"], "userName": "jane.doe@acme.test"}
    ]
    for wrong in ({"filter": 5}, {"count": "x"}, {"attributes": 7}):
        error(okta.post("/Users/.search", wrong), 400, "invalidValue")


def test_values_are_answered_with_the_blanks_that_were_sent_R19(okta: Scim) -> None:
    sent = {
        "name": {"givenName": " Jane ", "familyName": "Doe ", "formatted": " Jane "},
        "title": " Editor ",
        "nickName": " J ",
        ENTERPRISE: {"department": " Press", "organization": "Acme ", "division": " A "},
    }
    resource = okta.make(**sent)
    shown = okta.get(f"/Users/{resource['id']}").json()
    assert {name: shown[name] for name in sent} == sent
    again = okta.put(f"/Users/{resource['id']}", shown)
    assert (again.json(), again["X-Decision"]) == (shown, "nothing changed")
    assert okta.get("/Users", filter='title eq " Editor "').json()["totalResults"] == 1
    assert User.objects.values_list("first_name", "title", "department", "company").get() == (
        "Jane", "Editor", "Press", "Acme"
    )  # fmt: skip


def test_an_identity_that_came_only_by_sso_is_not_a_resource(okta: Scim) -> None:
    from tests.support.cast import BROWSER, JANE, by_sso
    from tests.support.sign_in import sign_in

    sign_in(actor=BROWSER, connection=okta.connection, person=by_sso(JANE))
    identity = Identity.objects.get()
    assert okta.get("/Users").json()["totalResults"] == 0
    error(okta.get(f"/Users/{identity.scim_id}"), 404)


def test_every_change_leaves_an_event_with_the_reference_that_the_client_got(okta: Scim) -> None:
    response = okta.post("/Users", person())
    event = Event.objects.filter(kind="identity.created").get()
    assert (event.request_id, event.actor, event.channel) == (response["X-Request-Id"], "OAuth client of acme", "scim")


def test_an_answer_contains_the_decision_in_words_without_personal_data(okta: Scim) -> None:
    created = okta.post("/Users", person())
    assert created["X-Decision"] == "nobody had this UID: a new user"
    refused = okta.post("/Users", person())
    assert (refused.status_code, refused["X-Decision"]) == (409, "uniqueness")
    assert "jane" not in created["X-Decision"] + refused["X-Decision"]
