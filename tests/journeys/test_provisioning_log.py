"""An Okta administrator reads a reference out, and an administrator of CORE finds what became of the request (R35)."""

import time
from typing import Any

from tests.journeys.conftest import Customer
from tests.support.clients import open_client

WAITED = 10
"""Seconds: the row is written once the client has its answer."""


def found(customer: Customer, reference: str) -> dict[str, Any]:
    until = time.monotonic() + WAITED
    while time.monotonic() < until:
        code, _ = customer.service.manage("provisioning", "show", reference)
        if code == 0:
            record: dict[str, Any] = customer.service.ask("provisioning", "show", reference)
            return record
    raise AssertionError(f"{reference} is not in the log")


def test_a_reference_finds_a_refused_push_made_with_a_long_lived_token_R35(customer: Customer) -> None:
    token = customer.service.ask("connection", "token", "create", customer.slug, "--name", "Entra")
    http = open_client(
        base_url=customer.setup["scim_base_url"],
        headers={"Authorization": f"Bearer {token['token']}", "Content-Type": "application/scim+json"},
    )
    refused = http.post("/Users", json={"userName": ""})
    assert refused.status_code == 400
    reference = refused.headers["x-request-id"]
    assert f"(Reference: {reference})" in refused.json()["detail"]
    row = found(customer, reference)
    assert (row["connection"], row["method"], row["resource_type"], row["status"], row["scim_type"]) == (
        customer.slug, "POST", "Users", 400, "invalidValue",
    )  # fmt: skip
    assert row["decision"] == "invalid_value"
