"""Two browsers, or two requests, at the same instant, on PostgreSQL: one comes first (R38)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection as database

from core_identity.models import Connection, Event, SetupLink, SetupProposal, User
from core_identity.services.users import create_user
from scim.models import BearerToken
from tests.portal.conftest import Customer, link_to
from tests.support.cast import COMMAND, make_connection

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 2
ROUNDS = 3


@pytest.fixture
def boss(transactional_db: None) -> User:
    return create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True)


@pytest.fixture
def globex(transactional_db: None) -> Connection:
    return make_connection("globex", customer="Globex")


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    line = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            line.wait(timeout=30)
            return act()
        finally:
            database.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def test_one_of_two_browsers_opens_the_link(globex: Connection, boss: User) -> None:
    for _ in range(ROUNDS):
        first = link_to(globex, boss)
        second = Customer(first.secret)
        answers = at_once(first.open, second.open)
        assert sorted(answer.status_code for answer in answers) == [302, 403]
        assert sorted(one.get().status_code for one in (first, second)) == [200, 404]
        assert SetupLink.objects.get(revoked_at=None).openings == 1
    assert Event.objects.filter(kind="setup_link.opened").count() == ROUNDS


def test_one_of_two_first_tokens_is_made_and_the_other_waits(globex: Connection, boss: User) -> None:
    customer = link_to(globex, boss)
    customer.open()
    twin = Customer(customer.secret)
    twin.http.cookies = customer.http.cookies
    answers = at_once(
        lambda: customer.post("/credentials", make_token="1", name="one"),
        lambda: twin.post("/credentials", make_token="1", name="two"),
    )
    assert sorted("Copy this now" in answer.content.decode() for answer in answers) == [False, True]
    assert BearerToken.objects.count() == 1
    assert SetupProposal.objects.filter(kind="token", decided_at=None).count() == 1
