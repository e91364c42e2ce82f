"""Read the pushes and sign-ins that were refused lately, in all connections."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from core_identity.models import Conflict, Event, User
from core_identity.models.event import REFUSED_KINDS
from core_identity.selectors.mismatches import LATELY
from core_identity.values import Channel

BY_CHANNEL: Final = {Channel.SCIM.value: "scim.refused", Channel.SSO.value: "sso.refused"}


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """One refusal with the sentence of the answer. ``user`` or ``conflict`` names the person, if CORE knows them."""

    event: Event
    sentence: str
    user: User | None
    conflict: Conflict | None


def refused_messages(channel: str = "") -> QuerySet[Event]:
    """Return the refusals of the last days, the newest first; of one channel or both."""
    kinds = [BY_CHANNEL[channel]] if channel else REFUSED_KINDS
    return Event.objects.filter(kind__in=kinds, at__gte=timezone.now() - LATELY).order_by("-at", "-pk")


def with_people(found: Sequence[Event]) -> list[RefusedMessage]:
    """Return a page of `refused_messages` with users and conflicts. Two queries."""
    conflict_ids = {event.pk: _conflict_id(event) for event in found}
    users = User.objects.in_bulk([event.user_id for event in found if event.user_id is not None])
    conflicts = Conflict.objects.in_bulk([one for one in conflict_ids.values() if one is not None])
    return [
        RefusedMessage(
            event,
            event.reason.partition(": ")[2] or event.reason,
            users.get(event.user_id) if event.user_id is not None else None,
            conflicts.get(conflict_id) if (conflict_id := conflict_ids[event.pk]) is not None else None,
        )
        for event in found
    ]


def _conflict_id(event: Event) -> UUID | None:
    conflict = (event.changes.get("conflict") or [None, None])[1]
    return UUID(conflict) if conflict else None
