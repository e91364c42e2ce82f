"""R28: a group reaches a role by its name or by an alias, and a rename looks for the role again."""

import pytest
from django.db import IntegrityError, transaction

from core_identity.errors import InvalidValue, NameTaken
from core_identity.models import Connection, Event, Grant, Identity, PushGroup, Role, RoleAlias
from core_identity.selectors.groups import waiting_groups
from core_identity.selectors.roles import roles_of
from core_identity.services.connections import set_grantable_roles
from core_identity.services.groups import link_waiting
from core_identity.services.push.provisioning import create_person, remove_person
from core_identity.services.roles import change_role, create_role, delete_role
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.groups import change, push, role_names
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Connection:
    return make_connection(roles_from="both")


@pytest.fixture
def jane(acme: Connection) -> Identity:
    return create_person(actor=OKTA, connection=acme, person=JANE).identity


@pytest.fixture
def editors(acme: Connection) -> Role:
    return create_role(actor=ADMIN, name="Editors", grantable_by=[acme], aliases=["grp-okta-editors", "Redaktion"])


def aliases(role: Role) -> list[str]:
    return [alias.name for alias in role.aliases.all()]


def kinds() -> list[str]:
    return list(Event.objects.order_by("id").values_list("kind", flat=True))


def test_a_push_group_reaches_a_role_by_an_alias_however_it_is_written_R28(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    assert push(acme, " REDAKTION ", jane).role == editors
    assert role_names(jane) == ["Editors"]


def test_an_sso_group_reaches_a_role_by_an_alias_R28(acme: Connection, jane: Identity, editors: Role) -> None:
    sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, groups=("redaktion", "Editors")))
    (grant,) = roles_of(jane.user)
    assert {source.push_group for source in grant.sources} == {"redaktion", "Editors"}
    sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, groups=("redaktion",)))
    assert role_names(jane) == ["Editors"]


def test_an_alias_opens_a_role_to_no_other_connection_R28(editors: Role) -> None:
    assert push(make_connection("globex", customer="Globex"), "Redaktion").role is None


def test_two_groups_give_one_role_and_each_takes_only_its_own_away_R28_R32(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    group, other = push(acme, "Editors", jane), push(acme, "Redaktion", jane)
    change(group, members=frozenset())
    assert role_names(jane) == ["Editors"]
    change(other, members=frozenset())
    assert role_names(jane) == []


def test_a_rename_to_an_alias_of_the_role_keeps_the_link_and_grants_R28(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    group = push(acme, "Editors", jane)
    grant, before = Grant.objects.get(), len(kinds())
    change(group, display_name="Redaktion")
    assert Grant.objects.get().pk == grant.pk
    assert kinds()[before:] == ["group.renamed"]
    assert roles_of(jane.user)[0].sources[0].push_group == "Redaktion", "the source is shown by its present name"


def test_an_alias_equal_to_the_old_name_does_not_keep_the_link_R28(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    group = push(acme, "Redaktion", jane)
    assert change(group, display_name="Redaktion 2").role is None
    assert role_names(jane) == []


def test_a_group_moves_to_the_role_whose_alias_is_its_new_name_R28(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    create_role(actor=ADMIN, name="Viewers", grantable_by=[acme], aliases=["Leser"])
    change(push(acme, "Editors", jane), display_name="Leser")
    assert role_names(jane) == ["Viewers"]


def test_a_waiting_group_that_is_renamed_to_an_alias_is_linked_R28(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    assert change(push(acme, "Dreamers", jane), display_name="Redaktion").role == editors
    assert role_names(jane) == ["Editors"]


def test_renaming_a_role_keeps_the_links_by_name_and_by_alias_R28(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    groups = {push(acme, "Editors", jane).pk, push(acme, "Redaktion", jane).pk}
    change_role(actor=ADMIN, role_id=editors.pk, name="Authors")
    assert set(PushGroup.objects.filter(role=editors).values_list("pk", flat=True)) == groups
    assert role_names(jane) == ["Authors"]


def test_a_group_that_follows_the_new_name_of_its_role_is_pinned_as_well_R28(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    group = push(acme, "Editors", jane)
    change_role(actor=ADMIN, role_id=editors.pk, name="Authors")
    grant = Grant.objects.get()
    change(group, display_name="Authors")
    assert Grant.objects.get().pk == grant.pk


def test_a_removed_alias_ends_its_own_grants_and_no_others_R28(acme: Connection, jane: Identity, editors: Role) -> None:
    by_name, by_alias = push(acme, "Editors", jane), push(acme, "Redaktion", jane)
    sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, groups=("Editors", "Redaktion")))
    change_role(actor=ADMIN, role_id=editors.pk, aliases=["grp-okta-editors"])
    for group in (by_name, by_alias):
        group.refresh_from_db()
    assert (by_name.role, by_alias.role) == (editors, None)
    assert set(Grant.objects.values_list("key", flat=True)) == {str(by_name.pk), "editors"}
    assert aliases(editors) == ["grp-okta-editors"]


def test_an_alias_that_becomes_the_name_keeps_its_grants_R28(acme: Connection, jane: Identity, editors: Role) -> None:
    group = push(acme, "Redaktion", jane)
    change_role(actor=ADMIN, role_id=editors.pk, name="Redaktion")
    group.refresh_from_db()
    editors.refresh_from_db()
    assert (group.role, editors.name, aliases(editors)) == (editors, "Redaktion", ["grp-okta-editors"])
    change_role(actor=ADMIN, role_id=editors.pk, name="Editors", aliases=["Redaktion"])
    group.refresh_from_db()
    assert group.role == editors, "name and alias can change places"


def test_a_new_alias_shows_its_waiting_groups_and_links_the_confirmed_ones_R29(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    remove_person(actor=OKTA, connection=acme, scim_id=zoe.scim_id)
    one, two = push(acme, "Autoren", jane, zoe), push(acme, "Schreiber", jane)
    change_role(actor=ADMIN, role_id=editors.pk, aliases=["Autoren", "Schreiber"])
    assert role_names(jane) == [], "not before somebody confirmed"
    assert waiting_groups(editors) == [(one, 1), (two, 1)], "who was deleted would not get it"
    assert link_waiting(actor=ADMIN, role_id=editors.pk, group_ids=[one.pk]) == 1
    assert role_names(jane) == ["Editors"]
    assert waiting_groups(editors) == [(two, 1)]


def test_opening_a_role_to_a_connection_confirms_the_groups_of_its_aliases_too_R29(
    acme: Connection, jane: Identity
) -> None:
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[], aliases=["Redaktion"])
    push(acme, "Redaktion", jane)
    set_grantable_roles(actor=ADMIN, connection=acme, roles=[role], confirm_waiting=True)
    assert role_names(jane) == ["Editors"]


@pytest.mark.parametrize("name", ["EDITORS", " redaktion", "ｒｅｄａｋｔｉｏｎ"], ids=["name", "alias", "wide alias"])
def test_a_name_is_one_role_s_only_R28(name: str, editors: Role) -> None:
    viewers = create_role(actor=ADMIN, name="Viewers")
    with pytest.raises(NameTaken):
        create_role(actor=ADMIN, name=name)
    with pytest.raises(NameTaken):
        create_role(actor=ADMIN, name="Owners", aliases=["Chefs", name])
    with pytest.raises(NameTaken):
        change_role(actor=ADMIN, role_id=viewers.pk, name=name)
    with pytest.raises(NameTaken):
        change_role(actor=ADMIN, role_id=viewers.pk, aliases=[name])
    assert set(Role.objects.values_list("name", flat=True)) == {"Editors", "Viewers"}
    assert not RoleAlias.objects.filter(role=viewers).exists()


def test_the_database_itself_refuses_a_name_twice_R28(editors: Role) -> None:
    viewers = create_role(actor=ADMIN, name="Viewers")
    for write in (
        lambda: Role.objects.create(name="Redaktion", name_key="redaktion"),
        lambda: Role.objects.filter(pk=viewers.pk).update(name_key="redaktion"),
        lambda: RoleAlias.objects.create(role=viewers, name="Editors", name_key="editors"),
        lambda: RoleAlias.objects.create(role=editors, name="Editors", name_key="editors"),
        lambda: RoleAlias.objects.create(role=viewers, name="Redaktion", name_key="redaktion"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


def test_aliases_are_normalized_and_never_repeat_the_name_R5_R28(acme: Connection) -> None:
    role = create_role(actor=ADMIN, name="Editors", aliases=[" Leser ", "LESER", "", "editors"])
    assert aliases(role) == ["LESER"]
    with pytest.raises(InvalidValue) as refused:
        change_role(actor=ADMIN, role_id=role.pk, aliases=["a\u200bb"])
    assert refused.value.field == "aliases"


def test_aliases_are_in_events_only_when_they_change_R34(editors: Role) -> None:
    change_role(actor=ADMIN, role_id=editors.pk, aliases=["redaktion", "grp-okta-editors"])
    change_role(actor=ADMIN, role_id=editors.pk, aliases=["redaktion", "grp-okta-editors"])
    created, changed = Event.objects.filter(subject_id=editors.pk).order_by("id")
    assert created.changes["aliases"] == [[], ["Redaktion", "grp-okta-editors"]]
    assert changed.changes == {"aliases": [["Redaktion", "grp-okta-editors"], ["grp-okta-editors", "redaktion"]]}


def test_a_deleted_role_frees_its_aliases_R27(acme: Connection, editors: Role) -> None:
    group = push(acme, "Redaktion")
    delete_role(actor=ADMIN, role_id=editors.pk)
    group.refresh_from_db()
    assert group.role is None
    assert Event.objects.get(kind="role.deleted").changes["aliases"] == [["grp-okta-editors", "Redaktion"], []]
    create_role(actor=ADMIN, name="Redaktion")
