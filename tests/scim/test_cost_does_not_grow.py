"""Ten times the people cost a request the same: the same buffers touched, and no table read from end to end.

The tables were never analysed, as in the hour of a customer's first push: a plan that is good only with statistics fails here. Counting
statements does not see any of this, and time on a shared machine proves nothing, so the tests read PostgreSQL's own plans.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connection as database

from benchmarks.seed import add_members, add_people, scim_ids
from core_identity.models import PushGroup
from core_identity.policy.bursts import BurstLimits
from core_identity.selectors.pages import page_at
from core_identity.services.roles import create_role
from core_identity.services.users import create_user
from scim.search.cursors import Question, next_cursor
from tests.scim.conftest import ENTERPRISE, Scim, person
from tests.support.cast import ADMIN, COMMAND
from tests.support.plans import Plans, never_analyse, plans, rows_read

FEW, MANY = 2_000, 20_000
TAKEN = ("p", "p1")
"""Names of users of no customer, with which the names of all other people begin."""
SHORT = 300
"""A table of so few rows may be read whole: PostgreSQL does so where it is cheaper than an index."""
DEEPER = 1.5
"""An index over ten times the rows has one level more at the most."""
GROUPS = (400, 4_000)
PER_MEMBER = 40
"""Rows that all steps of a change look at for each member: a few look-ups, and a row in each table that is written."""


@pytest.fixture(autouse=True)
def _never_analysed(db: None) -> None:
    never_analyse()


@pytest.fixture
def grown(_never_analysed: None, okta: Scim, settings: LazySettings) -> Callable[[], None]:
    """A connection with `FEW` people. The call makes them `MANY`. Each deactivation could be part of a burst, so its people are counted."""
    settings.BURST = BurstLimits(least=1)
    create_role(actor=ADMIN, name="Editors", grantable_by=[okta.connection])
    add_people(okta.connection, 1, FEW)
    for name in TAKEN:
        create_user(actor=COMMAND, username=name)
    return lambda: add_people(okta.connection, FEW + 1, MANY)


def planned(work: Callable[[], Any]) -> Plans:
    with plans() as recorded_plans:
        answer = work()
    assert answer.status_code < 300, answer.content
    assert recorded_plans.statements
    return recorded_plans


def uid(number: int) -> dict[str, Any]:
    return {ENTERPRISE: {"UID": f"u{number}"}}


def requests(okta: Scim, round_: int) -> dict[str, Callable[[], Any]]:
    """The requests of one connection, each a name and the work; ``round_`` keeps what is created in two rounds apart."""
    [known] = scim_ids(okta.connection, 7, 7)
    new = f"new.comer{round_}@acme.test"
    whole = {**person("p7@acme.test"), "externalId": "e7", **uid(7), "title": f"Title {round_}"}
    return {
        "look up a userName": lambda: okta.get(
            "/Users", filter='userName eq "p7@acme.test"', startIndex="1", count="100"
        ),
        "look up a userName that nobody has": lambda: okta.get("/Users", filter='userName eq "nobody@acme.test"'),
        "look up an externalId": lambda: okta.get("/Users", filter='externalId eq "e7"'),
        "look up a UID": lambda: okta.get("/Users", filter=f'{ENTERPRISE}:UID eq "u7"'),
        "look up an email": lambda: okta.get("/Users", filter='emails.value eq "p7@acme.test"'),
        "look up an email as Entra does": lambda: okta.get(
            "/Users", filter='emails[type eq "work"].value eq "p7@acme.test"'
        ),
        "look up an id": lambda: okta.get("/Users", filter=f'id eq "{known}"'),
        "get": lambda: okta.get(f"/Users/{known}"),
        "create": lambda: okta.post("/Users", {**person(new), "externalId": f"new{round_}", **uid(-round_)}),
        "create with a name that somebody in CORE has": lambda: okta.post("/Users", person(TAKEN[round_ - 1])),
        "put": lambda: okta.put(f"/Users/{known}", whole),
        "put again": lambda: okta.put(f"/Users/{known}", whole),
        "patch": lambda: okta.patch(f"/Users/{known}", {"op": "replace", "path": "title", "value": f"Other {round_}"}),
        "rename": lambda: okta.put(f"/Users/{known}", {**whole, "userName": f"renamed{round_}@acme.test"}),
        "rename back": lambda: okta.put(f"/Users/{known}", whole),
        "deactivate": lambda: okta.patch(f"/Users/{known}", {"op": "replace", "value": {"active": False}}),
        "reactivate": lambda: okta.patch(f"/Users/{known}", {"op": "replace", "value": {"active": True}}),
        "delete": lambda: okta.delete(f"/Users/{scim_ids(okta.connection, 8 + round_, 8 + round_)[0]}"),
    }


def test_a_request_about_one_person_costs_the_same_with_ten_times_the_people(
    okta: Scim, grown: Callable[[], None]
) -> None:
    few = {name: planned(work) for name, work in requests(okta, 1).items()}
    grown()
    faults = []
    for name, work in requests(okta, 2).items():
        many = planned(work)
        whole = many.whole_scans(more_than=SHORT)
        if whole or many.buffers > few[name].buffers * DEEPER or many.looked_at > few[name].looked_at + SHORT:
            faults.append(
                f"{name}: {few[name].buffers} buffers became {many.buffers}, {few[name].looked_at} rows {many.looked_at}\n"
                f"{many.dearest()}"
            )
    assert not faults, "\n".join(faults)


def test_a_plan_that_serves_all_values_reads_no_table_from_end_to_end(okta: Scim, grown: Callable[[], None]) -> None:
    """PostgreSQL makes such a plan for each statement that a connection repeats, and by then it knows the tables.

    It may expect that a value fits most rows, because most rows have one value there: the empty text.
    """
    grown()
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    faults = []
    for name, work in requests(okta, 1).items():
        before = rows_read()
        assert work().status_code < 300
        read = {table: rows - before.get(table, 0) for table, rows in rows_read().items()}
        faults += [f"{name}: {rows} rows of {table}" for table, rows in read.items() if rows > SHORT]
    assert not faults, "\n".join(faults)


def test_a_page_costs_the_same_at_any_place_and_with_ten_times_the_people(
    okta: Scim, grown: Callable[[], None]
) -> None:
    def pages(people: int) -> dict[str, Plans]:
        plans_by_place = {}
        for name, place in (
            ("first", {"startIndex": "1"}),
            ("between", {"startIndex": str(people // 2)}),
            ("last", {"startIndex": str(people - 99)}),
            ("beyond", {"startIndex": str(people + 1)}),
            ("first by cursor", {"cursor": ""}),
            ("later by cursor", {"cursor": cursor_at(people // 2)}),
        ):
            plans_by_place[name] = planned(lambda place=place: okta.get("/Users", count="100", **place))  # type: ignore[misc]
        return plans_by_place

    def cursor_at(people: int) -> str:
        [one], _ = page_at(okta.connection, people, 1)
        return next_cursor(one, Question(okta.connection, "User", None), people)

    few = pages(FEW)
    grown()
    faults = []
    for name, many in pages(MANY).items():
        # A page begins within a block of a thousand to two thousand people, whose keys are skipped.
        most = few["first"].looked_at + 2_000 + SHORT
        if many.whole_scans(more_than=SHORT) or many.looked_at > most or many.buffers > few["first"].buffers * 2:
            faults.append(
                f"{name}: {few['first'].buffers} buffers became {many.buffers}, {few['first'].looked_at} rows {many.looked_at}\n"
                f"{many.dearest()}"
            )
    assert not faults, "\n".join(faults)


def test_a_change_of_a_group_costs_in_proportion_to_the_group_and_one_member_costs_the_same_at_any_size(
    okta: Scim, grown: Callable[[], None]
) -> None:
    """Each size has its own limit, because a plan may waste as much for a small group as for a large one."""
    grown()
    faults = []
    for name, work in group_changes(okta).items():
        buffers: list[int] = []
        for size in GROUPS:
            work_plans = work(size)
            buffers.append(work_plans.buffers)
            most = SHORT if name.startswith("one") else PER_MEMBER * size + SHORT
            if work_plans.whole_scans(more_than=size + SHORT) or work_plans.looked_at > most:
                faults.append(
                    f"{name}, {size} members: {work_plans.looked_at} rows, at most {most}\n{work_plans.dearest()}"
                )
        if name.startswith("one") and buffers[-1] > buffers[0] * DEEPER:
            faults.append(f"{name}: {buffers} buffers")
    assert not faults, "\n".join(faults)


def group_changes(okta: Scim) -> dict[str, Callable[[int], Plans]]:
    """Changes of a group linked to a role, beside many other groups: each a name and the work for a group of some size."""
    ids = scim_ids(okta.connection, 1, 6_000)
    PushGroup.objects.bulk_create(
        PushGroup(connection=okta.connection, display_name=f"Team {at}", name_key=f"team {at}")
        for at in range(2 * SHORT)
    )

    def group(size: int) -> str:
        PushGroup.objects.filter(name_key="editors").delete()
        resource = okta.post("/Groups", whole(0, 0)).json()
        add_members(PushGroup.objects.select_related("connection").get(scim_id=resource["id"]), 1, size)
        return f"/Groups/{resource['id']}"

    def whole(first: int, last: int) -> dict[str, Any]:
        return {"displayName": "Editors", "members": [{"value": one} for one in ids[first:last]]}

    def name_strangers(size: int) -> Plans:
        """Name ids that nobody has. Each might be the id of one of the other groups (R29)."""
        path = f"{group(1)}?excludedAttributes=members"
        strangers = {"displayName": "Editors", "members": [{"value": str(uuid4())} for _ in range(size)]}
        planned(lambda: okta.put(path, strangers))
        return planned(lambda: okta.put(path, {**strangers, "members": strangers["members"][1:]}))

    def put(first: Callable[[int], int], last: Callable[[int], int]) -> Callable[[int], Plans]:
        def work(size: int) -> Plans:
            path = f"{group(size)}?excludedAttributes=members"
            return planned(lambda: okta.put(path, whole(first(size), last(size))))

        return work

    def patch(operation: dict[str, Any]) -> Callable[[int], Plans]:
        def work(size: int) -> Plans:
            path = f"{group(size)}?excludedAttributes=members"
            return planned(lambda: okta.patch(path, operation))

        return work

    def get(size: int) -> Plans:
        path = group(size)
        return planned(lambda: okta.get(path))

    return {
        "the same list again": put(lambda size: 0, lambda size: size),
        "exchange a tenth": put(lambda size: size // 10, lambda size: size + size // 10),
        "empty": put(lambda size: 0, lambda size: 0),
        "fill": put(lambda size: 0, lambda size: size * 4 // 3),
        "read": get,
        "name strangers": name_strangers,
        "one in": patch({"op": "add", "path": "members", "value": [{"value": ids[-1]}]}),
        "one out": patch({"op": "remove", "path": f'members[value eq "{ids[7]}"]'}),
    }
