"""Texts of many combining marks: to compare them by Unicode's rules takes a time that grows with the square of their length.

Python holds its lock meanwhile, so one such message would stop all requests of a worker, for minutes with the longest body.
"""

import json
from typing import Any

import pytest

from core_identity.keys import key
from scim.wire.urns import BULK_REQUEST
from tests.scim.conftest import Scim, person
from tests.support.cpu import seconds_of

MARKS = "a" + "\u0301\u0323" * 30_000
"""This takes about two seconds each time, if it is compared as a whole."""

LONGEST = 1.0
"""Seconds of CPU that a request may take."""

PLACES: dict[str, Any] = {
    "userName": {**person(), "userName": MARKS},
    "externalId": {**person(), "externalId": MARKS},
    "email": {**person(), "emails": [{"value": MARKS, "primary": True}]},
    "emails": {**person(), "emails": [{"value": MARKS[:1000] + str(one)} for one in range(60)]},
    "title": {**person(), "title": MARKS},
    "another attribute": {**person(), "nickName": MARKS},
    "an unknown attribute": {**person(), "cost": MARKS},
    "a name": {**person(), MARKS: "x"},
    "a deep name": {**person(), "name": {MARKS: {MARKS: MARKS}}},
    "a schema": {**person(), "schemas": [MARKS]},
    "JSON in a text": {**person(), "title": json.dumps({MARKS: MARKS}, ensure_ascii=False)},
    "a PATCH path": {"Operations": [{"op": "replace", "path": MARKS, "value": "x"}]},
    "a PATCH path with a selector": {"Operations": [{"op": "replace", "path": f'emails[type eq "{MARKS}"].value', "value": "x"}]},
    "a PATCH value": {"Operations": [{"op": "replace", "path": "title", "value": MARKS}]},
    "a PATCH operation": {"Operations": [{"op": MARKS, "path": "title", "value": "x"}]},
    "a filter": {"filter": f'userName eq "{MARKS}"'},
    "a filter of another attribute": {"filter": f'nickName co "{MARKS}" or {MARKS} pr'},
    "a group": {"displayName": MARKS},
    "members": {"displayName": "x", "members": [{"value": MARKS, "display": MARKS, "type": MARKS}]},
    "bulk": {"schemas": [BULK_REQUEST], "Operations": [
        {"method": MARKS, "path": "/Users", "bulkId": "method", "data": person()},
        {"method": "POST", "path": f"/{MARKS}", "bulkId": "endpoint", "data": person()},
        {"method": "PUT", "path": f"/Users/{MARKS}", "bulkId": "id", "data": person()},
        {"method": "PUT", "path": f"/Users/bulkId:{MARKS}", "bulkId": "reference", "data": person()},
        {"method": "POST", "path": "/Users", "bulkId": MARKS, "data": person()},
        {"method": "POST", "path": "/Users", "bulkId": MARKS, "data": person()},
        {"method": "POST", "path": "/Users", "bulkId": "name", "data": {**person(), "userName": MARKS}},
        {"method": "POST", "path": "/Users", "bulkId": "key", "data": {**person(), MARKS: "x"}},
        {"method": "PATCH", "path": f"/Users/{MARKS}", "version": MARKS, "data": {}},
        {"method": "PATCH", "path": f"/Users/bulkId:{MARKS}", "data": {"Operations": [{"op": "replace", "path": MARKS, "value": MARKS}]}},
        {MARKS: MARKS, "method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "x", "members": [{"value": f"bulkId:{MARKS}x"}]}},
    ]},
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("place", PLACES)
def test_a_body_of_combining_marks_costs_no_more_than_another_one(okta: Scim, place: str) -> None:
    body = PLACES[place]
    text = json.dumps(body, ensure_ascii=False).encode()
    address = f"/Users/{okta.make()['id']}" if "PATCH" in place else "/Groups" if "displayName" in body else "/Users"
    if place == "bulk":
        address = "/Bulk"
    if "filter" in body:
        address = "/Users/.search"
    method = "PATCH" if "PATCH" in place else "POST"
    answers: list[Any] = []
    assert seconds_of(lambda: answers.append(okta.send(method, address, text))) < LONGEST
    if place == "bulk":
        read = [operation["status"] for operation in answers[0].json()["Operations"]]
        assert read == ["400", "400", "404", "200", "201", "400", "400", "409", "404", "400", "400"], (
            "each operation is read"
        )


def test_a_long_name_has_a_key_that_no_stored_name_can_have() -> None:
    assert seconds_of(lambda: key(MARKS)) < LONGEST
    assert len(key(MARKS)) > 255
    assert key(MARKS) != key(MARKS + "b")
    assert key("A" * 5000) != key("B" * 5000)
