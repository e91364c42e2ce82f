"""R27-R33: roles are ours, groups are the IdP's, and each grant knows its source."""

from dataclasses import replace
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from pytest_django import DjangoAssertNumQueries

from core_identity.errors import NameTaken, NotFound, UnknownGroup
from core_identity.models import Connection, Grant, Identity, PushGroup, PushGroupMember, Role, User
from core_identity.selectors import roles_of, waiting_groups
from core_identity.services.connections import change_connection
from core_identity.services.groups import change_group, create_group, link_waiting, remove_group
from core_identity.services.provisioning import create_person, remove_person
from core_identity.services.roles import change_role, create_role, delete_role, grant_role, revoke_role
from core_identity.services.sign_in import sign_in
from core_identity.values import GroupChange
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, ZOE, by_sso, make_connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Connection:
    return make_connection()


@pytest.fixture
def jane(acme: Connection) -> Identity:
    return create_person(actor=OKTA, connection=acme, person=JANE).identity


@pytest.fixture
def editors(acme: Connection) -> Role:
    return create_role(actor=ADMIN, name="Editors", grantable_by=[acme])


def push(connection: Connection, name: str, *members: Identity) -> PushGroup:
    change = GroupChange(display_name=name, members=frozenset(member.scim_id for member in members))
    return create_group(actor=OKTA, connection=connection, change=change)


def change(group: PushGroup, **said: object) -> PushGroup:
    return change_group(
        actor=OKTA,
        connection=group.connection,
        scim_id=group.scim_id,
        read=lambda _: GroupChange(**said),  # type: ignore[arg-type]
    )


def role_names(identity: Identity) -> list[str]:
    return [held.name for held in roles_of(identity.user) if held.effective]


def test_a_group_named_like_a_grantable_role_gives_it_to_its_members_R28(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    group = push(acme, " EDITORS ", jane)
    assert group.role == editors
    (held,) = roles_of(jane.user)
    assert (held.name, held.sources[0].channel, held.sources[0].push_group) == ("Editors", "scim", "EDITORS")


def test_no_role_is_ever_made_by_a_push_R27(acme: Connection, jane: Identity) -> None:
    group = push(acme, "Painters", jane)
    assert group.role is None
    assert not Role.objects.exists()
    assert role_names(jane) == []


def test_a_role_that_is_not_grantable_by_the_connection_is_not_reached_R28(acme: Connection, jane: Identity) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[])
    assert push(acme, "Editors", jane).role is None
    assert role_names(jane) == []


def test_deleting_a_group_takes_only_what_came_through_it_R30(acme: Connection, jane: Identity, editors: Role) -> None:
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=editors.pk)
    group = push(acme, "Editors", jane)
    assert len(roles_of(jane.user)[0].sources) == 2
    remove_group(actor=OKTA, connection=acme, scim_id=group.scim_id)
    (held,) = roles_of(jane.user)
    assert [source.channel for source in held.sources] == ["admin"]
    assert Role.objects.filter(pk=editors.pk).exists()


def test_an_administrator_revokes_only_their_own_grant_R32(acme: Connection, jane: Identity, editors: Role) -> None:
    push(acme, "Editors", jane)
    assert not revoke_role(actor=ADMIN, user_id=jane.user_id, role_id=editors.pk)
    assert role_names(jane) == ["Editors"]


def test_renaming_a_group_moves_its_link_or_lets_it_wait_R28(acme: Connection, jane: Identity, editors: Role) -> None:
    create_role(actor=ADMIN, name="Viewers", grantable_by=[acme])
    group = push(acme, "Editors", jane)
    change(group, display_name="Viewers")
    assert role_names(jane) == ["Viewers"]
    change(group, display_name="Dreamers")
    assert role_names(jane) == []
    assert PushGroupMember.objects.filter(group=group).count() == 1, "members are remembered"


def test_renaming_a_role_keeps_the_link_R28(acme: Connection, jane: Identity, editors: Role) -> None:
    push(acme, "Editors", jane)
    change_role(actor=ADMIN, role_id=editors.pk, name="Authors")
    assert role_names(jane) == ["Authors"]


def test_a_waiting_group_takes_effect_when_an_admin_confirms_it_and_nothing_is_pushed_again_R29(
    acme: Connection, jane: Identity
) -> None:
    group = push(acme, "Editors", jane)
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    assert role_names(jane) == [], "not before somebody confirmed"
    assert waiting_groups(role) == [(group, 1)]
    assert link_waiting(actor=ADMIN, role_id=role.pk, group_ids=[group.pk]) == 1
    assert role_names(jane) == ["Editors"]


def test_a_connection_may_refuse_groups_that_reach_no_role_R29() -> None:
    strict = make_connection(unknown_group="refuse")
    with pytest.raises(UnknownGroup, match="Painters"):
        push(strict, "Painters")
    assert not PushGroup.objects.exists()


def test_members_change_as_sets_and_grants_follow_R32(acme: Connection, jane: Identity, editors: Role) -> None:
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    group = push(acme, "Editors", jane)
    change(group, add=frozenset({zoe.scim_id}), remove=frozenset({jane.scim_id}))
    assert (role_names(jane), role_names(zoe)) == ([], ["Editors"])
    change(group, members=frozenset({jane.scim_id, zoe.scim_id}))
    assert (role_names(jane), role_names(zoe)) == (["Editors"], ["Editors"])
    change(group, members=frozenset())
    assert (role_names(jane), role_names(zoe)) == ([], [])


def test_a_member_of_another_connection_or_of_nowhere_is_never_stored_R1(acme: Connection, editors: Role) -> None:
    stranger = create_person(actor=OKTA, connection=make_connection("globex", customer="Globex"), person=JANE).identity
    group = create_group(
        actor=OKTA,
        connection=acme,
        change=GroupChange(display_name="Editors", members=frozenset({stranger.scim_id, uuid4()})),
    )
    assert not PushGroupMember.objects.filter(group=group).exists()
    assert role_names(stranger) == []


def test_a_deleted_member_loses_the_grant_and_a_revived_one_has_it_again_R29(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    push(acme, "Editors", jane)
    remove_person(actor=OKTA, connection=acme, scim_id=jane.scim_id)
    assert role_names(jane) == []
    create_person(actor=OKTA, connection=acme, person=JANE)
    assert role_names(jane) == ["Editors"]


def test_two_groups_of_one_connection_cannot_have_one_name_R5(acme: Connection) -> None:
    push(acme, "Editors")
    with pytest.raises(NameTaken):
        push(acme, "editors")


def test_deleting_a_role_lets_its_groups_wait_R27(acme: Connection, jane: Identity, editors: Role) -> None:
    group = push(acme, "Editors", jane)
    delete_role(actor=ADMIN, role_id=editors.pk)
    group.refresh_from_db()
    assert group.role is None
    assert not Grant.objects.exists()


def test_sso_groups_say_all_roles_of_a_sign_in_where_the_connection_takes_them_R31() -> None:
    connection = make_connection(roles_from="sso_groups")
    for name in ("Editors", "Viewers"):
        create_role(actor=ADMIN, name=name, grantable_by=[connection])
    create_role(actor=ADMIN, name="Closed", grantable_by=[])

    def enter(*groups: str) -> list[str]:
        return role_names(sign_in(actor=BROWSER, connection=connection, person=by_sso(JANE, groups=groups)))

    assert enter("editors", "Viewers", "Closed", "Everyone") == ["Editors", "Viewers"]
    assert enter("Viewers") == ["Viewers"]
    assert enter() == []
    assert Role.objects.count() == 3
    enter("Editors")
    change_connection(actor=ADMIN, connection_id=connection.pk, roles_from="push_groups")
    assert (
        role_names(
            sign_in(actor=BROWSER, connection=Connection.objects.get(), person=by_sso(JANE, groups=("Editors",)))
        )
        == []
    )


def test_a_protected_role_given_by_a_channel_has_no_effect_whenever_it_was_made_R33(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    push(acme, "Editors", jane)
    may_expire = Permission.objects.get(codename="change_user", content_type__app_label="core_identity")
    assert role_names(jane) == ["Editors"]
    change_role(actor=ADMIN, role_id=editors.pk, permissions=[may_expire])
    assert role_names(jane) == []
    assert not User.objects.get(pk=jane.user_id).has_perm("core_identity.change_user")
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=editors.pk)
    assert User.objects.get(pk=jane.user_id).has_perm("core_identity.change_user")


def test_permissions_of_roles_are_read_once_per_request_R32(
    jane: Identity, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        for _ in range(5):
            jane.user.has_perm("core_identity.view_role")
            jane.user.has_perm("core_identity.view_user")


def test_changing_members_costs_the_same_whatever_the_size(
    acme: Connection, editors: Role, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    people = [
        create_person(
            actor=OKTA,
            connection=acme,
            person=replace(JANE, uid=f"u{number}", external_id=f"e{number}", user_name=f"u{number}@a.test", email=""),
        ).identity
        for number in range(30)
    ]
    group = push(acme, "Editors", *people[:2])
    from django.db import connection as database
    from django.test.utils import CaptureQueriesContext

    counts = []
    for size in (3, 30):
        change(group, members=frozenset())
        with CaptureQueriesContext(database) as queries:
            change(group, members=frozenset(person.scim_id for person in people[:size]))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15


def test_a_group_of_another_connection_is_not_found_R1(acme: Connection) -> None:
    group = push(acme, "Editors")
    with pytest.raises(NotFound):
        remove_group(actor=OKTA, connection=make_connection("globex", customer="Globex"), scim_id=group.scim_id)
