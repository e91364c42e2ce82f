"""Of many changes at the same instant that are made of one version, one is applied (RFC 7644 section 3.14)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings

from core_identity.models import Event, Identity, PushGroup
from tests.scim.conftest import Scim, person
from tests.support.moments import Worker

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4


@pytest.fixture(autouse=True)
def _everybody_may_wait(settings: LazySettings) -> None:
    settings.PUSHES_WAITING_PER_CUSTOMER = settings.PUSHES_WAITING = 2 * AT_ONCE


def at_once(acts: list[Callable[[], Any]]) -> list[int]:
    """Send all requests at once, each on a connection of its own; return the sorted statuses."""
    line = threading.Barrier(len(acts))

    def send(act: Callable[[], Any]) -> int:
        line.wait(30)
        status: int = act().status_code
        return status

    workers = [Worker(lambda act=act: send(act)) for act in acts]  # type: ignore[misc]
    return sorted(worker.result() for worker in workers)


def client(okta: Scim) -> Scim:
    return Scim(okta.connection, okta.token)


def test_one_change_of_each_version_of_a_person_is_applied(okta: Scim) -> None:
    address = f"/Users/{okta.make()['id']}"
    for number in range(3):
        tag = okta.get(address)["ETag"]

        def put(one: int, tag: str = tag, number: int = number) -> Any:
            body = {**person(), "title": f"Title {number} {one}"}
            return client(okta).send("PUT", address, body, **{"If-Match": tag})

        statuses = at_once([lambda one=one: put(one) for one in range(AT_ONCE)])  # type: ignore[misc]
        assert statuses == [200] + [412] * (AT_ONCE - 1)
        assert okta.get(address)["ETag"] != tag
    assert Identity.objects.get().version == 1 + 3
    assert Event.objects.filter(kind="identity.changed").count() == 3


def test_one_change_of_each_version_of_a_group_is_applied(okta: Scim) -> None:
    members = [okta.make(f"person.{one}@acme.test")["id"] for one in range(AT_ONCE)]
    address = f"/Groups/{okta.post('/Groups', {'displayName': 'Editors'}).json()['id']}"
    tag = okta.get(address)["ETag"]

    def add(member: str) -> Any:
        operation = {"op": "add", "path": "members", "value": [{"value": member}]}
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
        return client(okta).send("PATCH", address, body, **{"If-Match": tag})

    statuses = at_once([lambda one=one: add(one) for one in members])  # type: ignore[misc]
    assert [status >= 400 for status in statuses] == [False] + [True] * (AT_ONCE - 1)
    assert set(statuses[1:]) == {412}
    assert PushGroup.objects.get().members.count() == 1


def test_unconditional_additions_to_a_group_at_once_are_all_applied(okta: Scim) -> None:
    members = [okta.make(f"person.{one}@acme.test")["id"] for one in range(AT_ONCE)]
    address = f"/Groups/{okta.post('/Groups', {'displayName': 'Editors'}).json()['id']}"

    def add(member: str) -> Any:
        return client(okta).patch(address, {"op": "add", "path": "members", "value": [{"value": member}]})

    statuses = at_once([lambda one=one: add(one) for one in members])  # type: ignore[misc]
    assert max(statuses) < 400, statuses
    assert {one["value"] for one in okta.get(address).json()["members"]} == set(members)
