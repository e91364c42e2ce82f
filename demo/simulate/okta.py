"""The requests of Okta when an administrator assigns, changes or unassigns somebody, or pushes a group."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

from demo.simulate import documents
from demo.simulate.directory import Account, Directory, PushedGroup
from demo.simulate.http_json import USER_AGENT
from demo.simulate.scim_client import Refused, ScimClient

Query = Mapping[str, str | int]
NOTHING: Final[Query] = {}
FIRST_PAGE: Final[Query] = {"startIndex": 1, "count": 100}
Members = Sequence[tuple[str, str]]
Resource = dict[str, Any]


class OktaAiw:
    """An app made in the App Integration Wizard: it never sends PATCH, always the whole resource by PUT.

    Each public method is one act of an administrator. Any of them raises `Refused` if the server refuses, and notes the reason as trouble.
    """

    name = "Okta"
    user_agent = USER_AGENT
    calls_viewers = "Reviewers"
    """The name that the group Viewers gets in the story. It differs for each IdP, because both may push their story to one connection."""

    def __init__(self, client: ScimClient, directory: Directory) -> None:
        self.client = client
        self.directory = directory

    def test_connection(self) -> None:
        """The requests of the button *Test API Credentials*: both answers must have a numeric total."""
        for path, count in (("/Users", 2), ("/Groups", 100)):
            answer = self.client.get(path, {"startIndex": 1, "count": count})
            if not isinstance(answer.get("totalResults"), int):
                raise self.client.refuse(f"{path} has no number of results (totalResults).")

    def push_person(self, account: Account) -> None:
        """Assign somebody, push a changed profile, or assign again: a person without a link is looked up by userName, or else created."""
        account.assigned = True
        with noting(account):
            found = self._linked("/Users", account.link) or self._found_by_name(account.person.login)
            if found is None:
                found = self.client.post("/Users", documents.new_user(account.person), about=account.person.login)
            else:
                self.update_user(found, account)
            account.link = self._id_of(found)

    def deactivate(self, account: Account) -> None:
        """Unassign somebody. Okta lets go of the link: an assignment later begins with a lookup."""
        login = account.person.login
        with noting(account):
            found = self._linked("/Users", account.link) or self._found_by_name(login)
            if found is None:
                raise self.client.refuse(f"Nobody has the userName {login}. Push the people first.")
            self.end_user(found, login)
            account.assigned, account.link = False, None

    def push_group(self, group: PushedGroup) -> None:
        """*Push now*, and every later change: the group with those of its members who are known there."""
        members = [(str(one.link), one.person.login) for one in self.directory.members_of(group)]
        with noting(group):
            found = self._linked("/Groups", group.link) or self._look_up("/Groups", "displayName", group.name)
            if found is None:
                found = self.client.post("/Groups", documents.new_group(group.name, members), about=group.name)
            else:
                self.update_group(found, group.name, members)
            group.link, group.pushed = self._id_of(found), True

    def unlink_group(self, group: PushedGroup) -> None:
        """*Unlink pushed group*, with the choice to delete it in the target app."""
        with noting(group):
            found = self._linked("/Groups", group.link) or self._look_up("/Groups", "displayName", group.name)
            if found is None:
                raise self.client.refuse(f"There is no group {group.name}. Push the groups first.")
            self.client.delete(f"/Groups/{self._id_of(found)}", about=group.name)
            group.link, group.pushed = None, False

    def update_user(self, found: Resource, account: Account) -> None:
        self._put("/Users", found, documents.updated_user(found, account.person), account.person.login)

    def end_user(self, found: Resource, login: str) -> None:
        self._put("/Users", found, documents.deactivated_user(found), f"{login}, active false")

    def update_group(self, found: Resource, name: str, members: Members) -> None:
        self._put("/Groups", found, documents.updated_group(found, name, members), name)

    def _put(self, path: str, found: Resource, document: Resource, about: str) -> None:
        self.client.put(f"{path}/{self._id_of(found)}", document, about=about)

    def _linked(self, path: str, link: str | None, query: Query = NOTHING) -> Resource | None:
        """Return what the link leads to; None where there is none, or where it is gone."""
        try:
            return None if link is None else self.client.get(f"{path}/{link}", query)
        except Refused as refusal:
            if refusal.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    def _found_by_name(self, login: str) -> Resource | None:
        found = self._look_up("/Users", "userName", login)
        return None if found is None else self.client.get(f"/Users/{self._id_of(found)}")

    def _look_up(self, path: str, attribute: str, value: str, query: Query = FIRST_PAGE) -> Resource | None:
        # A value in a filter is a JSON string (RFC 7644 section 3.4.2.2).
        condition = f"{attribute} eq {json.dumps(value, ensure_ascii=False)}"
        answer = self.client.get(path, {"filter": condition, **query})
        resources = answer.get("Resources") or []
        return resources[0] if resources else None

    def _id_of(self, resource: Resource) -> str:
        identifier = resource.get("id")
        if not isinstance(identifier, str):
            raise self.client.refuse("The answer has no id, so Okta cannot continue.")
        return identifier


class OktaOin(OktaAiw):
    """An app of Okta's catalogue with PATCH ticked: changes travel as PATCH, and only what is new as a whole."""

    def update_user(self, found: Resource, account: Account) -> None:
        self._patch("/Users", found, documents.user_patch(account.person), account.person.login)

    def end_user(self, found: Resource, login: str) -> None:
        self._patch("/Users", found, documents.active_patch(active=False), f"{login}, active false")

    def update_group(self, found: Resource, name: str, members: Members) -> None:
        self._patch("/Groups", found, documents.group_patch(self._id_of(found), name, members), name)

    def _patch(self, path: str, found: Resource, document: Resource, about: str) -> None:
        self.client.patch(f"{path}/{self._id_of(found)}", document, about=about)


@contextmanager
def noting(record: Account | PushedGroup) -> Iterator[None]:
    record.trouble = ""
    try:
        yield
    except Refused as refusal:
        record.trouble = str(refusal)
        raise
