"""Ask before a form ends grants or gives trust: the first submit changes nothing and shows the effects (R32)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core_identity.admin_kit.forms import WrittenByService
from core_identity.event_kinds import EventKind
from core_identity.models import Event, Grant
from core_identity.services.transactions import in_one_transaction

CONFIRMED: Final = "confirm_ended"


@dataclass(frozen=True, slots=True)
class EndedRole:
    """The people whose grants of a role end. Those in ``keep`` still have the role from another source."""

    name: str
    people: frozenset[UUID]
    keep: frozenset[UUID]

    def __str__(self) -> str:
        lose = len(self.people - self.keep)
        sentence = f"{self.name}: {lose} {'person loses' if lose == 1 else 'people lose'} it"
        return f"{sentence}, {len(self.keep)} keep it from another source" if self.keep else sentence


class _NotConfirmedError(Exception):
    """Roll the change back, because nobody confirmed that it ends roles."""


class ConfirmsEndedGrants(WrittenByService):
    """A form whose service can end grants. It writes only if the administrator ticked exactly the effects that the page showed.

    The service itself runs, so the preview cannot differ from the act. Its transaction is rolled back without the tick.
    """

    def effects(self) -> Sequence[str]:
        """Return sentences about further effects that need a confirmation. It only reads."""
        return ()

    def try_to_write(self) -> Any:
        ended: list[EndedRole] = []
        effects = self.effects()

        @in_one_transaction
        def attempt() -> Any:
            written = self.write()
            ended[:] = _ended_by(self.actor.request_id)
            if (ended or effects) and self.data.get(CONFIRMED) != _digest(ended, effects):
                raise _NotConfirmedError
            return written

        try:
            return attempt()
        except _NotConfirmedError:
            self.add_error(None, forms.ValidationError(_question(ended, effects, again=CONFIRMED in self.data)))
            return None


def _ended_by(request_id: str) -> list[EndedRole]:
    """Return the roles whose grants this request ended, read in its transaction. Each request has a reference of its own."""
    people: dict[tuple[UUID, str], set[UUID]] = {}
    events = Event.objects.filter(kind=EventKind.GRANT_REMOVED, request_id=request_id).order_by("subject", "subject_id")
    for role_id, name, user_id in events.values_list("subject_id", "subject", "user_id"):
        if role_id is not None and user_id is not None:
            people.setdefault((role_id, name), set()).add(user_id)
    return [
        EndedRole(
            name,
            frozenset(users),
            frozenset(Grant.objects.filter(role_id=role_id, user_id__in=users).values_list("user_id", flat=True)),
        )
        for (role_id, name), users in people.items()
    ]


def _question(ended: list[EndedRole], effects: Sequence[str], *, again: bool) -> SafeString:
    return format_html(
        'Nothing is saved yet.{}{}{}{}<br><label><input type="checkbox" name="{}" value="{}"> Yes, {}</label>',
        " The effects changed while you were looking." if again else "",
        format_html_join("", "<br>{}", ((effect,) for effect in effects)),
        " This change ends roles." if ended else "",
        format_html_join("", "<br>{}.", ((str(role),) for role in ended)),
        CONFIRMED,
        _digest(ended, effects),
        "save this" if effects else "end these roles",
    )


def _digest(ended: list[EndedRole], effects: Sequence[str]) -> str:
    roles = [f"{role.name} {sorted(map(str, role.people))} {sorted(map(str, role.keep))}" for role in ended]
    return hashlib.sha256("\n".join((*effects, *roles)).encode()).hexdigest()
