"""R31: groups of an assertion give roles where the connection takes them; other names are listed, an absent attribute writes one event."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core_identity.models import Connection, Event, Grant, Identity
from core_identity.selectors.groups import people_without_groups, unmapped_groups
from core_identity.services.connections import change_connection, set_grantable_roles
from core_identity.services.roles import change_role, create_role
from core_identity.services.sso_groups import MOST_REMEMBERED
from tests.support.cast import ADMIN, BROWSER, JANE, ZOE, by_sso, make_connection
from tests.support.groups import role_names
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Connection:
    return make_connection(roles_from="sso_groups")


def enter(connection: Connection, *groups: str, person: object = JANE) -> Identity:
    return sign_in(
        actor=BROWSER,
        connection=Connection.objects.get(pk=connection.pk),
        person=by_sso(person, groups=groups),  # type: ignore[arg-type]
    )


def enter_without(connection: Connection) -> Identity:
    connection = Connection.objects.get(pk=connection.pk)
    return sign_in(actor=BROWSER, connection=connection, person=by_sso(JANE, groups=None))


def listed(connection: Connection) -> list[tuple[str, int]]:
    return [(group.name, group.people) for group in unmapped_groups(connection)]


def warnings() -> int:
    return Event.objects.filter(kind="user.sso_groups_absent").count()


def test_names_that_reach_no_role_are_listed_with_the_people_who_bring_them_R31(acme: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    create_role(actor=ADMIN, name="Closed", grantable_by=[])
    enter(acme, "Editors", "Everyone", "Closed")
    enter(acme, "EVERYONE ", person=ZOE)
    assert [(name.casefold(), people) for name, people in listed(acme)] == [("everyone", 2), ("closed", 1)]


def test_a_listed_name_knows_when_it_was_first_and_last_seen_R31(acme: Connection) -> None:
    jane = enter(acme, "Everyone")
    first = jane.signed_in_at
    jane = enter(acme, "Everyone")
    (group,) = unmapped_groups(acme)
    assert first is not None
    assert abs(group.first_seen - first) < timedelta(seconds=5)
    assert group.first_seen < group.last_seen == jane.signed_in_at


def test_a_person_without_the_group_name_no_longer_counts_R31(acme: Connection) -> None:
    enter(acme, "Everyone", "Night shift")
    enter(acme, "Everyone")
    assert listed(acme) == [("Everyone", 1)]


@pytest.mark.parametrize("how", ["made", "opened", "aliased"])
def test_a_name_that_reaches_a_role_is_listed_no_longer_R31(how: str, acme: Connection) -> None:
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[] if how == "opened" else [acme])
    name = "Editors" if how == "opened" else "Everyone"
    enter(acme, name)
    assert listed(acme) == [(name, 1)]
    match how:
        case "made":
            create_role(actor=ADMIN, name="everyone", grantable_by=[acme])
        case "opened":
            set_grantable_roles(actor=ADMIN, connection=acme, roles=[role], confirm_waiting=False)
        case "aliased":
            change_role(actor=ADMIN, role_id=role.pk, aliases=["everyone"])
    assert listed(acme) == []
    assert len(role_names(enter(acme, name))) == 1, "the next sign-in gives it"


def test_the_list_of_a_connection_is_its_own_R1_R31(acme: Connection) -> None:
    globex = make_connection("globex", customer="Globex", roles_from="sso_groups")
    enter(acme, "Everyone")
    assert listed(globex) == []


def test_the_groups_of_one_sign_in_are_bounded_R31(acme: Connection) -> None:
    enter(acme, *(f"Group {number}" for number in range(MOST_REMEMBERED * 3)))
    assert len(Identity.objects.get().unmapped_groups) == MOST_REMEMBERED
    assert len(unmapped_groups(acme, most=10)) == 10


def test_the_list_is_read_in_a_constant_number_of_statements_R31(acme: Connection) -> None:
    costs = []
    for size in (1, 50):
        enter(acme, *(f"Group {number}" for number in range(size)))
        with CaptureQueriesContext(database) as queries:
            assert len(unmapped_groups(acme)) == size
        costs.append(len(queries))
    assert costs == [2, 2]


def test_a_sign_in_with_the_same_groups_writes_nothing_about_them_R31(acme: Connection) -> None:
    for number in range(5):
        create_role(actor=ADMIN, name=f"Role {number}", grantable_by=[acme])
    costs = []
    for names in (["Role 0"], [f"Role {number}" for number in range(5)]):
        enter(acme, "Everyone", *names)
        with CaptureQueriesContext(database) as queries:
            enter(acme, "Everyone", *names)
        assert not [
            one["sql"] for one in queries if "unmapped_groups" in one["sql"] and one["sql"].startswith("UPDATE")
        ]
        costs.append(len(queries))
    assert costs[0] == costs[1], "nor does their number cost anything"


def test_an_absent_attribute_is_one_event_per_person_until_it_returns_R31(acme: Connection) -> None:
    jane = enter_without(acme)
    enter_without(acme)
    assert warnings() == 1
    assert people_without_groups(acme) == 1
    event = Event.objects.get(kind="user.sso_groups_absent")
    assert (event.user_id, event.connection_id, event.request_id) == (jane.user_id, acme.pk, BROWSER.request_id)
    enter(acme)
    assert (warnings(), people_without_groups(acme)) == (1, 0), "present and empty says none, and is no mistake"
    enter_without(acme)
    assert warnings() == 2


def test_an_absent_groups_attribute_means_no_groups_R31(acme: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    assert role_names(enter(acme, "Editors")) == ["Editors"]
    assert role_names(enter_without(acme)) == []


def test_with_sso_groups_off_nothing_is_read_listed_or_warned_about_R31(acme: Connection) -> None:
    enter(acme, "Everyone")
    change_connection(actor=ADMIN, connection_id=acme.pk, roles_from="push_groups")
    assert unmapped_groups(Connection.objects.get()) == []
    jane = enter(acme, "Everyone")
    assert (jane.unmapped_groups, jane.groups_absent_since, warnings()) == ({}, None, 0)
    enter_without(acme)
    assert warnings() == 0


def test_switching_sso_groups_off_ends_their_grants_at_once_R31(acme: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    jane = enter(acme, "Editors")
    change_connection(actor=ADMIN, connection_id=acme.pk, roles_from="push_groups")
    assert role_names(jane) == []
    removed = Event.objects.get(kind="grant.removed")
    assert (removed.user_id, removed.actor) == (jane.user_id, "boss")


@pytest.mark.parametrize("side", ["role", "connection"])
def test_closing_a_role_ends_grants_that_came_by_sign_ins_R28_R31(side: str, acme: Connection) -> None:
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    kept = create_role(actor=ADMIN, name="Viewers", grantable_by=[acme])
    jane = enter(acme, "Editors", "Viewers")
    if side == "role":
        change_role(actor=ADMIN, role_id=role.pk, grantable_by=[])
    else:
        set_grantable_roles(actor=ADMIN, connection=acme, roles=[kept], confirm_waiting=False)
    assert role_names(jane) == ["Viewers"]


def test_closing_a_role_costs_the_same_with_any_holders(acme: Connection) -> None:
    costs = []
    for size in (1, 4):
        role = create_role(actor=ADMIN, name=f"Role of {size}", grantable_by=[acme])
        for number in range(size):
            person = by_sso(JANE, uid=f"{size}-{number}", name_id=f"{size}-{number}", email=f"{size}-{number}@a.test")
            sign_in(actor=BROWSER, connection=acme, person=by_sso(person, groups=(role.name,), name_id=person.name_id))
        with CaptureQueriesContext(database) as queries:
            change_role(actor=ADMIN, role_id=role.pk, grantable_by=[])
        assert not Grant.objects.filter(role=role).exists()
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_a_name_that_no_column_holds_is_left_out_R5_R31(acme: Connection) -> None:
    enter(acme, "x" * 300, " ", "Everyone")
    assert listed(acme) == [("Everyone", 1)]
    assert timezone.is_aware(unmapped_groups(acme)[0].first_seen)
