"""New people are written side by side. A push that shares a key with one of them waits, and so does every other change (R7, R9)."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Event as Moment
from threading import Thread

import pytest
from django.conf import LazySettings
from django.db import connections, transaction

from core_identity.errors import Busy, Duplicate, IdentityError
from core_identity.models import Connection, User
from core_identity.selectors.newcomers import locked_keys
from core_identity.services.locks import lock_customer, lock_newcomer
from core_identity.services.push.provisioning import create_person, remove_person
from core_identity.values import Person
from tests.support.cast import JANE, OKTA, ZOE, make_connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(settings: LazySettings) -> Connection:
    settings.DATABASE_LOCK_TIMEOUT = 0.2
    return make_connection()


@contextmanager
def another_transaction(act: object, *arguments: object) -> Iterator[None]:
    """Have another connection to the database call ``act``, and keep its transaction open until the block ends."""
    began, ends = Moment(), Moment()

    def hold() -> None:
        try:
            with transaction.atomic():
                act(*arguments)  # type: ignore[operator]
                began.set()
                ends.wait(timeout=30)
        finally:
            connections.close_all()

    holder = Thread(target=hold)
    holder.start()
    try:
        assert began.wait(timeout=30)
        yield
    finally:
        ends.set()
        holder.join()


def create(acme: Connection, person: Person) -> object:
    return create_person(actor=OKTA, connection=acme, person=person)


SHARED = [
    replace(ZOE, user_name=JANE.user_name.upper() if JANE.user_name else None),
    replace(ZOE, email=JANE.email),
    replace(ZOE, uid=JANE.uid),
    replace(ZOE, external_id=JANE.external_id),
]


def test_a_new_person_does_not_wait_for_another_one(acme: Connection) -> None:
    with another_transaction(create, acme, JANE):
        create(acme, ZOE)
    assert User.objects.count() == 2


def test_a_person_who_shares_a_key_with_a_new_one_waits_and_is_judged_after_it(acme: Connection) -> None:
    with another_transaction(create, acme, JANE):
        with connections["default"].cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        try:
            for rival in SHARED:
                with pytest.raises(Busy):
                    create(acme, rival)
        finally:
            with connections["default"].cursor() as cursor:
                cursor.execute("RESET lock_timeout")
    for rival in SHARED:
        with suppress(IdentityError):
            create(acme, rival)
    assert User.objects.count() == 1


def test_keys_are_shared_within_a_customer_only(acme: Connection) -> None:
    globex = make_connection("globex", customer="Globex")
    keys = set(locked_keys(acme, JANE))
    assert not keys & {*locked_keys(globex, JANE)}
    sister = make_connection("acme-2")
    assert len(keys & {*locked_keys(sister, JANE)}) == 2, (
        "userName and email are shared by the connections of a customer"
    )


def test_a_new_person_waits_while_somebody_decides_alone_and_the_other_way_round(acme: Connection) -> None:
    identity = create_person(actor=OKTA, connection=acme, person=JANE).identity
    with another_transaction(lock_customer, acme.customer_id), pytest.raises(Busy):
        create(acme, ZOE)
    with another_transaction(lock_newcomer, acme.customer_id, locked_keys(acme, ZOE)), pytest.raises(Busy):
        remove_person(actor=OKTA, connection=acme, scim_id=identity.scim_id)


def test_a_person_who_shares_a_name_with_someone_is_judged_alone(acme: Connection) -> None:
    create(acme, JANE)
    with another_transaction(lock_newcomer, acme.customer_id, ["somebody else"]), pytest.raises(Busy):
        create(acme, JANE)
    with pytest.raises(Duplicate):
        create(acme, JANE)


def test_a_stream_of_new_people_cannot_keep_out_a_change(acme: Connection, settings: LazySettings) -> None:
    settings.DATABASE_LOCK_TIMEOUT = 20
    done: list[str] = []

    def change() -> None:
        try:
            with transaction.atomic():
                lock_customer(acme.customer_id)
                done.append("change")
        finally:
            connections.close_all()

    def join() -> None:
        try:
            with transaction.atomic():
                lock_newcomer(acme.customer_id, ["late"])
                done.append("late")
        finally:
            connections.close_all()

    with another_transaction(lock_newcomer, acme.customer_id, ["early"]):
        waiting = [Thread(target=change)]
        waiting[0].start()
        _until_waiting(1)
        waiting.append(Thread(target=join))
        waiting[1].start()
        _until_waiting(2)
    for one in waiting:
        one.join()
    assert done == ["change", "late"]


def _until_waiting(number: int) -> None:
    """Return when so many transactions wait for an advisory lock of this database."""
    statement = (
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
        " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
    )
    with connections["default"].cursor() as cursor:
        for _ in range(3000):
            cursor.execute(statement)
            if cursor.fetchone() == (number,):
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody waits")
