from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from core_identity.command_line import AnsweringCommand
from core_identity.models import Connection
from core_identity.selectors.connections import connection_by_slug
from core_identity.selectors.groups import (
    listed_groups,
    people_without_groups,
    unlisted_people,
    unlisted_roles_end,
    unmapped_groups,
)


class Command(AnsweringCommand):
    help = "List the groups of identity providers, and show which of them give no role."

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        listing = add("list", "list push groups with the roles that they give")
        listing.add_argument("--waiting", action="store_true", help="only those that give no role")
        unmapped = add("unmapped", "list the groups of the last sign-ins that give no role")
        for act in (listing, unmapped):
            act.add_argument("--connection", metavar="SLUG", help="only those of this connection")

    def act_list(self, *, waiting: bool, connection: str | None, json: bool, **_: Any) -> None:
        chosen = connection_by_slug(connection) if connection else None
        listed: Any = listed_groups(connection=chosen, waiting=waiting)
        groups = [
            {
                "connection": group.connection.slug,
                "push_group": group.display_name,
                "role": group.role.name if group.role else None,
                "members": group.heads,
                "not_known_yet": group.unknown,
            }
            for group in listed
        ]
        lines = [
            f"{one['connection']}  {one['push_group']}  →  {one['role'] or 'waiting'}  "
            f"({one['members']} people, {one['not_known_yet']} not known yet)"
            for one in groups
        ]
        self.answer({"groups": groups}, as_json=json, lines=lines or ["There is none."])

    def act_unmapped(self, *, connection: str | None, json: bool, **_: Any) -> None:
        chosen = [connection_by_slug(connection)] if connection else Connection.objects.all()
        connections: list[dict[str, Any]] = [
            {
                "connection": one.slug,
                "people_without_groups": people_without_groups(one),
                "people_not_listed": [
                    {
                        "user": person.user.username,
                        "since": person.groups_unlisted_since and person.groups_unlisted_since.isoformat(),
                        "roles_end": (until := unlisted_roles_end(person)) and until.isoformat(),
                    }
                    for person in unlisted_people(one)
                ],
                "groups": [
                    {
                        "name": group.name,
                        "people": group.people,
                        "first_seen": group.first_seen.isoformat(),
                        "last_seen": group.last_seen.isoformat(),
                    }
                    for group in unmapped_groups(one)
                ],
            }
            for one in chosen
            if one.takes_sso_groups
        ]
        lines = []
        for one in connections:
            lines.append(
                f"{one['connection']}: the last sign-ins of {one['people_without_groups']} people contained no groups"
            )
            lines += [
                "  {user}: groups not listed since {since}, roles from sign-ins end {roles_end}".format(**person)
                for person in one["people_not_listed"]
            ]
            lines += ["  {name}  ({people} people, last {last_seen})".format(**group) for group in one["groups"]]
        self.answer(
            {"connections": connections}, as_json=json, lines=lines or ["No connection takes roles from SSO groups."]
        )
