"""Pages and numbers of SCIM resources equal a count, also while people come and go and others count."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import UUID

import pytest
from django.db import connection as database
from django.db import connections, transaction
from django.utils import timezone

from benchmarks.seed import add_people
from core_identity.models import Connection, Identity, IdentityUid, ResourceBlock, ResourceChange
from core_identity.selectors.pages import LARGEST_PAGE, number_of_resources, page_after, page_at
from core_identity.selectors.resources import scim_identities
from scim.wire.list_response import MAX_COUNT
from tests.support.cast import make_connection

STEPS = 60


def by_models(connection: Connection) -> list[str]:
    return [str(pk) for pk in scim_identities(connection).values_list("pk", flat=True)]


def count_changes(connection: Connection, *, of_block: int) -> None:
    """Do what the trigger does at each thousandth change."""
    with database.cursor() as cursor:
        cursor.execute("SELECT core_identity_count_changes(%s, %s)", [connection.pk, of_block])


def assert_pages(connection: Connection) -> None:
    """Compare the pages of a connection with what the models list."""
    everybody = by_models(connection)
    assert number_of_resources(connection) == len(everybody)
    for start in {0, 1, 2, 5, len(everybody) // 2, len(everybody) - 1, len(everybody), len(everybody) + 9, 10**30}:
        found, total = page_at(connection, max(start, 0), 4)
        assert [one.pk for one in found] == everybody[max(start, 0) :][:4], start
        assert total == len(everybody)
        if found:
            following = page_after(connection, found[-1].created_at, UUID(found[-1].pk), 3)
            assert [one.pk for one in following] == everybody[max(start, 0) + len(found) :][:3]
    assert page_at(connection, 0, 0) == ([], len(everybody))


def test_pages_of_all_sizes_use_the_same_two_statements(
    db: None,
) -> None:
    connection, texts = make_connection(), set()

    def watch(execute: Callable[..., object], sql: str, *rest: object) -> object:
        texts.add(sql)
        return execute(sql, *rest)

    with database.execute_wrapper(watch):
        for count in (0, 1, 7, MAX_COUNT, MAX_COUNT + 1):
            page_at(connection, count, count)
            page_after(connection, timezone.now(), connection.pk, count)
    assert len(texts) == 2
    assert LARGEST_PAGE > MAX_COUNT, "a page by cursor reads one more"


@pytest.mark.parametrize("seed", range(3))
def test_pages_are_right_when_people_come_and_go(db: None, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same steps in each run
    acme, other = make_connection(), make_connection("globex", customer="Globex")
    now = timezone.now()
    assert_pages(acme)
    people_added = 0
    for step in range(STEPS):
        some = Identity.objects.filter(
            pk__in=chance.sample(by_models(acme), min(people_added, 3, len(by_models(acme))))
        )
        match chance.randrange(8):
            case 0 | 1 | 2:
                number = chance.choice((1, 1, 4, 9))
                add_people(acme, people_added + 1, people_added + number)
                people_added += number
            case 3:
                some.update(deleted_at=now)
            case 4:
                Identity.objects.filter(deleted_at__isnull=False).update(deleted_at=None, pushed_at=now)
            case 5:
                some.update(pushed_at=None, offered_at=chance.choice((None, now)))
            case 6:
                some.update(connection=other) if chance.random() < 0.5 else some.update(created_at=now, title="x")
            case 7:
                IdentityUid.objects.filter(identity__in=some).delete()
                some.delete()
        if chance.random() < 0.4:
            count_changes(acme, of_block=3)
        if step % 6 == 0:
            assert_pages(acme)
            assert_pages(other)
    for connection in (acme, other):
        count_changes(connection, of_block=3)
    assert not ResourceChange.objects.exists()
    assert ResourceBlock.objects.filter(connection_id=acme.pk).count() > 3
    assert_pages(acme)
    assert_pages(other)


def test_a_change_that_no_list_depends_on_is_not_counted(db: None) -> None:
    acme = make_connection()
    add_people(acme, 1, 2)
    count_changes(acme, of_block=3)
    Identity.objects.update(title="Chief", pushed_at=timezone.now(), active=False)
    assert not ResourceChange.objects.exists()


def test_many_at_once_and_every_thousandth_change_are_counted_in_blocks(db: None) -> None:
    acme = make_connection()
    add_people(acme, 1, 2_500)
    assert not ResourceChange.objects.exists()
    assert [*ResourceBlock.objects.order_by("created_at").values_list("people", flat=True)] == [1000, 1000, 500]
    with database.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('core_identity_resourcechange', 'id'), 5990)")
    Identity.objects.filter(external_id__in=[f"e{number}" for number in range(1, 15)]).update(deleted_at=timezone.now())
    assert ResourceChange.objects.count() == 14
    assert_pages(acme)
    add_people(acme, 2_501, 4_000)
    assert [*ResourceBlock.objects.order_by("created_at").values_list("people", flat=True)] == [1000, 1000, 1000, 1000]
    assert_pages(acme)
    with database.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is due at the commit
    assert [*ResourceBlock.objects.order_by("created_at").values_list("people", flat=True)] == [986, 1000, 1000, 1000]
    assert not ResourceChange.objects.exists()
    assert_pages(acme)


@pytest.mark.django_db(transaction=True)
def test_the_number_is_exact_while_two_write_and_two_count() -> None:
    acme = make_connection()
    over = Event()

    def write(first: int) -> int:
        numbers = range(first, first + 60, 3)
        for number in numbers:
            add_people(acme, number, number + 2)
            Identity.objects.filter(connection=acme, external_id=f"e{number}").update(deleted_at=timezone.now())
        return len(numbers)

    def count(_: int) -> int:
        rounds = 0
        while not over.is_set():
            count_changes(acme, of_block=5)
            rounds += 1
        return rounds

    def read(_: int) -> int:
        """Ask for the number and the models' count in one snapshot."""
        rounds = 0
        while not over.is_set():
            with transaction.atomic():
                with database.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                assert_pages(acme)
            rounds += 1
        return rounds

    def closing(work: Callable[[int], int]) -> Callable[[int], int]:
        def run(value: int) -> int:
            try:
                return work(value)
            finally:
                connections.close_all()

        return run

    with ThreadPoolExecutor(5) as pool:
        others = [pool.submit(closing(one), 0) for one in (count, count, read)]
        try:
            for writer in [pool.submit(closing(write), first) for first in (1, 1001)]:
                assert writer.result() == 20
        finally:
            over.set()
        assert all(one.result() for one in others)
    assert number_of_resources(acme) == 80
    assert_pages(acme)
