from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from core_identity.config.answers import AnsweringCommand
from core_identity.models import Connection
from core_identity.selectors import connection_by_slug
from core_identity.selectors_groups import waiting_groups
from core_identity.services.groups import link_waiting
from core_identity.services.roles import create_role


class Command(AnsweringCommand):
    help = "Make a role."

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        creating = add("create", "make a role; push groups of this name that wait for it take effect (R29)")
        creating.add_argument("name", metavar="NAME")
        creating.add_argument(
            "--grantable-by",
            metavar="SLUG",
            action="append",
            help="a connection whose groups may give it; may be repeated",
        )
        creating.add_argument("--leave-waiting", action="store_true", help="let waiting push groups wait on")

    def act_create(
        self, *, name: str, grantable_by: list[str] | None, leave_waiting: bool, json: bool, **_: Any
    ) -> None:
        opened: list[Connection] | None = None
        if grantable_by is not None:
            opened = [connection_by_slug(slug) for slug in grantable_by]
        role = create_role(actor=self.actor, name=name, grantable_by=opened)
        waiting = [] if leave_waiting else waiting_groups(role)
        link_waiting(actor=self.actor, role_id=role.pk, group_ids=[group.pk for group, _ in waiting])
        told = [
            {"connection": group.connection.slug, "push_group": group.display_name, "members": heads}
            for group, heads in waiting
        ]
        document = {
            "role": {
                "id": str(role.pk),
                "name": role.name,
                "grantable_by": [connection.slug for connection in role.grantable_by.all()],
            },
            "linked": told,
        }
        lines = [f"Made the role {role.name}."]
        lines += [
            f"The push group {one['push_group']} of {one['connection']} now gives it to {one['members']} people."
            for one in told
        ]
        self.answer(document, as_json=json, lines=lines)
