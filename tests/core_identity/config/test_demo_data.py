"""*Begin again* of the demo: CORE is empty, and the administrator is still signed in."""

import pytest
from django.core.management.base import CommandError
from django.db import IntegrityError, connection

from core_identity.config.demo_data import empty_demo
from core_identity.models import Connection, Event, User
from core_identity.services.push.provisioning import create_person
from core_identity.services.users import create_user
from tests.support.cast import COMMAND, JANE, OKTA, make_connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Connection:
    acme = make_connection()
    create_person(actor=OKTA, connection=acme, person=JANE)
    create_user(actor=COMMAND, username="admin", email="admin@core.test", is_superuser=True, password="kept password")
    return acme


def test_everything_goes_but_the_administrator_and_events_are_guarded_afterwards(acme: Connection) -> None:
    before = User.objects.get(username="admin")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a test is one transaction, and a request was none
    empty_demo(slugs=["acme"], administrator="admin")
    after = User.objects.get()
    assert (after.pk, after.password, after.is_superuser) == (before.pk, before.password, True)
    assert after.get_session_auth_hash() == before.get_session_auth_hash()
    assert not Connection.objects.exists()
    assert not Event.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="append-only"):
            cursor.execute("TRUNCATE core_identity_event CASCADE")


def test_a_database_that_is_not_only_the_demo_keeps_everything(acme: Connection) -> None:
    make_connection(slug="production")
    with pytest.raises(CommandError, match="production"):
        empty_demo(slugs=["acme"], administrator="admin")
    assert User.objects.count() == 2
