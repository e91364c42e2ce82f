"""Roles are chosen from a list while they are few, and by a search beyond: no list has more than 50 entries."""

import json

from django.test import Client

from core_identity.admin.role_choice import MOST_LISTED
from core_identity.admin.roles import GROUPS_LISTED
from core_identity.models import Connection, Grant, Identity, PushGroup, Role, RoleAlias
from core_identity.services.groups import create_group
from core_identity.services.roles import create_role
from core_identity.values import GroupChange
from core_identity.write_guard import service_writes
from tests.admin.test_users import LIST, page_of
from tests.support.cast import ADMIN, COMMAND, OKTA

SEARCH = "/admin/autocomplete/"


def add_roles(number: int) -> None:
    with service_writes():
        Role.objects.bulk_create(Role(name=f"Role {n}", name_key=f"role {n}") for n in range(number))


def found(browser: Client, model: str, term: str = "") -> set[str]:
    where = {"app_label": "core_identity", "model_name": model, "field_name": "role", "term": term}
    return {one["text"] for one in json.loads(browser.get(SEARCH, where).content)["results"]}


def test_a_search_offers_only_roles_that_its_field_may_give_R33(as_root: Client, as_desk: Client) -> None:
    create_role(actor=COMMAND, name="Vault", marked_protected=True)
    create_role(actor=ADMIN, name="Viewers")
    assert found(as_desk, "grant", "v") == {"Viewers"}
    assert found(as_root, "grant", "v") == {"Vault", "Viewers"}
    assert found(as_root, "pushgroup", "v") == {"Viewers"}, "no group gives a protected role"


def test_a_role_is_given_by_the_search_field_and_taken_back(as_desk: Client, jane: Identity) -> None:
    add_roles(MOST_LISTED)
    path = page_of(jane.user, "roles")
    assert 'type="checkbox" name="roles"' in as_desk.get(path).content.decode()
    editors = create_role(actor=ADMIN, name="Editors")
    page = as_desk.get(path).content.decode()
    assert 'class="admin-autocomplete"' in page
    assert 'type="checkbox" name="roles"' not in page
    as_desk.post(path, {"roles": [str(editors.pk)], "reason": "covers for Sam"})
    assert Grant.objects.get(role=editors).user_id == jane.user_id
    chosen = as_desk.get(path).content.decode()
    assert f'<option value="{editors.pk}" selected>Editors</option>' in chosen
    assert chosen.count("<option") == 1


def test_many_people_get_a_role_of_many(as_desk: Client, jane: Identity) -> None:
    add_roles(MOST_LISTED + 1)
    page = as_desk.post(LIST, {"action": "give_role_chosen", "_selected_action": [str(jane.user_id)]})
    assert 'data-model-name="grant"' in page.content.decode()
    role = Role.objects.get(name="Role 7")
    form = {"run": str(page.context["run"]), "role": str(role.pk), "reason": "new team"}
    as_desk.post(f"{LIST}give-role-many/", form)
    assert Grant.objects.get(role=role).user_id == jane.user_id


def test_all_waiting_groups_take_effect_where_they_are_too_many_to_list_R29(
    as_root: Client, acme: Connection, jane: Identity
) -> None:
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    number = GROUPS_LISTED + 3
    with service_writes():
        RoleAlias.objects.bulk_create(RoleAlias(role=role, name=f"e{n}", name_key=f"e{n}") for n in range(number))
        PushGroup.objects.bulk_create(
            PushGroup(connection=acme, display_name=f"e{n}", name_key=f"e{n}") for n in range(number)
        )
    create_group(actor=OKTA, connection=acme, change=GroupChange(display_name="Late"))
    path = f"/admin/core_identity/role/{role.pk}/waiting/"
    answer = as_root.get(path)
    page, shown = answer.content.decode(), answer.context["form"].preview_digest
    assert page.count('name="groups"') == GROUPS_LISTED
    assert f"All {number} push groups of all connections" in page
    assert f'name="shown" value="{shown}"' in page
    with service_writes():
        RoleAlias.objects.create(role=role, name="late", name_key="late")
    refused = as_root.post(path, {"all_groups": "on", "shown": shown})
    assert "The pending groups changed while this page was open." in refused.content.decode()
    assert role.push_groups.count() == 0, "nobody saw the one whose name became an alias meanwhile"
    as_root.post(path, {"all_groups": "on", "shown": refused.context["form"].preview_digest})
    assert role.push_groups.count() == number + 1
    assert role.push_groups.filter(name_key="late").exists()
