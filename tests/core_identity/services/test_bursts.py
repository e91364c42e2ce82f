"""R22a: many deactivations at once are applied and alarmed, and one act takes them back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from core_identity.models import Burst, Connection, Event, Identity, User
from core_identity.selectors.bursts import open_bursts, people_of, plan_of
from core_identity.services.bursts import note_deactivation, settle_burst, unexpire_burst
from core_identity.services.expiry import expire, unexpire
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.users import change_user, create_user
from core_identity.values import Actor, Person
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, make_connection
from tests.support.clock import travel

pytestmark = pytest.mark.django_db


def somebody(number: int) -> Person:
    name = f"person{number}"
    return replace(JANE, uid=name, external_id=name, user_name=f"{name}@acme.test", email=f"{name}@acme.test")


def hire(connection: Connection, *numbers: int) -> list[Identity]:
    return [create_person(actor=OKTA, connection=connection, person=somebody(number)).identity for number in numbers]


def say(identity: Identity, *, active: bool, **changes: str) -> None:
    person = Person(active=active, **changes)  # type: ignore[arg-type]
    change_person(
        actor=OKTA,
        connection=identity.connection,
        scim_id=identity.scim_id,
        read=lambda _: person,
        deactivates=not active,
    )


@pytest.fixture
def acme() -> Connection:
    return make_connection()


@pytest.fixture
def people(acme: Connection) -> list[Identity]:
    """Twenty-six, of whom the sixth within an hour makes a burst."""
    return hire(acme, *range(26))


@pytest.fixture
def burst(people: list[Identity]) -> Burst:
    for identity in people[:6]:
        say(identity, active=False)
    return Burst.objects.get()


def test_the_deactivation_that_reaches_the_share_alarms_once_and_is_applied_R22a(
    people: list[Identity],
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for identity in people[:5]:
            say(identity, active=False)
    assert not Burst.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        remove_person(actor=OKTA, connection=people[5].connection, scim_id=people[5].scim_id)
        say(people[6], active=False)
    assert User.objects.filter(expired_at__isnull=False).count() == 7
    event = Event.objects.get(kind="connection.burst")
    assert (event.connection_slug, event.changes, event.request_id) == ("acme", {"deactivated": [None, 6]}, "REQSCIM")
    (line,) = [record for record in caplog.records if record.name == "core_identity.bursts"]
    assert (line.levelname, vars(line)["connection"], vars(line)["deactivated"]) == ("WARNING", "acme", 6)
    assert people_of(Burst.objects.get()).count() == 7


def test_a_connection_of_three_never_has_a_burst_R22a(acme: Connection) -> None:
    for identity in hire(acme, 1, 2, 3):
        say(identity, active=False)
    assert not Burst.objects.exists()


def test_leavers_spread_over_a_day_are_not_a_burst_R22a(people: list[Identity]) -> None:
    start = timezone.now()
    for count, identity in enumerate(people[:20]):
        with travel(start + timedelta(minutes=16 * count)):
            say(identity, active=False)
    assert not Burst.objects.exists()


def test_expiries_by_administrators_or_other_connections_do_not_count_R22a(
    acme: Connection, people: list[Identity]
) -> None:
    for identity in people[:4]:
        expire(actor=ADMIN, user_id=identity.user_id, reason="left")
    for identity in hire(make_connection("globex", customer="Globex"), *range(4)):
        say(identity, active=False)
    for identity in people[4:8]:
        say(identity, active=False)
    assert not Burst.objects.exists()


def test_leavers_within_the_hour_join_the_burst_and_a_day_later_start_another_R22a(
    burst: Burst, people: list[Identity]
) -> None:
    say(people[6], active=False)
    assert people_of(open_bursts().get()).count() == 7
    with travel(timezone.now() + timedelta(days=1)):
        for identity in people[7:13]:
            say(identity, active=False)
    assert [people_of(one).count() for one in open_bursts()] == [7, 6]


def test_a_second_wave_after_the_first_was_settled_alarms_again_R22a(burst: Burst, people: list[Identity]) -> None:
    settle_burst(actor=ADMIN, burst_id=burst.pk, reason="offboarding of the press office")
    say(people[6], active=False)
    assert not open_bursts().exists()
    for identity in people[7:12]:
        say(identity, active=False)
    assert people_of(open_bursts().get()).count() == 6


def test_noticing_a_burst_costs_the_same_whatever_the_size_of_the_connection_R22a(
    acme: Connection, people: list[Identity]
) -> None:
    def cost(identity: Identity) -> int:
        with CaptureQueriesContext(database) as queries:
            say(identity, active=False)
        return len(queries)

    for identity in people[:8]:
        say(identity, active=False)
    few = cost(people[8])
    for identity in hire(acme, *range(100, 160)):
        say(identity, active=False)
    assert cost(people[9]) == few


def test_the_counts_of_a_burst_go_by_index_and_never_scan_a_table_R22a(
    acme: Connection, people: list[Identity]
) -> None:
    """Among five thousand who left long ago."""
    long_ago = timezone.now() - timedelta(days=400)
    leavers = User.objects.bulk_create(
        User(username=f"leaver{n}", username_key=f"leaver{n}", customer=acme.customer) for n in range(5000)
    )
    User.objects.filter(pk__in=[user.pk for user in leavers]).update(
        expired_at=long_ago, expired_connection=acme, expired_channel="scim"
    )
    Identity.objects.bulk_create(Identity(connection=acme, user=user, active=False) for user in leavers)
    for identity in people[:5]:
        say(identity, active=False)
    with database.cursor() as cursor:
        cursor.execute("ANALYZE core_identity_user, core_identity_identity")
    with CaptureQueriesContext(database) as queries:
        note_deactivation(actor=OKTA, identity=people[4])
    [count] = [query["sql"] for query in queries if "count(" in query["sql"]]
    with database.cursor() as cursor:
        cursor.execute(f"EXPLAIN {count}")
        plan = " ".join(line for (line,) in cursor.fetchall())
    for table, index in ((User, "user_by_expiry"), (Identity, "identity_active")):
        assert index in plan
        assert f"Seq Scan on {table._meta.db_table}" not in plan


def test_one_act_unexpires_the_users_who_are_active_again_at_the_idp_R22a(burst: Burst, people: list[Identity]) -> None:
    for identity in people[:4]:
        say(identity, active=True)
    left_before = hire(burst.connection, 99)[0]
    expire(actor=ADMIN, user_id=left_before.user_id, reason="left for good")
    plan = unexpire_burst(actor=ADMIN, burst_id=burst.pk, reason="a wrong filter at Okta")
    assert {user.pk for user in plan.unexpires} == {identity.user_id for identity in people[:4]}
    assert {user.pk for user in User.objects.filter(expired_at__isnull=False)} == {
        people[4].user_id, people[5].user_id, left_before.user_id
    }  # fmt: skip
    events = Event.objects.filter(kind="user.unexpired")
    assert {(event.user_id, event.actor, event.reason, event.request_id) for event in events} == {
        (identity.user_id, "boss", "a wrong filter at Okta", "REQADMIN") for identity in people[:4]
    }
    act = Event.objects.get(kind="connection.burst_unexpired")
    assert (act.changes["unexpired"], act.changes["left"], act.reason) == ([None, 4], [None, 2], events[0].reason)
    assert not Identity.objects.filter(reactivation_requested_at__isnull=False).exists()
    assert open_bursts().exists(), "two of it are still expired"


def test_a_burst_is_settled_when_nobody_is_left_in_it_R22a(burst: Burst, people: list[Identity]) -> None:
    for identity in people[:6]:
        say(identity, active=True)
    unexpire(actor=ADMIN, user_id=people[0].user_id, reason="the first to complain")
    unexpire_burst(actor=ADMIN, burst_id=burst.pk, reason="all of it was wrong")
    assert not open_bursts().exists()
    assert not User.objects.filter(expired_at__isnull=False).exists()


def test_a_user_expired_again_by_an_administrator_stays_expired_R22a(burst: Burst, people: list[Identity]) -> None:
    for identity in people[:6]:
        say(identity, active=True)
    unexpire(actor=ADMIN, user_id=people[0].user_id, reason="by mistake")
    expire(actor=ADMIN, user_id=people[0].user_id, reason="left for good")
    unexpire_burst(actor=ADMIN, burst_id=burst.pk, reason="all of it was wrong")
    assert [user.pk for user in User.objects.filter(expired_at__isnull=False)] == [people[0].user_id]


def test_a_user_with_moved_keys_is_left_for_a_closer_look_R22a_R24(burst: Burst, people: list[Identity]) -> None:
    say(people[0], active=True, email="newcomer@acme.test")
    say(people[1], active=True)
    plan = unexpire_burst(actor=ADMIN, burst_id=burst.pk, reason="a wrong filter at Okta")
    assert [user.pk for user in plan.changed] == [people[0].user_id]
    assert [user.pk for user in plan.unexpires] == [people[1].user_id]


def test_staff_of_a_burst_come_back_by_a_superuser_only_R22a_R26(burst: Burst, people: list[Identity]) -> None:
    change_user(actor=COMMAND, user_id=people[0].user_id, is_staff=True)
    for identity in people[:2]:
        say(identity, active=True)
    desk = create_user(actor=COMMAND, username="desk", is_staff=True)
    root = create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True)
    by_desk, by_root = (replace(ADMIN, id=str(user.pk)) for user in (desk, root))
    plan = unexpire_burst(actor=by_desk, burst_id=burst.pk, reason="x")
    assert [user.pk for user in plan.guarded] == [people[0].user_id]
    assert User.objects.get(pk=people[0].user_id).expired_at is not None
    unexpire_burst(actor=by_root, burst_id=burst.pk, reason="x")
    assert User.objects.get(pk=people[0].user_id).expired_at is None


def test_the_act_is_all_or_nothing_R22a(burst: Burst, people: list[Identity]) -> None:
    say(people[0], active=True)
    actor = Actor(ADMIN.channel, ADMIN.kind, ADMIN.label, request_id="x" * 65)  # longer than its column
    with pytest.raises(Exception, match="too long"):
        unexpire_burst(actor=actor, burst_id=burst.pk, reason="x")
    assert User.objects.get(pk=people[0].user_id).expired_at is not None


def test_unexpiring_a_burst_takes_as_many_statements_for_six_as_for_sixty_R22a(
    acme: Connection, burst: Burst, people: list[Identity]
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            unexpire_burst(actor=ADMIN, burst_id=burst.pk, reason="x")
        return len(queries)

    say(people[0], active=True)
    say(people[1], active=True)
    few = cost()
    crowd = hire(acme, *range(100, 130))
    for active in (False, True):
        for identity in crowd:
            say(identity, active=active)
    assert len(plan_of(Burst.objects.get(), guarded_too=True).unexpires) == 30
    assert cost() == few
