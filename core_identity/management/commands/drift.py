from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from core_identity.brand import BRAND
from core_identity.command_line import AnsweringCommand, changing
from core_identity.models import User
from core_identity.selectors.connections import connection_by_slug
from core_identity.selectors.drift import FIELDS, drift_in, drifting
from core_identity.selectors.users import find_user
from core_identity.services.drift import accept_drift


class Command(AnsweringCommand):
    help = f"List differences between identity providers and {BRAND}, or accept the IdP's values."

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        listing = add("list", "list the differences")
        listing.add_argument("--connection", metavar="SLUG", help="of one connection")
        listing.add_argument("--field", choices=FIELDS, help="in one field")
        accepting = changing(add("accept", "copy values of the identity provider to a user"))
        accepting.add_argument("key", metavar="KEY", help="UID, userName, username, email or id")
        accepting.add_argument("--connection", metavar="SLUG", required=True)
        accepting.add_argument(
            "--field", dest="fields", choices=FIELDS, action="append", required=True, help="may be repeated"
        )

    def act_list(self, *, connection: str | None, field: str | None, json: bool, **_: Any) -> None:
        found = drifting(field)
        if connection:
            found = found.filter(connection=connection_by_slug(connection))
        differences = []
        lines = []
        for identity in found:
            user = identity.user
            for one in drift_in(identity):
                if field in {None, one.field}:
                    whose = {"user": _user_document(user), "connection": one.connection}
                    differences.append(
                        {**whose, "field": one.field, "idp_value": one.idp_value, "core_value": one.core_value}
                    )
                    lines.append(
                        f"{user}  {one.field}: {one.connection} sends {one.idp_value!r}, {BRAND} has {one.core_value!r}"
                    )
        self.answer({"drift": differences}, as_json=json, lines=lines or ["There is no drift."])

    def act_accept(self, *, key: str, connection: str, fields: list[str], reason: str, json: bool, **_: Any) -> None:
        where = connection_by_slug(connection)
        user = find_user(key, connection=where)
        changes = accept_drift(
            actor=self.actor,
            user_id=user.pk,
            identity_id=user.identities.get(connection=where).pk,
            fields=fields,
            reason=reason,
        )
        user.refresh_from_db()
        document = {
            "user": _user_document(user),
            "connection": connection,
            "accepted": {field: list(change) for field, change in changes.items()},
        }
        lines = [f"{field}: {before!r} → {after!r}" for field, (before, after) in changes.items()]
        self.answer(document, as_json=json, lines=lines)


def _user_document(user: User) -> dict[str, str]:
    return {"id": str(user.pk), "username": user.username}
