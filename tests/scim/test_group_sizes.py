"""A change of a group costs the same number of statements whatever its size."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.seed import add_people, scim_ids
from core_identity.models import ExpectedMember, Grant, Identity, User
from core_identity.services.roles import create_role
from scim.views.groups import MOST_SHOWN
from tests.scim.conftest import Scim
from tests.support.cast import ADMIN

FEW, MANY = 5, 400
MOST = 14
"""A change takes fewer statements than this, all included: token, budget, begin, commit, and the log."""
FOR_ONE = 9
"""Token, begin, lock the customer, lock the group, the members, the group, the event, commit, the members for an answer, log."""


@pytest.fixture
def people(okta: Scim) -> list[str]:
    """Return the ids of as many people as the larger group has."""
    create_role(actor=ADMIN, name="Editors", grantable_by=[okta.connection])
    customer = okta.connection.customer
    users = User.objects.bulk_create(
        User(username=f"p{at}", username_key=f"p{at}", customer=customer) for at in range(MANY)
    )
    identities = Identity.objects.bulk_create(
        Identity(
            connection=okta.connection,
            user=user,
            user_name=user.username,
            user_name_key=user.username_key,
            pushed_at=timezone.now(),
        )
        for user in users
    )
    return [str(one.scim_id) for one in identities]


def statements(okta: Scim, method: str, path: str, body: Any) -> int:
    with CaptureQueriesContext(database) as queries:
        answer = okta.send(method, path, body)
    assert answer.status_code in {200, 204}, answer.content
    return len(queries)  # making and releasing the savepoint stand for BEGIN and COMMIT


def group(ids: list[str]) -> dict[str, Any]:
    return {"displayName": "Editors", "members": [{"value": one} for one in ids]}


def patch(operations: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}


def adding(ids: list[str]) -> dict[str, Any]:
    return patch([{"op": "add", "path": "members", "value": [{"value": one}]} for one in ids])


def removing(ids: list[str]) -> dict[str, Any]:
    return patch([{"op": "remove", "path": f'members[value eq "{one}"]'} for one in ids])


def test_a_put_with_few_or_many_members_takes_under_14_statements_R30(okta: Scim, people: list[str]) -> None:
    resource = okta.post("/Groups", group([])).json()
    counts = []
    for size in (FEW, MANY):
        counts.append(statements(okta, "PUT", f"/Groups/{resource['id']}", group(people[:size])))
        assert Grant.objects.count() == size
    for size in (MANY - FEW, 0):
        counts.append(statements(okta, "PUT", f"/Groups/{resource['id']}", group(people[:size])))
        assert Grant.objects.count() == size
    assert max(counts) < MOST, counts


def test_a_put_that_replaces_few_or_many_members_takes_the_same_number_of_statements(
    okta: Scim, people: list[str]
) -> None:
    resource = okta.post("/Groups", group([])).json()
    path, half = f"/Groups/{resource['id']}", MANY // 2
    okta.put(path, group(people[:FEW]))
    few = statements(okta, "PUT", path, group(people[FEW : 2 * FEW]))
    okta.put(path, group(people[:half]))
    assert statements(okta, "PUT", path, group(people[half:])) == few < MOST


def test_a_patch_of_few_or_many_operations_takes_under_14_statements(okta: Scim, people: list[str]) -> None:
    resource = okta.post("/Groups", group([])).json()
    path = f"/Groups/{resource['id']}"
    counts = [statements(okta, "PATCH", path, adding(people[:FEW]))]
    counts.append(statements(okta, "PATCH", path, adding(people[FEW:])))
    assert Grant.objects.count() == MANY
    counts.append(statements(okta, "PATCH", path, removing(people[:FEW])))
    counts.append(statements(okta, "PATCH", path, removing(people[FEW:])))
    assert Grant.objects.count() == 0
    assert max(counts) < MOST, counts


def test_one_member_takes_at_most_nine_statements_in_a_group_of_any_size(okta: Scim, people: list[str]) -> None:
    path = f"/Groups/{okta.post('/Groups', group(people[:FEW])).json()['id']}"
    statements(okta, "PATCH", path, adding(people[-1:]))  # the first use of a token writes when it was used
    assert statements(okta, "PATCH", path, removing(people[-1:])) <= FOR_ONE
    okta.put(path, group(people[:-1]))
    assert statements(okta, "PATCH", path, adding(people[-1:])) <= FOR_ONE


def test_postgresql_keeps_one_plan_for_the_members_of_a_message_R30(okta: Scim, people: list[str]) -> None:
    """It makes a new plan each time if that seems cheaper for a short list. For one member, planning costs more than the work."""
    path = f"/Groups/{okta.post('/Groups', group([])).json()['id']}"
    for at in range(20):
        okta.send("PATCH", path, adding(people[at : at + 1]))
        okta.send("PATCH", path, removing(people[at : at + 1]))
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE %s",
            ["%leaving AS MATERIALIZED%"],
        )
        [(custom, kept)] = cursor.fetchall()
    assert kept > custom


def test_the_same_list_again_takes_no_lock_and_writes_nothing_but_the_log(okta: Scim, people: list[str]) -> None:
    strangers = [str(uuid4()), okta.post("/Groups", {"displayName": "Other"}).json()["id"]]
    whole = group([*people, *strangers])
    path = f"/Groups/{okta.post('/Groups', whole).json()['id']}"
    first = okta.put(path, whole)
    with CaptureQueriesContext(database) as queries:
        again = okta.put(path, whole)
    assert (again.json(), again["ETag"]) == (first.json(), first["ETag"])
    assert sorted(one["value"] for one in again.json()["members"]) == sorted(people)
    assert "a group as a member was left out" in again["X-Decision"]
    statements = [one["sql"] for one in queries]
    assert not any("FOR NO KEY UPDATE" in one or "SAVEPOINT" in one for one in statements), statements
    written = [
        one
        for one in statements
        if "core_identity" in one
        and one.lstrip().startswith(("INSERT", "UPDATE", "WITH"))
        and "INSERT INTO scim_provisioningrecord" not in one  # the log, which compares its rows with erased people
    ]
    assert not written, written


def test_the_answer_to_a_change_lists_the_members_in_the_order_of_a_later_get(okta: Scim, people: list[str]) -> None:
    response = okta.post("/Groups", group(people[:FEW]))
    path = f"/Groups/{response.json()['id']}"
    assert response.json() == okta.get(path).json()
    for members in (people[2 : 2 * FEW], [*people[3:FEW], str(uuid4())], []):
        assert okta.put(path, group(members)).json() == okta.get(path).json()


def test_a_patch_of_a_large_group_is_answered_without_its_members_unless_attributes_are_asked_for(okta: Scim) -> None:
    add_people(okta.connection, 1, MOST_SHOWN + 2)
    ids = scim_ids(okta.connection, 1, MOST_SHOWN + 2)
    path = f"/Groups/{okta.post('/Groups', group(ids[: MOST_SHOWN - 1])).json()['id']}"
    assert okta.send("PATCH", path, adding(ids[MOST_SHOWN - 1 : MOST_SHOWN])).status_code == 200
    silent = okta.send("PATCH", path, adding(ids[MOST_SHOWN:]))
    assert (silent.status_code, silent.content) == (204, b"")
    assert silent["ETag"] == okta.get(path)["ETag"]
    assert silent["Location"] == okta.get(path).json()["meta"]["location"]
    with CaptureQueriesContext(database) as queries:
        assert okta.send("PATCH", path, removing(ids[:1])).status_code == 204
    assert not any("string_agg(one.scim_id" in one["sql"] for one in queries)
    shown = okta.send("PATCH", f"{path}?attributes=members.value", removing(ids[1:2]))
    assert (shown.status_code, len(shown.json()["members"])) == (200, MOST_SHOWN)
    assert okta.send("PATCH", path, removing(ids[2:3])).status_code == 200, "the group is smaller again"


def test_ids_that_nobody_has_cost_no_more_R29(okta: Scim, people: list[str]) -> None:
    resource = okta.post("/Groups", group([])).json()
    path = f"/Groups/{resource['id']}"
    for some in (people[:FEW], people[FEW : 2 * FEW]):  # the second time all leave, and others come, of both kinds
        mixed = [*some, *(str(uuid4()) for _ in range(MANY))]
        assert statements(okta, "PUT", path, group(mixed)) < MOST
        assert (Grant.objects.count(), ExpectedMember.objects.count()) == (FEW, MANY)
