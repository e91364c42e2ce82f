"""A cycle of Microsoft Entra ID's provisioning service: lookups, PATCHes in forms of its own, and deletion in two steps."""

from typing import Final
from uuid import uuid4

from demo.simulate import entra_documents as documents
from demo.simulate.directory import Account, PushedGroup
from demo.simulate.okta import NOTHING, OktaOin, Resource, noting

WITHOUT_MEMBERS: Final = {"excludedAttributes": "members"}


class Entra(OktaOin):
    """It looks people up by userName, then by externalId, never asks for members, and sends only those who came or went."""

    name = "Entra"
    user_agent = "Microsoft-Entra-Provisioning (simulated)"
    calls_viewers = "Assessors"

    def test_connection(self) -> None:
        """*Test Connection* asks for somebody whom nobody can have; the answer is an empty list, and no 404."""
        if self._look_up("/Users", "userName", str(uuid4()), NOTHING) is not None:
            raise self.client.refuse("The lookup found a user that does not exist.")

    def push_person(self, account: Account) -> None:
        account.assigned = True
        person = account.person
        with noting(account):
            found = self._known(account)
            if found is None:
                found = self.client.post("/Users", documents.new_user(person), about=person.login)
            else:
                self._patch("/Users", found, documents.user_patch(person), person.login)
            account.link = self._id_of(found)

    def deactivate(self, account: Account) -> None:
        """Unassign or delete somebody: soft at first, so the link stays."""
        with noting(account):
            self._patch("/Users", self._must_know(account), documents.active_patch(active=False), account.person.login)
            account.assigned = False

    def delete(self, account: Account) -> None:
        """The request that Entra sends thirty days after it deleted somebody."""
        with noting(account):
            found = self._must_know(account)
            self.client.delete(f"/Users/{self._id_of(found)}", about=account.person.login)
            account.assigned, account.link = False, None

    def push_group(self, group: PushedGroup) -> None:
        with noting(group):
            found = self._linked("/Groups", group.link, WITHOUT_MEMBERS)
            found = found or self._look_up("/Groups", "displayName", group.name, WITHOUT_MEMBERS)
            if found is None:
                found = self.client.post("/Groups", documents.new_group(group.was, group.name), about=group.name)
                group.members = []
            elif found.get("displayName") != group.name:
                self._patch("/Groups", found, documents.name_patch(group.name), group.name)
            group.link, group.pushed = self._id_of(found), True
            self._send_members(found, group)

    def _send_members(self, found: Resource, group: PushedGroup) -> None:
        members = [str(one.link) for one in self.directory.members_of(group)]
        joined = [one for one in members if one not in group.members]
        left = [one for one in group.members if one not in members]
        for op, changed in (("Add", joined), ("Remove", left)):
            if changed:
                self._patch(
                    "/Groups", found, documents.members_patch(op, changed), f"{op} {len(changed)} of {group.name}"
                )
        group.members = members

    def _known(self, account: Account) -> Resource | None:
        person = account.person
        return (
            self._linked("/Users", account.link)
            or self._look_up("/Users", "userName", person.login, NOTHING)
            or self._look_up("/Users", "externalId", person.okta_id, NOTHING)
        )

    def _must_know(self, account: Account) -> Resource:
        found = self._known(account)
        if found is None:
            raise self.client.refuse(f"Nobody has the userName {account.person.login}. Push the people first.")
        return found
