"""R34: every change writes an event in its own transaction, and the database refuses to alter events."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from core_identity.errors import IdentityError
from core_identity.models import Event, User
from core_identity.services.expiry import expire
from core_identity.services.push.provisioning import create_person
from core_identity.services.users import change_user, set_password
from tests.support.cast import ADMIN, JANE, OKTA, make_connection

pytestmark = pytest.mark.django_db


def test_an_event_names_actor_channel_connection_subject_change_and_request_R34() -> None:
    create_person(actor=OKTA, connection=make_connection(), person=JANE)
    event = Event.objects.get(kind="user.created")
    user = User.objects.get()
    assert (event.actor, event.channel, event.connection_slug) == (OKTA.label, "scim", "acme")
    assert (event.subject_type, event.subject_id, event.user_id) == ("user", user.pk, user.pk)
    assert (event.changes["username"], event.request_id) == (["", JANE.user_name], "REQSCIM")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_identity_event SET kind = 'x'",
        "UPDATE core_identity_event SET changes = '{}'",
        "DELETE FROM core_identity_event",
    ],
)
def test_the_database_refuses_to_change_or_delete_an_event_R34(statement: str) -> None:
    make_connection()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Event.objects.exists()


def test_the_database_refuses_to_empty_the_table_of_events_R34() -> None:
    make_connection()
    refused = pytest.raises(DatabaseError, match="append-only: TRUNCATE refused")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_identity_event ENABLE TRIGGER core_identity_event_no_truncate")
        cursor.execute("SET LOCAL core_identity.erase = 'on'")
        cursor.execute("TRUNCATE core_identity_event")
    assert Event.objects.exists()


@pytest.mark.parametrize(
    ("lack", "constraint"),
    [
        ({"actor": ""}, "event_has_an_actor"),
        ({"actor": " \t"}, "event_has_an_actor"),
        ({"actor_kind": "robot"}, "event_has_an_actor"),
        ({"channel": ""}, "event_has_a_channel"),
        ({"channel": "telepathy"}, "event_has_a_channel"),
    ],
)
def test_the_database_takes_no_event_without_actor_and_channel_R34(lack: dict[str, str], constraint: str) -> None:
    whole = {"kind": "made.up", "actor": "boss", "actor_kind": "admin", "channel": "admin"}
    Event(at=timezone.now(), **whole).save()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Event(at=timezone.now(), **whole | lack).save()


def test_the_erasure_exception_covers_personal_columns_only_R34() -> None:
    make_connection()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL core_identity.erase = 'on'")
        cursor.execute("UPDATE core_identity_event SET changes = '{}', subject = ''")
    assert set(Event.objects.values_list("subject", flat=True)) == {""}
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:  # noqa: PT012
        cursor.execute("SET LOCAL core_identity.erase = 'on'")
        cursor.execute("UPDATE core_identity_event SET kind = 'x'")


def test_a_change_that_fails_leaves_no_event_R34() -> None:
    acme = make_connection()
    before = Event.objects.count()
    with pytest.raises(IdentityError):
        create_person(actor=OKTA, connection=acme, person=JANE.__class__(user_name="x", title="\x00"))
    assert Event.objects.count() == before


def test_no_password_reaches_an_event_R34() -> None:
    user = create_person(actor=OKTA, connection=make_connection(), person=JANE).identity.user
    set_password(actor=ADMIN, user_id=user.pk, password="correct horse battery")
    events = str(list(Event.objects.values()))
    assert "user.password_set" in events
    assert "correct horse" not in events
    assert User.objects.get().password not in events


def test_an_act_that_changes_nothing_leaves_no_event_R34() -> None:
    user = create_person(actor=OKTA, connection=make_connection(), person=JANE).identity.user
    expire(actor=ADMIN, user_id=user.pk, reason="left")
    before = Event.objects.count()
    expire(actor=ADMIN, user_id=user.pk, reason="left again")
    change_user(actor=ADMIN, user_id=user.pk, first_name="Jane")
    assert Event.objects.count() == before
