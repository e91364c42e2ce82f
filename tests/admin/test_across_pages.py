"""Lists over all connections: what waits and what differs, in pages whose cost does not grow, for whom they may see it."""

from dataclasses import replace

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core_identity.models import Connection, Identity, PushGroup
from core_identity.services.provisioning import create_person
from core_identity.services.roles import create_role
from tests.admin.conftest import browser_of, put, staff
from tests.support.cast import ADMIN, JANE, OKTA, make_connection


def wait_for_a_role(connection: Connection, numbers: range) -> None:
    PushGroup.objects.bulk_create(
        PushGroup(connection=connection, display_name=f"Team <{n:03}>", name_key=f"team <{n:03}>") for n in numbers
    )


def test_groups_of_all_connections_wait_in_one_list(as_root: Client, acme: Connection) -> None:
    other = make_connection("globex", customer="Globex")
    wait_for_a_role(acme, range(1))
    wait_for_a_role(other, range(1, 2))
    role = create_role(actor=ADMIN, name="Editors")
    PushGroup.objects.create(connection=acme, display_name="Editors", name_key="editors", role=role)
    waiting = as_root.get("/admin/groups/").content.decode()
    assert ["Team &lt;000&gt;" in waiting, "Team &lt;001&gt;" in waiting, ">Editors<" in waiting] == [True, True, False]
    assert f"?name=Team%20%3C000%3E&amp;grantable_by={acme.pk}" in waiting
    everything = as_root.get("/admin/groups/?all").content.decode()
    assert reverse("admin:core_identity_role_change", args=[role.pk]) in everything


def test_a_person_of_two_connections_drifts_in_one_list(as_root: Client, jane: Identity) -> None:
    globex = make_connection("globex", customer="Globex")
    zed = create_person(actor=OKTA, connection=globex, person=JANE).identity
    put(jane, replace(JANE, user_name="jane.roe@acme.test"))
    put(zed, replace(JANE, email="jane@globex.test"))
    page = as_root.get("/admin/drift/").content.decode()
    assert ["jane.roe@acme.test" in page, "jane@globex.test" in page] == [True, True]
    only = as_root.get("/admin/drift/?field=email").content.decode()
    assert ["jane.roe@acme.test" in only, "jane@globex.test" in only] == [False, True]
    assert reverse("admin:core_identity_user_drift", args=[zed.user_id]) in only


@pytest.mark.parametrize(
    ("path", "opens"), [("/admin/groups/", {"view_role", "view_connection"}), ("/admin/drift/", {"view_user"})]
)
def test_a_list_opens_only_for_whom_it_may(path: str, opens: set[str], jane: Identity) -> None:
    permissions = ("view_role", "view_connection", "view_user", "view_event", "view_conflict")
    status = {may: browser_of(staff(f"only {may}", may)).get(path).status_code for may in permissions}
    assert status == {may: 200 if may in opens else 403 for may in permissions}
    assert browser_of(jane.user).get(path).status_code == 302


def test_links_of_the_list_lead_nowhere_forbidden(acme: Connection, jane: Identity) -> None:
    wait_for_a_role(acme, range(1))
    put(jane, replace(JANE, email="other@acme.test"))
    groups = browser_of(staff("roles", "view_role")).get("/admin/groups/").content.decode()
    assert ["role/add/" in groups, "connection/" in groups] == [False, False]
    drift = browser_of(staff("users", "view_user")).get("/admin/drift/").content.decode()
    assert ["other@acme.test" in drift, ">Review<" in drift] == [True, False]


@pytest.mark.parametrize("path", ["/admin/groups/", "/admin/drift/"])
def test_an_empty_list_says_so(path: str, as_root: Client) -> None:
    page = as_root.get(path).content.decode()
    assert "Every group gives a role." in page or "There is no drift" in page
    assert "Next" not in page


def test_groups_come_in_pages_whose_cost_does_not_grow(as_root: Client, acme: Connection) -> None:
    def cost(page: str) -> int:
        with CaptureQueriesContext(database) as queries:
            assert as_root.get("/admin/groups/", {"p": page}).status_code == 200
        return len(queries)

    wait_for_a_role(acme, range(3))
    few = cost("1")
    wait_for_a_role(acme, range(3, 120))
    assert cost("1") == cost("2") == few < 20
    shown = [as_root.get("/admin/groups/", {"p": page}).content.decode().count("Team &lt;") for page in "123"]
    assert [count // 2 for count in shown] == [50, 50, 20], "each name is in its row and in the label of its button"
    assert "p=2" in as_root.get("/admin/groups/").content.decode()


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "99999999999999999999", "201", ""])
def test_a_page_that_is_not_there_is_no_failure(page: str, as_root: Client, acme: Connection) -> None:
    for path in ("/admin/groups/", "/admin/drift/"):
        assert as_root.get(path, {"p": page}).status_code == 200
