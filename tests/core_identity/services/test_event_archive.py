"""The door of the archive: the only way by which events leave the database, and what it refuses (R34)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from core_identity.models import Event
from core_identity.models.event import LAST_IS_NEEDED
from core_identity.services.event_archive import archivable

DOOR = "core_identity.archive_before"
"""The setting of a transaction that lets the trigger accept the deletion of older events."""


def event(days: int, kind: str = "role.created", **values: object) -> Event:
    """Return a stored event that is so many days old."""
    actor = {"actor": "boss", "actor_kind": "admin", "channel": "admin"}
    one = Event(at=timezone.now() - timedelta(days=days), kind=kind, **actor | values)
    one.save()
    return one


@contextmanager
def door(before: object, *, name: str = DOOR) -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [name, str(before)])
        yield


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def delete(*events: Event) -> None:
    Event.objects.filter(pk__in=[one.pk for one in events]).delete()


def refused(act: Callable[[], None], *, before: object, name: str = DOOR) -> None:
    stored = list(Event.objects.order_by("pk").values())
    with pytest.raises(DatabaseError), door(before, name=name):
        act()
    assert list(Event.objects.order_by("pk").values()) == stored


@pytest.mark.django_db
def test_without_its_setting_not_even_an_old_event_is_deleted_R34() -> None:
    event(5000)
    for setting in ("", "on", "yes", "0", "null"):
        refused(lambda: run("DELETE FROM core_identity_event"), before=setting)
    refused(lambda: run("DELETE FROM core_identity_event"), before="on", name="core_identity.erase")


@pytest.mark.django_db
def test_the_door_of_the_archive_opens_for_deletions_only_R34() -> None:
    event(5000)
    now = timezone.now()
    refused(lambda: run("UPDATE core_identity_event SET kind = 'x'"), before=now)
    refused(lambda: run("UPDATE core_identity_event SET changes = '{}', reason = '', subject = '', actor = 'x'"), before=now)  # fmt: skip
    refused(lambda: run("UPDATE core_identity_event SET at = at"), before=now)
    run("ALTER TABLE core_identity_event ENABLE TRIGGER core_identity_event_no_truncate")
    refused(lambda: run("TRUNCATE core_identity_event"), before=now)


@pytest.mark.django_db
def test_the_door_of_the_archive_opens_for_old_events_only_R34() -> None:
    old, older = event(800), event(1200)
    refused(partial(delete, old), before=old.at)
    with door(old.at):
        delete(older)
    assert list(Event.objects.all()) == [old]


@pytest.mark.django_db
@pytest.mark.parametrize("before", ["now", "infinity", "2999-01-01"])
def test_no_setting_deletes_an_event_of_the_last_year_R34(before: str) -> None:
    young, old = event(360), event(3000)
    refused(lambda: run("DELETE FROM core_identity_event"), before=before)
    with door(before):
        delete(old)
    assert list(Event.objects.all()) == [young]


@pytest.mark.django_db(transaction=True)
def test_the_door_is_closed_again_after_its_transaction_R34() -> None:
    old = event(800)
    with door(timezone.now()):
        delete(old)
    event(800)
    with pytest.raises(DatabaseError, match="append-only: DELETE refused"), transaction.atomic():
        run("DELETE FROM core_identity_event")


@pytest.mark.django_db
@pytest.mark.parametrize("kind", LAST_IS_NEEDED)
def test_the_last_event_of_a_connection_stays_where_a_later_decision_needs_it_R38(kind: str) -> None:
    one, other = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
    first, last = event(3000, kind, connection_id=one), event(2000, kind, connection_id=one)
    of_other = event(2500, kind, connection_id=other)
    for stays in (last, of_other):
        refused(partial(delete, stays), before="now")
    refused(lambda: run("DELETE FROM core_identity_event"), before="now")
    assert list(archivable(timezone.now())) == [first]
    with door("now"):
        delete(first)
    assert list(Event.objects.order_by("pk")) == [last, of_other]


@pytest.mark.django_db
def test_promotions_and_records_of_archives_stay_also_through_the_door_R34() -> None:
    needed = [
        event(2500, "user.created", changes={"is_superuser": [None, True], "is_staff": [None, False]}),
        event(2500, "user.changed", changes={"is_staff": [False, True]}),
        event(2500, "events.archived"),
    ]
    no_longer = event(2500, "user.changed", changes={"is_staff": [True, False]})
    for stays in needed:
        refused(partial(delete, stays), before="now")
    assert list(archivable(timezone.now())) == [no_longer]
    with door("now"):
        delete(no_longer)
    assert list(Event.objects.order_by("pk")) == needed
