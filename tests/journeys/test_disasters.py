"""A worker is killed, the database is cut off: what was answered with success stands, nothing is half written, and it goes on by itself."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import httpx
import psycopg
import pytest

from core_identity.values import Person
from devtools.checkout import this_checkout
from devtools.postgres.cluster import Cluster
from devtools.postgres.lease import use
from devtools.postgres.places import throwaway_cluster
from tests.journeys.conftest import Customer, named, new_customer
from tests.support.saml import TestIdp
from tests.support.service import Service, running_service

# The keeper of the cluster outlives whoever sent it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
PUSHES = 60
PUSHERS = 6

WHOLE = """
SELECT count(*), count(DISTINCT person.id), count(uid.id), count(made.id), count(created.id)
FROM core_identity_identity identity
LEFT JOIN core_identity_user person ON person.id = identity.user_id
LEFT JOIN core_identity_identityuid uid ON uid.identity_id = identity.id AND uid.current
LEFT JOIN core_identity_event made ON made.kind = 'identity.created' AND made.subject_id = identity.id
LEFT JOIN core_identity_event created ON created.kind = 'user.created' AND created.subject_id = person.id
"""
"""Identities with all that is written with them: five times the same number."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL that may be cut off, and that keeps what it has committed, as one in production does."""
    cluster = replace(throwaway_cluster(this_checkout()), durable=True)
    with use(cluster, ["core"]):
        yield cluster
    shutil.rmtree(cluster.home)


@pytest.fixture(scope="module")
def service(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("service"), server=cluster.url("core")) as running:
        yield running


def people_of(customer: Customer) -> list[Person]:
    return [
        replace(named(f"{customer.slug}-{number}"), given_name="Jane", family_name=f"Doe {number}")
        for number in range(PUSHES)
    ]


def push_through(customer: Customer, disaster: Callable[[], None]) -> list[int | None]:
    """Push many from several threads with a disaster in the middle; return for each the status of the answer, None for no answer."""
    okta, people = customer.okta(), people_of(customer)
    middle = Event()

    def push(number: int) -> int | None:
        if number == PUSHES // 3:
            middle.set()
        try:
            answer = okta.create(people[number])
        except httpx.TransportError:
            return None
        assert answer.headers["content-type"].startswith("application/scim+json"), answer.text
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["status"] == "503"
        return answer.status_code

    def strike() -> None:
        middle.wait(30)
        disaster()

    with ThreadPoolExecutor(PUSHERS + 1) as pool:
        striking = pool.submit(strike)
        answers = list(pool.map(push, range(PUSHES)))
        striking.result()
    return answers


def wait_until_healthy(service: Service) -> None:
    http, deadline = service.http(), time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if http.get("/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail("The service does not come back by itself.")


def assert_nothing_is_lost_or_half(customer: Customer, answers: list[int | None]) -> None:
    okta, people = customer.okta(), people_of(customer)
    for person, answer in zip(people, answers, strict=True):
        if answer == 201:
            assert okta.lookup(str(person.user_name)), "answered with success, and lost"
    with psycopg.connect(customer.service.environment["DATABASE_URL"]) as connection:
        row = connection.execute(WHOLE).fetchone()
        orphans = connection.execute(
            "SELECT count(*) FROM core_identity_user WHERE customer_id IS NOT NULL"
            " AND id NOT IN (SELECT user_id FROM core_identity_identity)"
        ).fetchone()
    assert row is not None
    assert (len(set(row)), orphans) == (1, (0,)), "all that belongs to a push is there, or nothing of it"
    for person in people:
        okta.push(person)  # as Okta does after a failure: look up, then create or change
    assert okta.http.get("/Users", params={"count": 1}).json()["totalResults"] == PUSHES
    assert customer.sign_in(people[0]).status_code == 200


def workers_of(service: Service) -> list[int]:
    ps = shutil.which("ps")
    assert ps
    told = subprocess.run([ps, "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = (line.split() for line in told.splitlines())
    return [int(pid) for pid, parent in pairs if int(parent) == service.process]


def test_a_killed_worker_loses_nothing_that_was_answered(service: Service, idp: TestIdp) -> None:
    customer = new_customer(service, idp)
    before = workers_of(service)
    answers = push_through(customer, lambda: os.kill(before[0], signal.SIGKILL))
    assert {201, 503, None} >= set(answers), "503: the others of this customer were slow, which is asked again"
    wait_until_healthy(service)
    assert_nothing_is_lost_or_half(customer, answers)
    assert before[0] not in workers_of(service)
    assert len(workers_of(service)) == len(before)


def test_a_database_that_is_cut_off_and_comes_back_loses_nothing_that_was_answered(
    service: Service, cluster: Cluster, idp: TestIdp
) -> None:
    customer = new_customer(service, idp)

    def cut_off() -> None:
        os.kill(int(cluster.process.file.read_text().split()[0]), signal.SIGQUIT)  # PostgreSQL's immediate shutdown
        while cluster.process.runs():
            time.sleep(0.01)
        cluster.start(["core"])

    answers = push_through(customer, cut_off)
    assert {201, 503} >= set(answers), "those in between are told to try again"
    assert 503 in answers
    wait_until_healthy(service)
    assert_nothing_is_lost_or_half(customer, answers)
