"""No list, search or page of the administration costs more in a larger service, and none is too long to read.

The walk is that of `python -m benchmarks.administration`, which measures a service of a million people. Here the service is small, and so are the
limits: a page that read a whole table would read far more rows than these.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client

from benchmarks.admin_cost import Cost, visit
from benchmarks.admin_walk import Visit, walk
from benchmarks.administration import ALL_PEOPLE, MOST_CHOICES, MOST_QUERIES, MOST_ROWS
from benchmarks.population import populate
from core_identity.admin import succession, users
from core_identity.admin_kit.lists import BoundedPaginator
from core_identity.models import Connection, PushGroup, Role, User
from core_identity.selectors import counts, home
from core_identity.write_guard import service_writes
from tests.support.plans import rows_read
from tests.support.reading import faults_of

PEOPLE, CUSTOMERS = 3_000, 60
LARGE = {
    "core_identity_user": PEOPLE,
    "core_identity_identity": PEOPLE,
    "core_identity_event": 3 * PEOPLE,
    "scim_provisioningrecord": PEOPLE,
    "sso_signinrecord": PEOPLE,
}
"""The tables that no page may read whole, each with the rows that it has at least."""
CHEAP_HERE = {
    "users, page accept-drift",
    "connections, page mismatches",
    "connections, page groups",
    "provisioning log, request: look-ups",
}
"""Pages for which PostgreSQL reads a table whole because it is so short. With a million people it uses an index, or needs less than 300 ms."""
TERMS = {"a name": "p7@customer-1.test", "a common beginning": "p", "nothing": "nobody at all"}


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedPaginator, "most", 200)
    monkeypatch.setattr(users, "FOUND", 100)
    monkeypatch.setattr(counts, "MOST", 10)
    monkeypatch.setattr(home, "FEW", 0)
    monkeypatch.setattr(succession, "COUNTED", 100)


@pytest.fixture
def large_service(db: None) -> None:
    populate(PEOPLE, CUSTOMERS)
    add_roles()
    with database.cursor() as cursor:
        # A table of so few rows would be read whole because that is cheap. The question is whether an index can answer.
        cursor.execute("SET LOCAL enable_seqscan = off")


def add_roles() -> None:
    """More roles than a list may have, and more groups that wait for one of them."""
    with service_writes():
        roles = Role.objects.bulk_create(Role(name=f"AA {n}", name_key=f"aa {n}") for n in range(MOST_CHOICES + 5))
        roles[0].grantable_by.set(Connection.objects.all())
        PushGroup.objects.bulk_create(
            PushGroup(connection=one, display_name="AA 0", name_key="aa 0") for one in Connection.objects.all()
        )


class Reader(Client):
    """Keeps the last page."""

    page = ""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().get(*args, **kwargs)
        self.page = "" if answer.streaming else answer.content.decode()
        return answer


def faults(cost: Cost, read: dict[str, int]) -> Iterator[str]:
    """Yield what is too much of a page."""
    if cost.status >= 400:
        yield f"status {cost.status}"
    if cost.queries > MOST_QUERIES:
        yield f"{cost.queries} queries"
    if cost.choices > MOST_CHOICES:
        yield f"{cost.choices} choices in one list"
    if cost.rows > MOST_ROWS:
        yield f"{cost.rows} rows in one table"
    if not cost.name.endswith(ALL_PEOPLE) and cost.name not in CHEAP_HERE:
        yield from (f"{table} was read whole" for table, rows in LARGE.items() if read.get(table, 0) >= rows)


def measured(browser: Client, page: Visit) -> tuple[Cost, dict[str, int]]:
    before = rows_read()
    cost = visit(browser, page)
    return cost, {table: rows - before.get(table, 0) for table, rows in rows_read().items()}


def test_every_page_of_a_large_service_is_short_reads_few_rows_and_speaks_in_words(
    small_limits: None, large_service: None, root: User
) -> None:
    """A status is a word, a time is relative, no page shows a code of a program or says a thing twice, and at most one button is the main one."""
    browser = Reader(headers={"host": "localhost"})
    browser.force_login(root)
    browser.get("/admin/")  # the first one of an hour counts the hours before
    found = []
    for page in walk(root, terms=TERMS, choices=2):
        cost, read = measured(browser, page)
        found += [f"{page.name}: {words}" for words in (*faults(cost, read), *faults_of(browser.page))]
    assert not found, "\n".join(found)


def test_an_empty_list_names_the_first_step(as_root: Client, root: User) -> None:
    lists = [page for page in walk(root, terms={}, choices=0) if page.path.endswith("/")]
    for page in lists:
        answer = as_root.get(page.path)
        assert answer.status_code in {200, 302}, page.name
        assert "Nothing here yet." not in answer.content.decode(), page.name
