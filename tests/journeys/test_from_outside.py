"""What only a real server shows: how a request is cut from the wire."""

import json
from collections.abc import Iterator

import pytest

from core_identity.values import Person
from tests.journeys.conftest import Customer
from tests.support.okta import body_of


def in_pieces(body: object) -> Iterator[bytes]:
    """Return a body of unknown length: httpx sends it chunked."""
    text = json.dumps(body).encode()
    yield text[:10]
    yield text[10:]


def test_a_chunked_body_is_read_like_any_other_R23(customer: Customer, jane: Person) -> None:
    okta = customer.okta()
    made = okta.http.post("/Users", content=in_pieces(body_of(jane)))
    assert made.status_code == 201, made.text
    address = f"/Users/{made.json()['id']}"
    gone = okta.http.put(address, content=in_pieces(made.json() | {"active": False}))
    assert (gone.status_code, gone.json()["active"]) == (200, False)
    assert customer.user(str(jane.uid))["expired"]


@pytest.mark.parametrize("megabytes", [2, 20])
def test_a_chunked_body_has_the_same_limit(customer: Customer, megabytes: int) -> None:
    endless = (b" " * 1024 * 1024 for _ in range(megabytes))
    answer = customer.okta().http.post("/Users", content=endless)
    assert answer.status_code == 413
