"""The act of the command `connection` about set-up links. The command itself is in `core_identity.config`."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from core_identity.command_line import AnsweringCommand
from core_identity.errors import NotFound
from core_identity.keys import key
from core_identity.models import SetupLink, User
from core_identity.portal.links import address_of, live_links, make_link, revoke_link
from core_identity.selectors.connections import connection_by_slug


class LinkActs(AnsweringCommand):
    def add_link_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        parser = add("link", "create a set-up link for the customer's administrator, list the links, or revoke them")
        parser.add_argument("action", choices=["create", "list", "revoke"])
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument(
            "--by",
            default="",
            metavar="USERNAME",
            help="create: the superuser who answers for the link, and who must keep their rights",
        )

    def act_link(self, *, action: str, slug: str, by: str, json: bool, **_: Any) -> None:
        connection = connection_by_slug(slug)
        if action == "create":
            maker = User.objects.filter(username_key=key(by), is_superuser=True).first()
            if maker is None:
                raise NotFound(
                    "There is no such superuser. Name one with --by. The link ends when this superuser loses their rights."
                )
            # Shown this once: only its hash is kept.
            address = address_of(make_link(actor=self.actor, connection=connection, created_by=maker))
            link = SetupLink.objects.select_related("connection", "created_by").get(
                connection=connection, revoked_at=None
            )
            self.answer({**_document(link, is_live=True), "link": address}, as_json=json, lines=[address])
            return
        if action == "revoke":
            for link_id in SetupLink.objects.filter(connection=connection, revoked_at=None).values_list(
                "pk", flat=True
            ):
                revoke_link(actor=self.actor, connection=connection, link_id=link_id)
        live = set(live_links().filter(connection=connection).values_list("pk", flat=True))
        links = SetupLink.objects.select_related("connection", "created_by").filter(connection=connection)
        documents = [_document(link, is_live=link.pk in live) for link in links]
        lines = [
            f"created {one['created_at']} by {one['created_by']}: {one['state']}, opened {one['openings']} times"
            for one in documents
        ]
        self.answer({"links": documents}, as_json=json, lines=lines or ["There is none."])


def _document(link: SetupLink, *, is_live: bool) -> dict[str, str | int | None]:
    times = {
        name: getattr(link, name) for name in ("created_at", "expires_at", "opened_at", "finished_at", "revoked_at")
    }
    return {
        "connection": link.connection.slug,
        "created_by": link.created_by.username,
        "state": "live" if is_live else "ended",
        "openings": link.openings,
        **{name: moment.isoformat() if moment else None for name, moment in times.items()},
    }
