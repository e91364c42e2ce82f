"""A worker is killed, the database is cut off: every change that was confirmed is stored and whole, and the service continues by itself."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import psycopg
import pytest

from core_identity.values import Person
from devtools.checkout import this_checkout
from devtools.postgres.cluster import ROLE, Cluster
from devtools.postgres.lease import use
from devtools.postgres.places import throwaway_cluster
from tests.journeys.conftest import Customer, named, new_customer
from tests.support.cut_line import Cut, Line, line_to
from tests.support.saml import TestIdp
from tests.support.service import Service, running_service

# The keeper of the cluster outlives the process that started it, on purpose.
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
    """A PostgreSQL that may be cut off, and that keeps each committed transaction, as one in production does."""
    cluster = replace(throwaway_cluster(this_checkout()), durable=True)
    with use(cluster, ["core"]):
        yield cluster
    shutil.rmtree(cluster.home)


@pytest.fixture(scope="module")
def line(cluster: Cluster) -> Iterator[Line]:
    with line_to(cluster.sockets / ".s.PGSQL.5432") as line:
        yield line


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "service.log"


@pytest.fixture(scope="module")
def service(line: Line, log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("service"), server=line.url(ROLE, "core"), log=log) as running:
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
            if http.get("/readyz").status_code == 200:
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
    processes = subprocess.run([ps, "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = (line.split() for line in processes.splitlines())
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
    assert {201, 503} >= set(answers), "those in between must try again"
    assert 503 in answers
    wait_until_healthy(service)
    assert_nothing_is_lost_or_half(customer, answers)


def reference_on(answer: httpx.Response) -> str:
    """Return the reference that a person or an IdP's administrator reads in a failed answer."""
    kind = answer.headers["content-type"].partition(";")[0]
    if kind == "text/html":
        return str(re.findall('class="reference">([0-9A-Z]{10})<', answer.text)[0])
    document = answer.json()
    if kind == "application/scim+json":
        assert document["status"] == str(answer.status_code)
        return str(re.findall(r"Reference: ([0-9A-Z]{10})\)", document["detail"])[0])
    assert document["error"] == "temporarily_unavailable"
    return str(document.get("reference")) if "reference" in document else document["error_description"][-11:-1]


def test_while_the_database_is_away_every_channel_says_503_in_its_form(
    service: Service, line: Line, log: Path, idp: TestIdp
) -> None:
    customer = new_customer(service, idp)
    okta, http, jane = customer.okta(), service.http(), named(customer.slug)
    okta.push(jane)
    assert customer.sign_in(jane, http).status_code == 200
    token = {"Authorization": okta.http.headers["authorization"]}
    scim, form, client = f"/scim/{customer.slug}/v2", {"grant_type": "client_credentials"}, customer.setup["client_id"]
    page, json_, scim_json = "text/html", "application/json", "application/scim+json"
    requests: list[tuple[str, str, str, dict[str, Any]]] = [
        ("GET", "/", page, {}),
        ("GET", "/sign-in", page, {}),
        ("POST", "/sign-in", page, {"data": {"connection": "acme"}}),
        ("GET", "/me", page, {}),
        ("GET", "/me", json_, {"headers": {"Accept": json_}}),
        ("POST", "/sign-out", page, {}),
        ("GET", f"/sso/{customer.slug}/login", page, {}),
        ("GET", f"/sso/{customer.slug}/metadata", page, {}),
        ("POST", f"/sso/{customer.slug}/acs", page, {"data": {"SAMLResponse": "bm9uc2Vuc2U="}}),
        ("GET", f"/sso/{customer.slug}/finish?ticket=x", page, {}),
        ("GET", f"/sso/{customer.slug}/logout", page, {}),
        ("GET", "/admin/", page, {}),
        ("GET", f"/oauth/authorize/?client_id={client}&response_type=code&scope=scim", page, {}),
        ("GET", "/set-up/open/x", page, {}),
        *(
            ("POST", f"/oauth/{name}/", json_, {"data": form, "auth": (client, "x")})
            for name in ("token", "introspect")
        ),
        ("POST", "/oauth/revoke_token/", json_, {"data": {"token": "x"}, "auth": (client, "x")}),
        ("GET", f"{scim}/Users", scim_json, {"headers": token}),
        ("POST", f"{scim}/Users", scim_json, {"headers": token, "json": {"userName": "x"}}),
        ("POST", f"{scim}/Bulk", scim_json, {"headers": token, "json": {}}),
        ("GET", f"{scim}/Schemas", scim_json, {"headers": token}),
        ("GET", f"{scim}/Nothing", scim_json, {"headers": token}),
    ]
    before = len(log.read_text())
    line.cut()
    answers = [(http.request(method, path, **more), path, kind) for method, path, kind, more in requests]
    alive, late = http.get("/healthz").status_code, time.monotonic() + 10
    while (ready := http.get("/readyz").status_code) == 200 and time.monotonic() < late:
        time.sleep(0.2)  # the last result is kept for two seconds
    logged = log.read_text()[before:]
    line.restore()
    wait_until_healthy(service)
    for answer, path, kind in answers:
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (503, kind), path
        assert int(answer.headers["retry-after"]) >= 1, path
        assert reference_on(answer) == answer.headers["x-request-id"], path
        assert "not known" not in answer.text, path
    assert (alive, ready) == (200, 503)
    for answer, path, _ in answers:
        assert logged.count(answer.headers["x-request-id"]) == 1, path
    assert logged.count("The database does not answer") <= 2, "one traceback a minute in each of two processes"
    lines = [one for one in logged.splitlines() if re.match(r"\d{4}-\d\d-\d\dT", one)]
    others = [one for one in lines if " core_identity.outages " not in one and " core_identity.readiness " not in one]
    assert len(others) == len(answers), "\n".join(others)
    assert http.get("/me").status_code == 200, "the session outlives it"


def test_an_interrupted_commit_is_reported_as_unknown_and_a_retry_is_safe(
    service: Service, line: Line, idp: TestIdp
) -> None:
    customer = new_customer(service, idp)
    okta, admin, username = customer.okta(), service.http(), f"admin-{secrets.token_hex(3)}"

    def submit(path: str, **form: str) -> httpx.Response:
        admin.get(path)
        return admin.post(path, data=form | {"csrfmiddlewaretoken": admin.cookies["csrf"]})

    assert submit("/admin/login/", username=username, password=service.add_administrator(username)).status_code == 302
    cuts: tuple[Cut, ...] = ("before", "after")
    for number, cut in enumerate(cuts):
        jane = replace(named(f"{customer.slug}-{number}"), given_name="Jane", family_name="Doe")
        line.cut_commit = cut
        answer = okta.create(jane)
        assert answer.status_code == 503
        assert "It may or may not be saved. It is safe to try again." in answer.json()["detail"]
        assert line.has_cut()
        assert (okta.lookup(str(jane.user_name)) is not None) == (cut == "after")
        okta.push(jane)
        assert okta.http.get("/Users", params={"filter": f'userName eq "{jane.user_name}"'}).json()["totalResults"] == 1
        # A sign-in of somebody new
        john = named(f"{customer.slug}-sso-{number}")
        line.cut_commit, line.commits_before = cut, 1  # the first is of the way to the IdP
        page = customer.sign_in(john)
        assert (page.status_code, line.has_cut()) == (503, True)
        assert "may or may not be saved" in page.text
        assert reference_on(page) == page.headers["x-request-id"]
        assert customer.sign_in(john).status_code == 200
        # An administrator's change
        name = f"Cut {cut} it was saved"
        line.cut_commit = cut
        page = submit("/admin/core_identity/role/add/", name=name, aliases="")
        assert (page.status_code, line.has_cut()) == (503, True)
        assert "may or may not be saved" in page.text
        again = submit("/admin/core_identity/role/add/", name=name, aliases="")
        assert again.status_code == (302 if cut == "before" else 200), (
            "made once: the second says that the name is taken"
        )
