"""Ten times the people cost a sign-in the same, on tables that were never analysed: `tests/scim/test_cost_does_not_grow.py` for the other channel."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from benchmarks.seed import add_people
from core_identity.models import Connection, Identity
from core_identity.values import Person
from sso.models import SignInState, SsoSession, UsedAssertion
from tests.scim.test_cost_does_not_grow import DEEPER, FEW, MANY, SHORT
from tests.sso.conftest import Browser
from tests.support.cast import JANE, by_sso
from tests.support.plans import Plans, never_analyse, plans

JANE_BY_SSO = by_sso(JANE)


@pytest.fixture(autouse=True)
def _never_analysed(db: None) -> None:
    never_analyse()


FILL = (
    f"""
INSERT INTO {UsedAssertion._meta.db_table} (connection_id, assertion_id, until)
SELECT %(connection)s, '_used' || n, %(later)s FROM generate_series(%(first)s, %(last)s) AS n
""",  # noqa: S608 - names of our own
    f"""
INSERT INTO {SignInState._meta.db_table} (
    connection_id, request_id, browser_hash, from_elsewhere, next_path, expires_at, tester_session, name_id, name_id_format, session_index, report
)
SELECT %(connection)s, '_away' || n, '', false, '', %(later)s, '', '', '', '', '' FROM generate_series(%(first)s, %(last)s) AS n
""",  # noqa: S608
    f"""
INSERT INTO {SsoSession._meta.db_table} (connection_id, identity_id, session_key, name_id, name_id_format, session_index, until)
SELECT %(connection)s, i.id, 'key' || n, 'name' || n, '', '', %(later)s
FROM generate_series(%(first)s, %(last)s) AS n JOIN {Identity._meta.db_table} AS i ON i.external_id = 'e' || n
""",  # noqa: S608
)


@pytest.fixture
def grown(acme: Connection, browser: Browser) -> Callable[[], None]:
    """A connection with `FEW` people, and as many used messages, sign-ins on their way, and sessions. The call makes them `MANY`."""
    later = timezone.now() + timedelta(hours=1)

    def fill(first: int, last: int) -> None:
        add_people(acme, first, last)
        with database.cursor() as cursor:
            for statement in FILL:
                cursor.execute(statement, {"connection": acme.pk, "later": later, "first": first, "last": last})

    fill(1, FEW)
    return lambda: fill(FEW + 1, MANY)


def steps(browser: Browser, person: Person) -> dict[str, Plans]:
    """Sign somebody in; return the plans of each step."""
    plans_by_step: dict[str, Plans] = {}

    def planned(name: str, work: Callable[[], Any]) -> Any:
        with plans() as plans_by_step[name]:
            answer = work()
        assert answer.status_code < 400, (name, answer.content)
        return answer

    message = browser.idp.response(browser.claims(person))
    planned("login", lambda: browser.http.get("/sso/acme/login"))
    arrived = planned("acs", lambda: browser.post(message))
    planned("finish", lambda: browser.http.get(arrived["Location"]))
    planned("me", browser.me)
    browser.http.cookies.clear()
    return plans_by_step


def test_a_sign_in_costs_the_same_with_ten_times_the_people(browser: Browser, grown: Callable[[], None]) -> None:
    def both(number: int) -> dict[str, Plans]:
        name = f"new.comer{number}@acme.test"
        newcomer = replace(JANE_BY_SSO, uid=f"new{number}", email=name, name_id=name)
        known = replace(JANE_BY_SSO, uid=f"u{number}", email=f"p{number}@acme.test", name_id=f"p{number}@acme.test")
        steps(browser, known)  # the first one learns the NameID
        return {
            f"{step} of {who}": step_plans
            for who, person in (("a newcomer", newcomer), ("somebody known", known))
            for step, step_plans in steps(browser, person).items()
        }

    few = both(7)
    grown()
    many = both(8)
    faults = [
        f"{name}: {few[name].buffers} buffers became {step_plans.buffers}, {few[name].looked_at} rows {step_plans.looked_at}\n{step_plans.dearest()}"
        for name, step_plans in many.items()
        if step_plans.whole_scans(more_than=SHORT)
        or step_plans.buffers > few[name].buffers * DEEPER
        or step_plans.looked_at > few[name].looked_at + SHORT
    ]
    assert not faults, "\n".join(faults)
