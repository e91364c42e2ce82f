"""Roles: made by administrators only (R27), with the groups that wait for them (R29); protected ones by superusers (R33)."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core_identity.models import Connection, Event, Grant, Identity, PushGroup, Role
from core_identity.selectors.roles import roles_of
from core_identity.services.groups import create_group
from core_identity.services.roles import create_role, grant_role
from core_identity.values import GroupChange
from tests.admin.conftest import browser_of, staff
from tests.support.cast import ADMIN, COMMAND, OKTA

LIST = "/admin/core_identity/role/"


@pytest.fixture
def waiting(acme: Connection, jane: Identity) -> PushGroup:
    change = GroupChange(display_name="Editors", members=frozenset({jane.scim_id}))
    return create_group(actor=OKTA, connection=acme, change=change)


def page_of(role: Role, name: str = "change") -> str:
    return f"{LIST}{role.pk}/{name}/"


def make(browser: Client, acme: Connection, **form_data: Any) -> Any:
    return browser.post(f"{LIST}add/", {"name": "Editors", "grantable_by": [str(acme.pk)], **form_data})


def test_a_new_role_asks_for_the_groups_that_wait_and_links_only_the_confirmed_R29(
    as_desk: Client, acme: Connection, waiting: PushGroup, jane: Identity
) -> None:
    answer = make(as_desk, acme)
    role = Role.objects.get(name="Editors")
    assert answer["Location"] == page_of(role, "waiting")
    assert roles_of(jane.user) == []
    assert "Editors of acme: 1 person" in as_desk.get(answer["Location"]).content.decode()
    answer = as_desk.post(page_of(role, "waiting"), {"groups": [str(waiting.pk)]})
    assert [grant.name for grant in roles_of(jane.user)] == ["Editors"]
    linked = Event.objects.get(kind="group.linked")
    assert (linked.actor, linked.request_id) == ("desk", answer["X-Request-Id"])


def test_a_group_that_is_not_confirmed_keeps_waiting(
    as_desk: Client, acme: Connection, waiting: PushGroup, jane: Identity
) -> None:
    make(as_desk, acme)
    as_desk.post(page_of(Role.objects.get(name="Editors"), "waiting"), {})
    assert roles_of(jane.user) == []
    assert PushGroup.objects.get().role is None


def test_a_group_of_another_name_cannot_be_confirmed(as_desk: Client, acme: Connection, waiting: PushGroup) -> None:
    make(as_desk, acme, name="Owners")
    role = Role.objects.get(name="Owners")
    answer = as_desk.post(page_of(role, "waiting"), {"groups": [str(waiting.pk)]})
    assert answer.status_code == 200
    assert PushGroup.objects.get().role is None


@pytest.mark.parametrize("change", ["rename", "open", "alias"])
def test_a_renamed_opened_or_aliased_role_asks_too_and_confirmed_groups_take_effect_at_once_R29(
    change: str, as_desk: Client, acme: Connection, jane: Identity, waiting: PushGroup
) -> None:
    name = "Editors" if change == "open" else "Redaktion"
    role = create_role(actor=ADMIN, name=name, grantable_by=[] if change == "open" else [acme])
    form_data = {"name": "Redaktion", "aliases": "Autoren\r\n\r\neditors"} if change == "alias" else {"name": "Editors"}
    answer = as_desk.post(page_of(role), {**form_data, "grantable_by": [str(acme.pk)]})
    assert answer["Location"] == page_of(role, "waiting")
    assert "Editors of acme: 1 person" in as_desk.get(answer["Location"]).content.decode()
    assert roles_of(jane.user) == []
    as_desk.post(answer["Location"], {"groups": [str(waiting.pk)]})
    assert [grant.name for grant in roles_of(jane.user)] == [form_data["name"]]


def test_aliases_are_written_one_a_line_and_shown_R28(as_desk: Client, acme: Connection) -> None:
    make(as_desk, acme, aliases=" Redaktion \r\n\r\nAutoren")
    role = Role.objects.get(name="Editors")
    assert [alias.name for alias in role.aliases.all()] == ["Autoren", "Redaktion"]
    form = as_desk.get(page_of(role)).context["adminform"].form
    assert form.initial["aliases"] == "Autoren\nRedaktion"
    assert "Autoren, Redaktion" in as_desk.get(LIST).content.decode()
    as_desk.post(page_of(role), {"name": "Editors", "aliases": "Autoren"})
    assert [alias.name for alias in role.aliases.all()] == ["Autoren"]


def test_a_view_only_administrator_sees_the_aliases_R28(acme: Connection) -> None:
    role = create_role(actor=ADMIN, name="Editors", aliases=["Redaktion"])
    assert "Redaktion" in browser_of(staff("reader", "view_role")).get(page_of(role)).content.decode()


@pytest.mark.parametrize(
    ("aliases", "reason"), [("Viewers", "exists already"), ("Leser", "has the alias"), ("a\u200bb", "U+200B")]
)
def test_an_invalid_alias_is_an_error_of_the_form_R28(
    aliases: str, reason: str, as_desk: Client, acme: Connection
) -> None:
    create_role(actor=ADMIN, name="Viewers", aliases=["Leser"])
    answer = make(as_desk, acme, aliases=aliases)
    assert answer.status_code == 200
    assert reason in answer.content.decode()
    assert not Role.objects.filter(name="Editors").exists()


def test_the_list_of_roles_costs_the_same_whatever_their_number(as_desk: Client, acme: Connection) -> None:
    costs = []
    for size in (1, 10):
        for number in range(size):
            create_role(actor=ADMIN, name=f"{size} {number}", aliases=[f"alias {size} {number}"], grantable_by=[acme])
        with CaptureQueriesContext(database) as queries:
            as_desk.get(LIST)
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_a_role_without_waiting_groups_leads_back_to_the_list(as_desk: Client, acme: Connection) -> None:
    assert make(as_desk, acme)["Location"] == LIST


def test_a_taken_name_is_an_error_of_the_form(as_desk: Client, acme: Connection) -> None:
    create_role(actor=ADMIN, name="Editors")
    assert "exists already" in make(as_desk, acme, name=" EDITORS ").content.decode()
    assert Role.objects.filter(name_key="editors").count() == 1


def test_the_only_connection_is_preset_R28(as_desk: Client, acme: Connection) -> None:
    form = as_desk.get(f"{LIST}add/").context["adminform"].form
    assert form.initial["grantable_by"] == [acme.pk]


def test_a_role_with_holders_and_groups_is_deleted_by_the_service(
    as_desk: Client, acme: Connection, waiting: PushGroup, jane: Identity
) -> None:
    make(as_desk, acme)
    role = Role.objects.get(name="Editors")
    as_desk.post(page_of(role, "waiting"), {"groups": [str(waiting.pk)]})
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=role.pk, reason="covers for Sam")
    page = as_desk.get(page_of(role, "delete")).content.decode()
    assert "people who lose it: 1" in page.lower()
    assert "push groups that give no role afterwards: 1" in page.lower()
    as_desk.post(page_of(role, "delete"), {"post": "yes"})
    assert not Role.objects.filter(name="Editors").exists()
    assert not Grant.objects.filter(user=jane.user).exists()
    assert PushGroup.objects.get().role is None
    assert Event.objects.get(kind="role.deleted").actor == "desk"


def test_only_a_superuser_sets_permissions_and_protection(as_desk: Client, as_root: Client, acme: Connection) -> None:
    change_user = Permission.objects.get(codename="change_user", content_type__app_label="core_identity")
    form_data = {"permissions": [str(change_user.pk)], "marked_protected": "on"}
    make(as_desk, acme, **form_data)
    role = Role.objects.get(name="Editors")
    assert not role.permissions.exists()
    assert not role.marked_protected
    as_root.post(page_of(role), {"name": "Editors", **form_data})
    role.refresh_from_db()
    assert list(role.permissions.all()) == [change_user]
    assert role.marked_protected


def test_only_a_superuser_changes_a_protected_role(as_desk: Client, db: None) -> None:
    for role in (
        create_role(actor=COMMAND, name="Vault", marked_protected=True),
        Role.objects.get(name="Role of desk"),
    ):
        assert as_desk.get(page_of(role)).status_code == 200
        assert as_desk.post(page_of(role), {"name": "Mine"}).status_code == 403
        assert as_desk.get(page_of(role, "waiting")).status_code == 403
        assert as_desk.post(page_of(role, "delete"), {"post": "yes"}).status_code == 403
    assert not Role.objects.filter(name="Mine").exists()


def test_only_permissions_that_open_something_are_offered(as_root: Client) -> None:
    offered = as_root.get(f"{LIST}add/").context["adminform"].form.fields["permissions"].queryset
    labels = {permission.content_type.app_label for permission in offered}
    assert labels == {"core_identity", "scim"}
    assert {permission.codename for permission in offered} >= {
        "change_user",
        "view_event",
        "delete_role",
        "view_payload",
    }
    assert not {"delete_user", "change_event", "add_identity"} & {permission.codename for permission in offered}


def test_permissions_that_a_role_already_has_are_kept_when_it_is_saved(as_root: Client, db: None) -> None:
    odd = Permission.objects.get(codename="add_contenttype")
    role = create_role(actor=COMMAND, name="Odd", permissions=[odd])
    form = as_root.get(page_of(role)).context["adminform"].form
    assert odd in form.fields["permissions"].queryset
