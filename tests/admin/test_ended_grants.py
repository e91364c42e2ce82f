"""No page of the administration ends roles before it showed how many people lose which role, and an administrator confirmed it (R32)."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from core_identity.models import Connection, Event, Grant, Identity, Role
from core_identity.services.groups import create_group
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role, grant_role
from core_identity.values import GroupChange
from tests.admin.conftest import confirmed
from tests.admin.test_connections import form_of
from tests.support.cast import ADMIN, OKTA, ZOE

CONNECTION, ROLE = "/admin/core_identity/connection/", "/admin/core_identity/role/"


@pytest.fixture
def role(acme: Connection, jane: Identity) -> Role:
    """A role that three people have by a push group; one of them also by hand."""
    role = create_role(actor=ADMIN, name="Editors <b>", grantable_by=[acme])
    ids = {jane.scim_id}
    for number in range(2):
        person = replace(
            ZOE,
            uid=f"z{number}",
            external_id=f"z{number}",
            user_name=f"z{number}@acme.test",
            email=f"z{number}@acme.test",
        )
        ids.add(create_person(actor=OKTA, connection=acme, person=person).identity.scim_id)
    create_group(actor=OKTA, connection=acme, change=GroupChange(display_name=role.name, members=frozenset(ids)))
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=role.pk, reason="covers for Sam")
    assert Grant.objects.count() == 4
    return role


def test_a_form_that_ends_roles_first_shows_the_people_and_saves_what_was_shown(
    as_root: Client, acme: Connection, role: Role, jane: Identity
) -> None:
    nothing: dict[str, Any] = {}
    by_groups = f"{CONNECTION}{acme.pk}/roles/", nothing
    by_setting = f"{CONNECTION}{acme.pk}/change/", {**form_of(acme), "roles_from": "sso_groups"}
    closed = f"{ROLE}{role.pk}/change/", {"name": role.name}
    shown = "Editors &lt;b&gt;: 2 people lose it, 1 keep it from another source."
    for address, form in (by_groups, by_setting, closed):
        page = as_root.post(address, form)
        assert page.status_code == 200, address
        assert shown in page.content.decode(), address
        assert Grant.objects.count() == 4, address
        assert not Event.objects.filter(kind="grant.removed").exists()
        assert confirmed(page) != ""
    by_hand = f"/admin/core_identity/user/{jane.user_id}/roles/", {"reason": "Sam is back"}
    assert "Editors &lt;b&gt;: 0 people lose it, 1 keep it" in as_root.post(*by_hand).content.decode()

    page = as_root.post(*by_groups)
    Grant.objects.filter(channel="admin").delete()  # meanwhile
    address, form = by_groups
    again = as_root.post(address, {**form, "confirm_ended": confirmed(page)})
    assert "The effects changed while you were looking." in again.content.decode()
    assert "3 people lose it." in again.content.decode()
    assert Grant.objects.count() == 3
    assert as_root.post(address, {**form, "confirm_ended": confirmed(again)}).status_code == 302
    assert Grant.objects.count() == 0
    assert Event.objects.filter(kind="grant.removed").count() == 3


def test_a_form_that_ends_nothing_is_saved_at_once(as_root: Client, acme: Connection, role: Role) -> None:
    other = create_role(actor=ADMIN, name="Authors")
    answer = as_root.post(f"{CONNECTION}{acme.pk}/roles/", {"roles": [str(role.pk), str(other.pk)]})
    assert answer.status_code == 302
    assert set(acme.grantable_roles.all()) == {role, other}
