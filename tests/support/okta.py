"""Okta's side of SCIM for journeys: one app of the App Integration Wizard (PUT dialect), over real HTTP."""

from typing import Any

import httpx

from core_identity.values import Person
from tests.support.clients import open_client

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
HEADERS = {
    "Accept": "application/scim+json",
    "Content-Type": "application/scim+json; charset=utf-8",
    "User-Agent": "Okta SCIM Client 1.0.0",
}


class Okta:
    """``setup`` is the answer of `connection apply`: addresses, client and secret."""

    def __init__(self, setup: dict[str, Any]) -> None:
        answer = httpx.post(
            setup["token_url"],
            data={"grant_type": "client_credentials", "scope": "scim"},
            auth=(setup["client_id"], setup["client_secret"]),
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        headers = HEADERS | {"Authorization": f"Bearer {answer.json()['access_token']}"}
        self.http = open_client(base_url=setup["scim_base_url"], headers=headers)

    def lookup(self, user_name: str) -> dict[str, Any] | None:
        answer = self.http.get("/Users", params={"filter": f'userName eq "{user_name}"', "startIndex": 1, "count": 100})
        assert answer.status_code == 200, answer.text
        resources = answer.json()["Resources"]
        return resources[0] if resources else None

    def create(self, person: Person) -> httpx.Response:
        return self.http.post("/Users", json=body_of(person))

    def push(self, person: Person, **changes: Any) -> dict[str, Any]:
        """Look up, then create or PUT, as Okta does; return the resource."""
        found = self.lookup(str(person.user_name))
        if found is None:
            answer = self.http.post("/Users", json=body_of(person) | changes)
            assert answer.status_code == 201, answer.text
        else:
            stored = self.http.get(f"/Users/{found['id']}").json()
            answer = self.http.put(f"/Users/{found['id']}", json=stored | body_of(person) | changes)
            assert answer.status_code == 200, answer.text
        resource = answer.json()
        assert isinstance(resource, dict)
        return resource

    def set_active(self, scim_id: str, *, active: bool) -> dict[str, Any]:
        """The deactivation PUT: an echo of our GET with another ``active``."""
        answer = self.http.put(f"/Users/{scim_id}", json=self.http.get(f"/Users/{scim_id}").json() | {"active": active})
        assert answer.status_code == 200, answer.text
        resource = answer.json()
        assert isinstance(resource, dict)
        return resource

    def push_group(self, name: str, *members: str) -> str:
        """Create a group with members (SCIM ids), or PUT it whole; return its id."""
        found = self.http.get("/Groups", params={"filter": f'displayName eq "{name}"'}).json()["Resources"]
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": member} for member in members]}
        method, path = ("PUT", f"/Groups/{found[0]['id']}") if found else ("POST", "/Groups")
        answer = self.http.request(method, path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        return str(answer.json()["id"])


def body_of(person: Person) -> dict[str, Any]:
    """Return the resource that Okta would send for a person."""
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": person.user_name,
        "externalId": person.external_id,
        "name": {"givenName": person.given_name, "familyName": person.family_name},
        "displayName": f"{person.given_name} {person.family_name}",
        "emails": [{"primary": True, "value": person.email, "type": "work"}],
        "title": person.title,
        "active": True if person.active is None else person.active,
        "password": "a9Kq2-never-used",
        "locale": "en-US",
        "groups": [],
        ENTERPRISE: {"UID": person.uid, "organization": person.organization, "department": person.department},
    }
