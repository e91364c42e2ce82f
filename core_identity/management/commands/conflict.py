from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from core_identity.command_line import AnsweringCommand, changing
from core_identity.errors import NotFound
from core_identity.models import Conflict
from core_identity.models.conflict import ConflictState
from core_identity.selectors.connections import connection_by_slug
from core_identity.services.resolutions import different_people, dismiss, same_person

RESOLUTIONS = {"same-person": same_person, "different-people": different_people, "dismiss": dismiss}


class Command(AnsweringCommand):
    help = "List conflicts, or decide one."

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        listing = add("list", "list the open conflicts, newest first")
        listing.add_argument("--connection", metavar="SLUG", help="only those of this connection")
        listing.add_argument("--all", action="store_true", help="include closed ones")
        resolving = changing(add("resolve", "decide it; then repeat the same push or sign-in"))
        resolving.add_argument("conflict", metavar="ID", help="id or last reference of the conflict")
        resolving.add_argument("how", choices=RESOLUTIONS)

    def act_list(self, *, connection: str | None, all: bool, json: bool, **_: Any) -> None:  # noqa: A002 - the option
        found = Conflict.objects.select_related("connection", "other")
        if connection:
            found = found.filter(connection=connection_by_slug(connection))
        if not all:
            found = found.filter(state=ConflictState.OPEN)
        conflicts = [_document(one) for one in found]
        lines = [
            f"{one['id']}  {one['connection']}  {one['cause']}: {one['named']} against {one['other']['username']}, {one['count']}x, "
            f"{one['state']}, reference {one['reference']}"
            for one in conflicts
        ]
        self.answer({"conflicts": conflicts}, as_json=json, lines=lines or ["There is no conflict."])

    def act_resolve(self, *, conflict: str, how: str, reason: str, json: bool, **_: Any) -> None:
        found = _find(conflict)
        RESOLUTIONS[how](actor=self.actor, conflict_id=found.pk, reason=reason)
        found.refresh_from_db()
        self.answer(_document(found), as_json=json, lines=[f"{found}: {found.get_state_display()}."])


def _find(identifier: str) -> Conflict:
    try:
        found = Conflict.objects.filter(pk=UUID(identifier)).first()
    except ValueError:
        found = Conflict.objects.filter(reference=identifier.upper()).first()
    if found is None:
        raise NotFound(f"There is no conflict with the id or reference {identifier!r}.")
    return found


def _document(conflict: Conflict) -> dict[str, Any]:
    return {
        "id": str(conflict.pk),
        "connection": conflict.connection.slug,
        "cause": conflict.cause,
        "channel": conflict.channel,
        "named": conflict.named,
        "sent_values": conflict.sent_values,
        "other": {"id": str(conflict.other_id), "username": conflict.other.username},
        "state": conflict.state,
        "count": conflict.count,
        "first_at": conflict.first_at.isoformat(),
        "last_at": conflict.last_at.isoformat(),
        "reference": conflict.reference,
    }
