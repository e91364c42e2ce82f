"""The page of a group: who is in it, and how it gets a role that exists (R28, R29, R31, R33)."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from core_identity.models import Connection, Event, Identity, PushGroup, Role, User
from core_identity.selectors.roles import roles_of
from core_identity.services.roles import create_role
from tests.admin.conftest import browser_of, staff
from tests.support.cast import ADMIN, COMMAND, JANE, make_connection
from tests.support.groups import push


def page_of(connection: Connection, **query: object) -> str:
    ((name, value),) = query.items()
    return f"{reverse('admin:core_identity_connection_group', args=[connection.pk])}?{name}={value}"


@pytest.fixture
def writers(acme: Connection, jane: Identity) -> PushGroup:
    return push(acme, "Writers", jane, uuid4())


@pytest.fixture
def editors(db: None) -> Role:
    return create_role(actor=ADMIN, name="Editors", grantable_by=[], aliases=["Redaktion"])


def test_an_administrator_who_may_not_change_roles_maps_nothing(
    acme: Connection, writers: PushGroup, editors: Role
) -> None:
    reader = browser_of(staff("reader", "view_connection", "view_role"))
    page = reader.get(page_of(acme, group=writers.pk))
    assert "Map it to an existing role" not in page.content.decode()
    assert str(JANE.user_name) not in page.content.decode(), "people need a permission of their own"
    assert reader.post(page_of(acme, group=writers.pk), {"role": editors.pk}).status_code == 403
    writers.refresh_from_db()
    assert writers.role is None
    assert not editors.grantable_by.exists()


def test_a_group_is_mapped_to_no_protected_role_and_by_no_other_connection(
    as_root: Client, acme: Connection, writers: PushGroup
) -> None:
    protected = create_role(actor=COMMAND, name="Keepers", marked_protected=True)
    page = as_root.post(page_of(acme, group=writers.pk), {"role": protected.pk})
    assert "Select a valid choice" in page.content.decode()
    other = make_connection("globex", customer="Globex")
    for wrong in (writers.pk, uuid4(), "x", ""):
        assert as_root.get(page_of(other, group=wrong)).status_code == 404
    assert as_root.get(page_of(acme, name="%00")).status_code == 404
    assert "No group is chosen" in as_root.get(page_of(acme, name="")).content.decode()
    assert as_root.post(page_of(acme, name=""), {"role": protected.pk}).status_code == 404


def test_mapping_gives_the_members_the_role_at_once_with_events(
    as_root: Client, root: User, acme: Connection, writers: PushGroup, editors: Role, jane: Identity
) -> None:
    shown = as_root.get(page_of(acme, group=writers.pk)).content.decode()
    assert str(JANE.user_name) in shown
    assert "Not known yet: 1." in shown
    assert as_root.post(page_of(acme, group=writers.pk), {"role": editors.pk}).status_code == 302
    assert [grant.name for grant in roles_of(jane.user)] == ["Editors"]
    assert sorted(alias.name for alias in editors.aliases.all()) == ["Redaktion", "Writers"]
    assert list(editors.grantable_by.all()) == [acme]
    assert Event.objects.get(kind="group.linked").actor == Event.objects.get(kind="role.changed").actor == root.username
    assert "gives the role" in as_root.get(page_of(acme, group=writers.pk)).content.decode()


def test_a_role_of_this_name_is_chosen_already_and_gets_no_alias(
    as_root: Client, acme: Connection, jane: Identity, editors: Role
) -> None:
    group = push(acme, "editors", jane)
    page = as_root.get(page_of(acme, group=group.pk))
    assert page.context["form"].initial["role"] == editors
    as_root.post(page_of(acme, group=group.pk), {"role": editors.pk})
    assert [alias.name for alias in editors.aliases.all()] == ["Redaktion"]
    assert [grant.name for grant in roles_of(jane.user)] == ["Editors"]


def test_a_name_that_reaches_another_role_is_refused(
    as_root: Client, acme: Connection, jane: Identity, editors: Role
) -> None:
    other = create_role(actor=ADMIN, name="Readers")
    group = push(acme, "Redaktion", jane)
    page = as_root.post(page_of(acme, group=group.pk), {"role": other.pk}).content.decode()
    assert "A name belongs to one role only." in page
    assert roles_of(jane.user) == []


def test_a_name_in_assertions_is_mapped_for_the_next_sign_in_R31(as_root: Client, editors: Role) -> None:
    sso = make_connection("globex", customer="Globex", roles_from="sso_groups")
    page = page_of(sso, name="Writers%20%26%20Co")
    assert "Sign-ins contain this group" in as_root.get(page).content.decode()
    assert as_root.post(page, {"role": editors.pk}).status_code == 302
    assert "Writers & Co" in {alias.name for alias in editors.aliases.all()}
    assert list(editors.grantable_by.all()) == [sso]


def test_the_page_of_a_role_names_the_groups_and_names_that_reach_it_R28(
    as_root: Client, acme: Connection, writers: PushGroup, editors: Role
) -> None:
    sso = make_connection("globex", customer="Globex", roles_from="sso_groups")
    editors.grantable_by.add(sso)
    as_root.post(page_of(acme, group=writers.pk), {"role": editors.pk})
    page = as_root.get(reverse("admin:core_identity_role_change", args=[editors.pk])).content.decode()
    assert f'{page_of(acme, group=writers.pk)}">Writers</a>' in page
    assert "names in assertions: Editors or Redaktion or Writers" in page


def test_each_page_that_maps_groups_warns_who_chooses_the_roles_then(
    as_root: Client, acme: Connection, writers: PushGroup
) -> None:
    base = "/admin/core_identity/connection/"
    for address in (
        f"{base}waiting-groups/",
        f"{base}unmapped-groups/",
        f"{base}{acme.pk}/groups/",
        f"{base}{acme.pk}/roles/",
        page_of(acme, group=writers.pk),
    ):
        page = " ".join(as_root.get(address).content.decode().split())
        assert "Everybody who can create or rename groups at an identity provider can give roles to people" in page, (
            address
        )
        assert "but only roles that are grantable by the connection." in page, address
