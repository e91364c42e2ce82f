"""ETags (RFC 7644 section 3.14): a version is true, and a change that was made of an older one is refused."""

import pytest

from core_identity.models import Identity, User
from core_identity.services.expiry import expire
from core_identity.services.users import change_user
from tests.scim.conftest import ENTERPRISE, Scim, error, person
from tests.support.cast import ADMIN

STALE = 'W/"0"'


def group_with(okta: Scim, *ids: str) -> dict[str, object]:
    resource: dict[str, object] = okta.post(
        "/Groups", {"displayName": "Editors", "members": [{"value": one} for one in ids]}
    ).json()
    return resource


def test_the_version_is_the_same_in_the_header_in_meta_and_in_lists(okta: Scim) -> None:
    resource = okta.make()
    answer = okta.get(f"/Users/{resource['id']}")
    listed = okta.get("/Users").json()["Resources"][0]
    assert (
        answer["ETag"] == answer.json()["meta"]["version"] == resource["meta"]["version"] == listed["meta"]["version"]
    )
    group = group_with(okta, resource["id"])
    answer = okta.get(f"/Groups/{group['id']}")
    assert answer["ETag"] == answer.json()["meta"]["version"]
    assert okta.get("/Groups").json()["Resources"][0]["meta"]["version"] == answer["ETag"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_change_made_of_an_older_version_is_refused_and_changes_nothing(okta: Scim, method: str) -> None:
    resource = okta.make()
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "title", "value": "Chief"}],
    }
    body = {"PUT": {**person(), "title": "Chief"}, "PATCH": patch, "DELETE": None}[method]
    path = f"/Users/{resource['id']}"
    sentence = error(okta.send(method, path, body, **{"If-Match": STALE}), 412)
    assert resource["meta"]["version"] in sentence
    assert okta.get(path).json() == resource
    assert okta.send(method, path, body, **{"If-Match": resource["meta"]["version"]}).status_code < 300


@pytest.mark.parametrize("others", ["{} old", '{}"x"', '"old" {}', "W/{}x", '"{}'])
def test_a_version_with_something_beside_it_is_not_a_version(okta: Scim, others: str) -> None:
    resource = okta.make()
    tag = others.replace("{}", resource["meta"]["version"])
    error(okta.send("PUT", f"/Users/{resource['id']}", {**person(), "title": "Chief"}, **{"If-Match": tag}), 412)


def test_a_list_of_versions_may_have_blanks_and_empty_places(okta: Scim) -> None:
    resource = okta.make()
    version = resource["meta"]["version"].removeprefix("W/")
    for tags in (f', "old" ,,{version} ,', f"old,{version}", f"\tW/{version}"):
        assert okta.send("PUT", f"/Users/{resource['id']}", person(), **{"If-Match": tags}).status_code == 200, tags


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_group_change_made_of_an_older_version_is_refused(okta: Scim, method: str) -> None:
    resource = group_with(okta, okta.make()["id"])
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "members", "value": []}],
    }
    body = {"PUT": {"displayName": "Others"}, "PATCH": patch, "DELETE": None}[method]
    path = f"/Groups/{resource['id']}"
    error(okta.send(method, path, body, **{"If-Match": STALE}), 412)
    assert okta.get(path).json() == resource
    tag = str(okta.get(path)["ETag"])
    assert okta.send(method, path, body, **{"If-Match": f'"other", {tag}'}).status_code < 300


def test_no_version_blocks_a_deactivation_R23(okta: Scim) -> None:
    resource = okta.make()
    answer = okta.send("PUT", f"/Users/{resource['id']}", {**person(), "active": False}, **{"If-Match": STALE})
    assert (answer.status_code, answer.json()["active"]) == (200, False)
    assert User.objects.get(identities__scim_id=resource["id"]).expired_at is not None


def test_a_client_that_has_the_version_is_sent_nothing(okta: Scim) -> None:
    resource = okta.make()
    path = f"/Users/{resource['id']}"
    answer = okta.send("GET", path, **{"If-None-Match": resource["meta"]["version"]})
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", resource["meta"]["version"])
    assert okta.send("GET", path, **{"If-None-Match": STALE}).status_code == 200
    group = f"/Groups/{group_with(okta)['id']}"
    assert okta.send("GET", group, **{"If-None-Match": str(okta.get(group)["ETag"])}).status_code == 304


@pytest.mark.parametrize("change", ["group", "expired", "email"])
def test_changes_outside_the_identity_change_the_version_too(okta: Scim, change: str) -> None:
    resource = okta.make()
    identity = Identity.objects.get()
    match change:
        case "group":
            group_with(okta, resource["id"])
        case "expired":
            expire(actor=ADMIN, user_id=identity.user_id, reason="left")
        case "email":
            change_user(actor=ADMIN, user_id=identity.user_id, email="j@acme.test")
    assert okta.get(f"/Users/{resource['id']}")["ETag"] != resource["meta"]["version"]


@pytest.mark.parametrize(
    ("op", "path", "value"),
    [
        ("add", "title", "Chief"),
        ("replace", "active", True),
        ("replace", f"{ENTERPRISE}:UID", "jane"),
        ("replace", None, {"userName": "jane.doe@acme.test", "name.givenName": "Jane"}),
        ("add", "emails", [{"primary": True, "value": "jane.doe@acme.test", "type": "work"}]),
        ("remove", "nickName", None),
    ],
)
def test_a_repeated_value_changes_neither_version_nor_time(okta: Scim, op: str, path: str, value: object) -> None:
    """RFC 7644 section 3.5.2.1: an operation that changes nothing must not change the modify timestamp."""
    resource = okta.make(title="Chief", **{ENTERPRISE: {"UID": "jane"}})
    answer = okta.patch(f"/Users/{resource['id']}", {"op": op, "path": path, "value": value})
    assert answer.json() == resource
    assert okta.put(f"/Users/{resource['id']}", resource).json() == resource
    assert Identity.objects.get().version == 1


def test_a_repeated_deactivation_keeps_the_version(okta: Scim) -> None:
    resource = okta.make(active=False)
    assert (
        okta.patch(f"/Users/{resource['id']}", {"op": "replace", "path": "active", "value": False}).json() == resource
    )


@pytest.mark.parametrize("former", [{}, {ENTERPRISE: {"UID": "JANE"}}])
def test_a_uid_in_another_spelling_changes_version_and_time(okta: Scim, former: dict[str, object]) -> None:
    """A derived UID that is sent, and one in other letters: nothing else of the identity moves."""
    resource = okta.make("jane", externalId="00u1", **former)
    shown = okta.put(f"/Users/{resource['id']}", {**resource, ENTERPRISE: {"UID": "jane"}}).json()
    assert shown[ENTERPRISE]["UID"] == "jane"
    assert shown["meta"]["version"] != resource["meta"]["version"]
    assert shown["meta"]["lastModified"] > resource["meta"]["lastModified"]


def test_a_group_whose_member_is_deleted_has_another_version(okta: Scim) -> None:
    resource = okta.make()
    group = f"/Groups/{group_with(okta, resource['id'])['id']}"
    before = okta.get(group)
    okta.delete(f"/Users/{resource['id']}")
    after = okta.get(group)
    assert "members" not in after.json()
    assert after["ETag"] != before["ETag"]


def test_a_client_that_requires_a_new_resource_does_not_overwrite_an_existing_one(okta: Scim) -> None:
    path = f"/Users/{okta.make()['id']}"
    error(okta.send("PUT", path, {**person(), "title": "Chief"}, **{"If-None-Match": "*"}), 412)


def test_a_resource_that_is_not_there_is_404_whatever_the_version(okta: Scim) -> None:
    missing = "/Users/6d1e2f5a-0f0e-4b57-a6a0-3a1d6f0f9a11"
    error(okta.send("PUT", missing, person(), **{"If-Match": "*"}), 404)
