"""R29: a push group remembers members whose id is not known yet, and only people of its own connection ever become them."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from core_identity.models import Connection, Event, ExpectedMember, Identity, Role
from core_identity.selectors.group_rows import counted_group, group_members, group_with_named, named_in
from core_identity.services.groups import follow_identity, link_waiting, remove_group
from core_identity.services.push.provisioning import create_person, remove_person
from core_identity.services.roles import create_role
from core_identity.write_guard import service_writes
from tests.support.cast import ADMIN, JANE, OKTA, ZOE, make_connection
from tests.support.groups import change, push, role_names

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Connection:
    """The app that takes over."""
    return make_connection()


@pytest.fixture
def old_app() -> Connection:
    """Of the same customer; its people move to ``acme``."""
    return make_connection("acme-old")


@pytest.fixture
def jane(old_app: Connection) -> Identity:
    return create_person(actor=OKTA, connection=old_app, person=JANE).identity


@pytest.fixture
def editors(acme: Connection) -> Role:
    return create_role(actor=ADMIN, name="Editors", grantable_by=[acme])


def move(identity: Identity, to: Connection) -> Identity:
    """Take over identities as a successor does (R1a)."""
    Identity.objects.filter(pk=identity.pk).update(connection=to)
    moved = Identity.objects.select_related("connection", "user").get(pk=identity.pk)
    with service_writes():  # a service calls it
        follow_identity(actor=ADMIN, identity=moved)
    return moved


def expected() -> set[UUID]:
    return set(ExpectedMember.objects.values_list("scim_id", flat=True))


def test_a_member_not_known_yet_is_remembered_and_shown_to_nobody_R29(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    group = push(acme, "Editors", jane)
    assert expected() == {jane.scim_id}
    assert group_members([group.pk]) == {}
    assert role_names(jane) == []


def test_an_unknown_member_takes_effect_when_a_person_of_this_connection_has_the_id_R29(
    acme: Connection, jane: Identity, editors: Role
) -> None:
    group = push(acme, "Editors", jane)
    jane = move(jane, acme)
    assert role_names(jane) == ["Editors"]
    assert group_members([group.pk]) == {group.pk: [str(jane.scim_id)]}
    assert expected() == set()
    version = group.version
    group.refresh_from_db()
    assert group.version == version + 1, "the answer for the group is another one now"
    remove_group(actor=OKTA, connection=acme, scim_id=group.scim_id)
    assert role_names(jane) == []


def test_an_unknown_member_takes_effect_when_the_waiting_group_is_confirmed_R29(
    acme: Connection, jane: Identity
) -> None:
    group = push(acme, "Editors", jane)
    jane = move(jane, acme)
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    link_waiting(actor=ADMIN, role_id=role.pk, group_ids=[group.pk])
    assert role_names(jane) == ["Editors"]


def test_a_deleted_member_takes_effect_only_as_a_resource_again_R29(
    acme: Connection, old_app: Connection, jane: Identity, editors: Role
) -> None:
    group = push(acme, "Editors", jane)
    remove_person(actor=OKTA, connection=old_app, scim_id=jane.scim_id)
    jane = move(jane, acme)
    assert (role_names(jane), expected()) == ([], {jane.scim_id})
    create_person(actor=OKTA, connection=acme, person=JANE)
    assert role_names(jane) == ["Editors"]
    assert group_members([group.pk])[group.pk] == [str(jane.scim_id)]


def test_another_customer_s_id_never_takes_effect_R1_R29(acme: Connection, editors: Role) -> None:
    globex = make_connection("globex", customer="Globex")
    stranger = create_person(actor=OKTA, connection=globex, person=JANE).identity
    group = push(acme, "Editors", stranger)
    change(group, add=frozenset({stranger.scim_id}))
    remove_person(actor=OKTA, connection=globex, scim_id=stranger.scim_id)
    create_person(actor=OKTA, connection=globex, person=JANE)
    with service_writes():
        follow_identity(actor=ADMIN, identity=Identity.objects.get(pk=stranger.pk))
    assert role_names(stranger) == []
    assert group_members([group.pk]) == {}


def test_an_unknown_member_that_the_idp_removes_is_forgotten_R29(acme: Connection, editors: Role) -> None:
    one, two, three = uuid4(), uuid4(), uuid4()
    group = push(acme, "Editors", one, two)
    change(group, remove=frozenset({one}), add=frozenset({three}))
    assert expected() == {two, three}
    change(group, members=frozenset({three}))
    assert expected() == {three}
    change(group, display_name="Writers")
    assert expected() == {three}, "a rename says nothing of members"
    remove_group(actor=OKTA, connection=acme, scim_id=group.scim_id)
    assert expected() == set()


def test_repeating_the_same_change_changes_nothing_R29(acme: Connection, editors: Role) -> None:
    nobody = uuid4()
    group = push(acme, "Editors", nobody)
    events = Event.objects.count()
    again = change(group, members=frozenset({nobody}))
    assert (Event.objects.count(), again.version) == (events, group.version)
    change(group, add=frozenset({nobody}))
    assert Event.objects.count() == events


def test_the_event_contains_the_remembered_values_R34(acme: Connection, editors: Role) -> None:
    member = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    group = push(acme, "Editors", member, uuid4(), uuid4())
    change(group, members=frozenset())
    events = Event.objects.filter(kind="group.members_changed").order_by("id")
    assert [event.changes for event in events] == [
        {"members_added": [None, 1], "members_expected": [None, 2]},
        {"members_removed": [None, 1], "members_given_up": [None, 2]},
    ]


def test_unknown_members_cost_the_same_whatever_their_number_R29(acme: Connection, editors: Role) -> None:
    people = [
        create_person(
            actor=OKTA,
            connection=acme,
            person=replace(JANE, uid=f"u{number}", external_id=f"e{number}", user_name=f"u{number}@a.test", email=""),
        ).identity.scim_id
        for number in range(20)
    ]
    group = push(acme, "Editors")
    costs = []
    for size in (2, 20):
        ids = frozenset([*people[:size], *(uuid4() for _ in range(size * 50))])
        with CaptureQueriesContext(database) as put:
            change(group, members=ids)
        with CaptureQueriesContext(database) as patch:
            change(group, remove=ids)
        costs.append((len(put), len(patch)))
    assert costs[0] == costs[1]
    assert max(costs[1]) <= 17


def test_a_group_reads_the_same_by_sql_and_by_the_models_R29(acme: Connection, old_app: Connection) -> None:
    member = create_person(actor=OKTA, connection=acme, person=JANE).identity
    hidden = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    other, foreign = push(acme, "Writers", member), push(old_app, "Writers")
    nobody = uuid4()
    group = push(acme, "Editors", member, hidden)
    change(group, add={other.scim_id, foreign.scim_id, nobody})
    remove_person(actor=OKTA, connection=acme, scim_id=hidden.scim_id)
    found, named = group_with_named(acme, group.scim_id)
    members = Identity.objects.filter(memberships__group=group).order_by("memberships__pk")
    shown = members.filter(Identity.RESOURCE).values_list("scim_id", flat=True)
    waiting = ExpectedMember.objects.filter(group=group).values_list("scim_id", flat=True)
    assert (found, named, counted_group(acme, group.scim_id)) == (group, named_in(group), (group, 5))
    assert named.shown == [str(one) for one in shown] == [str(member.scim_id)]
    assert named.hidden == [str(one) for one in members.exclude(Identity.RESOURCE).values_list("scim_id", flat=True)]
    assert (
        set(named.expected)
        == {str(one) for one in waiting}
        == {str(one) for one in (other.scim_id, foreign.scim_id, nobody)}
    )
    assert named.groups == [str(other.scim_id)], "a group of another connection is nobody here"


def test_a_newcomer_without_groups_costs_one_query(jane: Identity) -> None:
    with CaptureQueriesContext(database) as queries, service_writes():
        follow_identity(actor=OKTA, identity=jane)
    assert len(queries) == 1
