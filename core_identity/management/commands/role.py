from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from core_identity.command_line import AnsweringCommand
from core_identity.keys import key
from core_identity.models import Connection, Role
from core_identity.selectors.connections import connection_by_slug
from core_identity.selectors.groups import role_by_name, waiting_groups
from core_identity.services.groups import link_waiting
from core_identity.services.roles import change_role, create_role


class Command(AnsweringCommand):
    help = "Create or change a role."

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        creating = add("create", "create a role; push groups that wait for its names take effect")
        changing = add("change", "change a role; push groups that wait for its names take effect")
        changing.add_argument("--rename", metavar="NEW", help="its new name; its groups stay linked")
        changing.add_argument(
            "--drop-alias",
            metavar="ALIAS",
            action="append",
            default=[],
            help="a name to remove; grants that came by it end",
        )
        for act in (creating, changing):
            act.add_argument("name", metavar="NAME")
            act.add_argument(
                "--alias",
                metavar="ALIAS",
                action="append",
                default=[],
                help="another name by which groups give it; may be repeated",
            )
            act.add_argument(
                "--grantable-by",
                metavar="SLUG",
                action="append",
                help="a connection whose groups may give it; may be repeated, and replaces the former ones",
            )
            act.add_argument("--leave-waiting", action="store_true", help="do not let waiting push groups take effect")

    def act_create(
        self,
        *,
        name: str,
        alias: list[str],
        grantable_by: list[str] | None,
        leave_waiting: bool,
        json: bool,
        **_: Any,
    ) -> None:
        role = create_role(actor=self.actor, name=name, grantable_by=_opened(grantable_by), aliases=alias)
        self._show(role, "Created", leave_waiting=leave_waiting, as_json=json)

    def act_change(
        self,
        *,
        name: str,
        rename: str | None,
        alias: list[str],
        drop_alias: list[str],
        grantable_by: list[str] | None,
        leave_waiting: bool,
        json: bool,
        **_: Any,
    ) -> None:
        role = role_by_name(name)
        dropped = {key(one) for one in drop_alias}
        kept = [one.name for one in role.aliases.all() if one.name_key not in dropped]
        role = change_role(
            actor=self.actor,
            role_id=role.pk,
            name=rename,
            grantable_by=_opened(grantable_by),
            aliases=[*kept, *alias],
        )
        self._show(role, "Changed", leave_waiting=leave_waiting, as_json=json)

    def _show(self, role: Role, done: str, *, leave_waiting: bool, as_json: bool) -> None:
        waiting = [] if leave_waiting else waiting_groups(role)
        link_waiting(actor=self.actor, role_id=role.pk, group_ids=[group.pk for group, _ in waiting])
        linked = [
            {"connection": group.connection.slug, "push_group": group.display_name, "members": heads}
            for group, heads in waiting
        ]
        document = {
            "role": {
                "id": str(role.pk),
                "name": role.name,
                "aliases": [alias.name for alias in role.aliases.all()],
                "grantable_by": [connection.slug for connection in role.grantable_by.all()],
            },
            "linked": linked,
        }
        lines = [f"{done} the role {role.name}."]
        lines += [
            f"The push group {one['push_group']} of {one['connection']} now gives it to {one['members']} people."
            for one in linked
        ]
        self.answer(document, as_json=as_json, lines=lines)


def _opened(slugs: list[str] | None) -> list[Connection] | None:
    return None if slugs is None else [connection_by_slug(slug) for slug in slugs]
