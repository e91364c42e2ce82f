"""A change of a group costs the same number of statements whatever its size."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core_identity.models import ExpectedMember, Grant, Identity, User
from core_identity.services.roles import create_role
from tests.scim.conftest import Scim
from tests.support.cast import ADMIN

FEW, MANY = 5, 400
MOST = 15
"""A change takes fewer statements than this, all included: token, budget, begin, commit, and the log."""


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
    with CaptureQueriesContext(database) as asked:
        answer = okta.send(method, path, body)
    assert answer.status_code == 200, answer.content
    return len(asked)  # making and releasing the savepoint stand for BEGIN and COMMIT


def group(ids: list[str]) -> dict[str, Any]:
    return {"displayName": "Editors", "members": [{"value": one} for one in ids]}


def patch(operations: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}


def adding(ids: list[str]) -> dict[str, Any]:
    return patch([{"op": "add", "path": "members", "value": [{"value": one}]} for one in ids])


def removing(ids: list[str]) -> dict[str, Any]:
    return patch([{"op": "remove", "path": f'members[value eq "{one}"]'} for one in ids])


def test_a_put_with_many_members_takes_as_few_statements_as_one_with_few_R30(okta: Scim, people: list[str]) -> None:
    made = okta.post("/Groups", group([])).json()
    counts = []
    for size in (FEW, MANY):
        counts.append(statements(okta, "PUT", f"/Groups/{made['id']}", group(people[:size])))
        assert Grant.objects.count() == size
    for size in (MANY - FEW, 0):
        counts.append(statements(okta, "PUT", f"/Groups/{made['id']}", group(people[:size])))
        assert Grant.objects.count() == size
    assert max(counts) < MOST, counts


def test_so_does_one_that_takes_some_out_and_others_in(okta: Scim, people: list[str]) -> None:
    made = okta.post("/Groups", group([])).json()
    path, half = f"/Groups/{made['id']}", MANY // 2
    okta.put(path, group(people[:FEW]))
    few = statements(okta, "PUT", path, group(people[FEW : 2 * FEW]))
    okta.put(path, group(people[:half]))
    assert statements(okta, "PUT", path, group(people[half:])) == few < MOST


def test_a_patch_of_many_operations_takes_as_few_statements_as_one_of_few(okta: Scim, people: list[str]) -> None:
    made = okta.post("/Groups", group([])).json()
    path = f"/Groups/{made['id']}"
    counts = [statements(okta, "PATCH", path, adding(people[:FEW]))]
    counts.append(statements(okta, "PATCH", path, adding(people[FEW:])))
    assert Grant.objects.count() == MANY
    counts.append(statements(okta, "PATCH", path, removing(people[:FEW])))
    counts.append(statements(okta, "PATCH", path, removing(people[FEW:])))
    assert Grant.objects.count() == 0
    assert max(counts) < MOST, counts


def test_ids_that_nobody_has_cost_no_more_R29(okta: Scim, people: list[str]) -> None:
    made = okta.post("/Groups", group([])).json()
    path = f"/Groups/{made['id']}"
    for some in (people[:FEW], people[FEW : 2 * FEW]):  # the second time all leave, and others come, of both kinds
        mixed = [*some, *(str(uuid4()) for _ in range(MANY))]
        assert statements(okta, "PUT", path, group(mixed)) < MOST
        assert (Grant.objects.count(), ExpectedMember.objects.count()) == (FEW, MANY)
