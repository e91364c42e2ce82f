"""R27-R33: roles belong to CORE, groups to the IdP, and each grant has its source."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from pytest_django import DjangoAssertNumQueries

from core_identity.errors import NameTaken, NotFound, UnknownGroup
from core_identity.models import Connection, Event, Grant, Identity, PushGroup, PushGroupMember, Role, User
from core_identity.selectors.groups import waiting_groups
from core_identity.selectors.roles import roles_of
from core_identity.services.connections import change_connection, set_grantable_roles
from core_identity.services.groups import create_group, link_waiting, remove_group
from core_identity.services.push.provisioning import create_person, remove_person
from core_identity.services.roles import change_role, create_role, delete_role, grant_role, revoke_role
from core_identity.values import GroupChange
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.groups import change, push, role_names
from tests.support.sign_in import sign_in

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


def test_a_group_named_like_a_grantable_role_gives_it_to_its_members_R28(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    group = push(acme, " EDITORS ", jane)
    assert group.role == editors
    (grant,) = roles_of(jane.user)
    assert (grant.name, grant.sources[0].channel, grant.sources[0].push_group) == ("Editors", "scim", "EDITORS")


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
    """R30: the membership by hand stays."""
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=editors.pk, reason="covers for Sam")
    group = push(acme, "Editors", jane)
    assert len(roles_of(jane.user)[0].sources) == 2
    remove_group(actor=OKTA, connection=acme, scim_id=group.scim_id)
    (grant,) = roles_of(jane.user)
    assert [source.channel for source in grant.sources] == ["admin"]
    assert Role.objects.filter(pk=editors.pk).exists()


def test_an_administrator_revokes_only_their_own_grant_R32(acme: Connection, jane: Identity, editors: Role) -> None:
    push(acme, "Editors", jane)
    assert not revoke_role(actor=ADMIN, user_id=jane.user_id, role_id=editors.pk)
    assert role_names(jane) == ["Editors"]


def test_a_renamed_group_is_linked_by_its_new_name_or_waits_R28(
    acme: Connection, jane: Identity, editors: Role
) -> None:
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


def test_a_member_of_another_connection_or_of_none_is_ignored_R1(acme: Connection, editors: Role) -> None:
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
    event = Event.objects.get(kind="group.unlinked")
    assert (event.subject_id, event.changes) == (group.pk, {"role": ["Editors", None]})


def test_groups_of_a_sign_in_replace_its_roles_if_the_connection_takes_them_R31() -> None:
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


PROTECTIONS = (
    "its mark",
    "core_identity.change_user",
    "core_identity.view_connection",
    "scim.change_oauthclient",
    "sso.change_samlsettings",
    "admin.view_logentry",
)


def protect(role: Role, how: str) -> None:
    app, _, codename = how.partition(".")
    permissions = Permission.objects.filter(codename=codename, content_type__app_label=app)
    assert permissions or not codename
    change_role(actor=COMMAND, role_id=role.pk, marked_protected=not codename, permissions=list(permissions))


@pytest.mark.parametrize("how", PROTECTIONS)
@pytest.mark.parametrize("first", ["granted", "protected"])
@pytest.mark.parametrize("channel", ["scim", "sso"])
def test_a_protected_role_given_by_a_channel_has_no_effect_whenever_it_was_given_R33(
    how: str, first: str, channel: str
) -> None:
    acme = make_connection(roles_from="both")
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity

    def give() -> None:
        if channel == "scim":
            push(acme, "Editors", jane)
        else:
            sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, groups=("Editors",)))

    if first == "granted":
        give()
        assert role_names(jane) == ["Editors"]
    protect(role, how)
    if first == "protected":
        give()
    assert Grant.objects.filter(user=jane.user, role=role).exists(), "the hold is kept, should the protection end"
    assert role_names(jane) == []
    assert User.objects.get(pk=jane.user_id).get_all_permissions() == set()
    grant_role(actor=COMMAND, user_id=jane.user_id, role_id=role.pk, reason="covers for Sam")
    assert role_names(jane) == ["Editors"]
    permission_names = {
        f"{app}.{codename}" for app, codename in role.permissions.values_list("content_type__app_label", "codename")
    }
    assert User.objects.get(pk=jane.user_id).get_all_permissions() == permission_names


def test_a_role_takes_effect_by_its_channels_again_when_protection_ends_R33(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    push(acme, "Editors", jane)
    protect(editors, "its mark")
    assert role_names(jane) == []
    change_role(actor=COMMAND, role_id=editors.pk, marked_protected=False)
    assert role_names(jane) == ["Editors"]


@pytest.mark.parametrize("ended", ["admin", "sso", "group", "other group", "other connection"])
def test_each_source_ends_its_own_grant_and_no_other_R32(ended: str) -> None:
    acme = make_connection(roles_from="both")
    entra = make_connection("acme-entra", customer="Acme", roles_from="both")
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[acme, entra], aliases=["Redaktion"])
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    enter = partial(sign_in, actor=BROWSER, connection=acme)
    enter(person=by_sso(JANE, groups=("Editors",)))
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=role.pk, reason="covers for Sam")
    group, other = push(acme, "Editors", jane), push(acme, "Redaktion", jane)
    there = create_person(
        actor=OKTA, connection=entra, person=replace(JANE, user_name="x", email="x@acme.test")
    ).identity
    Identity.objects.filter(pk=there.pk).update(user=jane.user)  # as a merge does
    abroad = push(entra, "Editors", Identity.objects.get(pk=there.pk))

    acts: dict[str, Callable[[], object]] = {
        "admin": partial(revoke_role, actor=ADMIN, user_id=jane.user_id, role_id=role.pk),
        "sso": partial(enter, person=by_sso(JANE, groups=())),
        "group": partial(remove_group, actor=OKTA, connection=acme, scim_id=group.scim_id),
        "other group": partial(change, other, members=frozenset()),
        "other connection": partial(change, abroad, display_name="Nobody's"),
    }
    keys = {
        "admin": "",
        "sso": "editors",
        "group": str(group.pk),
        "other group": str(other.pk),
        "other connection": str(abroad.pk),
    }
    assert set(Grant.objects.values_list("key", flat=True)) == set(keys.values())
    acts[ended]()
    assert set(Grant.objects.values_list("key", flat=True)) == set(keys.values()) - {keys[ended]}
    assert role_names(jane) == ["Editors"]


def test_permissions_of_roles_are_read_once_per_request_R32(
    acme: Connection, jane: Identity, editors: Role, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    may_export, other = Permission.objects.filter(content_type__app_label="oauth2_provider")[:2]
    change_role(actor=COMMAND, role_id=editors.pk, permissions=[may_export, other])
    grant_role(actor=COMMAND, user_id=jane.user_id, role_id=editors.pk, reason="covers for Sam")
    granted_name, other_name = f"oauth2_provider.{may_export.codename}", "core_identity.view_user"
    user = User.objects.get(pk=jane.user_id)
    with django_assert_num_queries(1):
        for _ in range(5):
            assert user.has_perm(granted_name)
            assert not user.has_perm(other_name)
            assert user.has_module_perms("oauth2_provider")
            assert user.get_all_permissions() == {granted_name, f"oauth2_provider.{other.codename}"}


def test_a_removed_permission_ends_with_the_next_request_R32(acme: Connection, jane: Identity, editors: Role) -> None:
    permission = Permission.objects.get(codename="view_user", content_type__app_label="core_identity")
    change_role(actor=COMMAND, role_id=editors.pk, permissions=[permission])
    grant_role(actor=COMMAND, user_id=jane.user_id, role_id=editors.pk, reason="covers for Sam")
    assert User.objects.get(pk=jane.user_id).has_perm("core_identity.view_user")
    revoke_role(actor=COMMAND, user_id=jane.user_id, role_id=editors.pk)
    assert not User.objects.get(pk=jane.user_id).has_perm("core_identity.view_user"), "each request reads its user anew"


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


def test_grants_by_sso_end_when_the_connection_stops_taking_roles_from_sso_R31() -> None:
    connection = make_connection(roles_from="sso_groups")
    create_role(actor=ADMIN, name="Editors", grantable_by=[connection])
    entered = sign_in(actor=BROWSER, connection=connection, person=by_sso(JANE, groups=("Editors",)))
    change_connection(actor=ADMIN, connection_id=connection.pk, roles_from="push_groups")
    assert role_names(entered) == []


def test_grants_by_sso_end_when_the_role_is_closed_to_the_connection_R28() -> None:
    connection = make_connection(roles_from="sso_groups")
    roles = [create_role(actor=ADMIN, name=name, grantable_by=[connection]) for name in ("Editors", "Viewers")]
    entered = sign_in(actor=BROWSER, connection=connection, person=by_sso(JANE, groups=("Editors", "Viewers")))
    set_grantable_roles(actor=ADMIN, connection=connection, roles=roles[1:], confirm_waiting=False)
    assert role_names(entered) == ["Viewers"]
