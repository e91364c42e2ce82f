"""The dialogue of an Okta app made in the App Integration Wizard: it never sends PATCH, always the whole resource by PUT."""

import json
from typing import Any, NoReturn

from demo.people import DemoPerson, members_of
from demo.simulate.okta_resources import deactivated_user, new_group, new_user, updated_group, updated_user
from demo.simulate.scim_client import Refused, ScimClient
from demo.simulate.transcript import Transcript


class OktaAiw:
    """Each public method is one thing that Okta does. Any of them raises `Refused` when the server says no.

    As Okta does, it remembers the server's ids of the people that it pushed.
    """

    def __init__(self, client: ScimClient, transcript: Transcript) -> None:
        self._client = client
        self._transcript = transcript
        self._ids: dict[str, str] = {}

    def test_connection(self) -> None:
        """What the button *Test API Credentials* sends: both answers must have a numeric total."""
        for path, count in (("/Users", 2), ("/Groups", 100)):
            answer = self._client.get(path, {"startIndex": 1, "count": count})
            if not isinstance(answer.get("totalResults"), int):
                self._refuse(f"{path} does not say how many there are (totalResults).")

    def push_person(self, person: DemoPerson) -> None:
        """Assigning somebody, a changed profile, and reactivating: found by userName or made, and ``active`` in any case."""
        identifier = self._find_user(person.login)
        if identifier is None:
            made = self._client.post("/Users", new_user(person), about=person.login)
            identifier = self._id_of(made)
        else:
            found = self._client.get(f"/Users/{identifier}")
            self._client.put(f"/Users/{identifier}", updated_user(found, person), about=person.login)
        self._ids[person.login] = identifier

    def deactivate(self, person: DemoPerson) -> None:
        """Unassigning somebody."""
        identifier = self._find_user(person.login)
        if identifier is None:
            self._refuse(f"Nobody has the userName {person.login}. Push the people first.")
        found = self._client.get(f"/Users/{identifier}")
        self._client.put(f"/Users/{identifier}", deactivated_user(found), about=f"{person.login}, active false")

    def push_group(self, name: str) -> None:
        """*Push now*: the group with those of its members who are known there."""
        members = [(self._ids[one.login], one.login) for one in members_of(name) if one.login in self._ids]
        found = self._find_group(name)
        if found is None:
            self._id_of(self._client.post("/Groups", new_group(name, members), about=name))
        else:
            self._client.put(f"/Groups/{self._id_of(found)}", updated_group(found, members), about=name)

    def unlink_group(self, name: str) -> None:
        """*Unlink pushed group*, with the choice to delete it in the target app."""
        found = self._find_group(name)
        if found is None:
            self._refuse(f"There is no group {name}. Push the groups first.")
        self._client.delete(f"/Groups/{self._id_of(found)}", about=name)

    def _find_user(self, login: str) -> str | None:
        found = self._find("/Users", "userName", login)
        return None if found is None else self._id_of(found)

    def _find_group(self, name: str) -> dict[str, Any] | None:
        return self._find("/Groups", "displayName", name)

    def _find(self, path: str, attribute: str, value: str) -> dict[str, Any] | None:
        # A value in a filter is a JSON string (RFC 7644 section 3.4.2.2).
        wanted = f"{attribute} eq {json.dumps(value, ensure_ascii=False)}"
        answer = self._client.get(path, {"filter": wanted, "startIndex": 1, "count": 100})
        resources = answer.get("Resources") or []
        return resources[0] if resources else None

    def _id_of(self, resource: dict[str, Any]) -> str:
        identifier = resource.get("id")
        if not isinstance(identifier, str):
            self._refuse("The answer has no id, without which Okta cannot go on.")
        return identifier

    def _refuse(self, reason: str) -> NoReturn:
        self._transcript.reason(reason)
        raise Refused
