"""Okta's own published test suite for SCIM 2.0 (tests/data, as Okta distributes it), played against the running service."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core_identity.values import Person
from tests.journeys.conftest import Customer
from tests.support.clients import open_client

SUITE = json.loads((Path(__file__).parent.parent / "data" / "okta-scim-20-spec-test.json").read_text(encoding="utf-8"))
STEPS = [step.get("request", step) for step in SUITE["steps"] if step["step_type"] == "request"]


def filled(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: variables[found[1]], text)


def values_at(document: Any, path: str) -> Iterator[Any]:
    """Yield what a path such as ``Resources[0].name.familyName`` finds; nothing if there is no such value."""
    for name, index in re.findall(r"(\w+)(?:\[(\d+)\])?", path):
        if not isinstance(document, dict) or name not in document:
            return
        document = document[name]
        if index:
            if int(index) >= len(document):
                return
            document = document[int(index)]
    yield document


def holds(assertion: dict[str, Any], answer: Any, variables: dict[str, str]) -> bool:
    """Judge one assertion of the suite."""
    if assertion["source"] == "response_status":
        return bool(answer.status_code == int(assertion["value"]))
    if assertion["source"] == "response_time":
        return True  # a matter of the machine; benchmarks measure it
    found = list(values_at(answer.json(), assertion["property"]))
    expected = filled(assertion["value"] or "", variables)
    if not found:
        return False
    (value,) = found
    match assertion["comparison"]:
        case "not_empty":
            return value not in (None, "", [], {})
        case "is_a_number":
            return isinstance(value, int) and not isinstance(value, bool)
        case "has_value" | "contains":
            return expected in value
        case "equal" | "equal_number":
            return (str(value).lower() if isinstance(value, bool) else str(value)) == expected
    raise AssertionError(f"an assertion that this player does not know: {assertion}")


def test_every_step_of_oktas_own_suite_holds(customer: Customer, jane: Person) -> None:
    okta = customer.okta()
    okta.push(jane)  # the suite expects that somebody is there
    variables = {
        "SCIMBaseURL": customer.setup["scim_base_url"],
        "auth": okta.http.headers["authorization"],
        "InvalidUserEmail": "nobody@acme.test",
        "UserIdThatDoesNotExist": "010101001010101011001010101011",
        "randomEmail": "random.person@acme.test",
        "randomUsername": "random.person@acme.test.suite",
        "randomUsernameCaps": "RANDOM.PERSON@ACME.TEST.SUITE",
        "randomGivenName": "Random",
        "randomFamilyName": "Person",
    }
    http = open_client()
    failed: list[str] = []
    asserted = 0
    for step in STEPS:
        answer = http.request(
            step["method"],
            filled(step["url"], variables),
            content=filled(step["body"], variables) if step.get("body") else None,
            headers={name: filled(values[0], variables) for name, values in step["headers"].items()},
        )
        for assertion in step.get("assertions") or ():
            asserted += 1
            if not holds(assertion, answer, variables):
                failed.append(f"{step['note']}: {assertion} but got {answer.status_code} {answer.text[:300]}")
        for variable in step.get("variables") or ():
            variables[variable["name"]] = str(next(values_at(answer.json(), variable["property"])))
    assert not failed, "\n".join(failed)
    assert asserted > 40


@pytest.mark.parametrize("count", ["startIndex=1&count=2", "startIndex=1&count=100"])
def test_the_connection_test_of_the_wizard_passes(customer: Customer, count: str) -> None:
    okta = customer.okta()
    for path in ("/Users", "/Groups"):
        document = okta.http.get(f"{path}?{count}").json()
        assert (document["totalResults"], document["startIndex"]) == (0, 1)
