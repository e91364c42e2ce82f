"""One customer whose row is held for long, over a real server with threads: nobody else notices."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

import httpx

from core_identity.values import Person
from tests.journeys.conftest import Customer, named, new_customer
from tests.support.held import held_customer
from tests.support.saml import TestIdp
from tests.support.service import Service

PUSHES = 24
"""More than the service has threads."""
LATE = 2
"""Pushes that come at the end: on a slow machine the others have given up by then."""


def people_of(customer: Customer, count: int) -> list[Person]:
    return [
        replace(named(f"{customer.slug}-{number}"), given_name="Jane", family_name=f"Doe {number}")
        for number in range(count)
    ]


def test_a_locked_customer_delays_no_other_and_loses_nothing(service: Service, idp: TestIdp) -> None:
    stuck, neighbour = new_customer(service, idp), new_customer(service, idp)
    known = named(f"{stuck.slug}-known")
    assert stuck.sign_in(known).status_code == 200
    people = people_of(stuck, PUSHES)
    pushers = [stuck.okta() for _ in people]
    with ThreadPoolExecutor(PUSHES) as pool, held_customer(service.environment["DATABASE_URL"], stuck.slug) as holder:
        pushes = zip(pushers, people, strict=True)
        answers = [pool.submit(okta.create, person) for okta, person in islice(pushes, PUSHES - LATE)]
        while not any(answer.done() for answer in answers):
            time.sleep(0.01)
        for person in people_of(neighbour, 4):
            began = time.monotonic()
            assert neighbour.okta().create(person).status_code == 201
            assert service.http().get("/healthz").status_code == 200
            assert time.monotonic() - began < 5
        assert stuck.sign_in(known).status_code == 200, "a known person needs no lock of the customer"
        while sum(answer.done() for answer in answers) < PUSHES - LATE - 6:  # three wait on, in each of the two workers
            time.sleep(0.05)
        refused_page(stuck.sign_in(named(f"{stuck.slug}-new")))
        answers += [pool.submit(okta.create, person) for okta, person in pushes]
        holder.commit()
        done = [answer.result() for answer in answers]
    assert {answer.status_code for answer in done} == {201, 503}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in done if answer.status_code == 503)
    assert all(answer.json()["status"] == "503" for answer in done if answer.status_code == 503)
    okta = stuck.okta()
    for person in people:
        okta.push(person)  # as Okta does after a failure
    assert okta.http.get("/Users", params={"count": 1}).json()["totalResults"] == PUSHES


def refused_page(page: httpx.Response) -> None:
    """The page of a sign-in that needs the lock: in plain words, with a reference, and the same sign-in can be tried again."""
    assert (page.status_code, "retry-after" in page.headers) == (503, True), page.text
    assert "CORE is busy" in page.text
    assert page.headers["x-request-id"] in page.text
