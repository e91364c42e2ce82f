"""Which credential opens which door, tried over real HTTP."""

import base64
import json

import httpx

from core_identity.values import Person
from tests.journeys.conftest import Customer, new_customer


def test_an_end_user_cannot_get_a_scim_token(customer: Customer, jane: Person) -> None:
    """The hole of stock views: anybody signed in could consent, or register a client of their own."""
    http = customer.service.http()
    assert customer.sign_in(jane, http).status_code == 200
    client = customer.setup["client_id"]
    for path in (
        f"/oauth/authorize/?client_id={client}&response_type=code&scope=scim",
        "/oauth/applications/",
        "/oauth/applications/register/",
        "/oauth/authorized_tokens/",
        "/o/applications/register/",
    ):
        answer = http.get(path)
        assert answer.status_code in {302, 401, 403, 404}, path
        assert "code=" not in answer.headers.get("location", "")
    token = http.post("/oauth/token/", data={"grant_type": "client_credentials", "client_id": client, "scope": "scim"})
    assert token.status_code == 401
    assert http.get(f"/scim/{customer.slug}/v2/Users").status_code == 401, "a session opens no SCIM"


def test_a_scim_token_opens_scim_of_its_connection_and_nothing_else_R1(customer: Customer) -> None:
    okta = customer.okta()
    other = new_customer(customer.service, customer.idp)
    authorization = {"Authorization": okta.http.headers["authorization"]}
    http = customer.service.http()
    assert http.get(f"/scim/{customer.slug}/v2/Users", headers=authorization).status_code == 200
    refused = http.get(f"/scim/{other.slug}/v2/Users", headers=authorization)
    assert refused.status_code == 401
    assert refused.json()["status"] == "401"
    assert http.get("/me", headers=authorization | {"Accept": "application/json"}).status_code == 401
    assert http.get("/admin/", headers=authorization).status_code == 302


def test_a_wrong_secret_opens_nothing(customer: Customer) -> None:
    basic = base64.b64encode(f"{customer.setup['client_id']}:wrong".encode()).decode()
    answer = httpx.post(
        customer.setup["token_url"],
        data={"grant_type": "client_credentials", "scope": "scim"},
        headers={"Authorization": f"Basic {basic}"},
        trust_env=False,
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_the_service_answers_to_its_own_name_only(customer: Customer) -> None:
    http = customer.service.http()
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/sign-in", headers={"Host": "evil.test"}).status_code == 400


def test_a_switched_off_connection_shuts_both_doors_R1a(customer: Customer, jane: Person) -> None:
    okta, http = customer.okta(), customer.service.http()
    okta.push(jane)
    assert customer.sign_in(jane, http).status_code == 200
    code, out = customer.service.manage("shell", "-c", SWITCH_OFF.format(slug=customer.slug))
    assert code == 0, out
    assert http.get("/me", headers={"Accept": "application/json"}).status_code == 401
    assert okta.http.get("/Users").status_code == 401
    assert http.get(customer.setup["login_url"]).status_code == 404


SWITCH_OFF = """
from core_identity.selectors.connections import connection_by_slug
from core_identity.services.connections import switch_off
from core_identity.values import Actor, ActorKind, Channel
switch_off(
    actor=Actor(Channel.ADMIN, ActorKind.SYSTEM, "journey"), connection_id=connection_by_slug("{slug}").pk, reason="test"
)
"""


def test_pages_have_the_headers_that_restrict_a_browser(customer: Customer) -> None:
    headers = customer.service.http().get("/sign-in").headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert "no-store" in headers["cache-control"]
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in json.dumps(policy)
