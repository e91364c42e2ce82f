"""The events and conflicts of a person, as a part of the timeline (R36)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from core_identity.admin_kit.changes import changes_of, reason_of
from core_identity.admin_kit.seen import seen_by
from core_identity.admin_kit.timeline import Entry, Source, Subject, newest_of_each
from core_identity.event_kinds import EventKind, meaning_of
from core_identity.models import Conflict, Event
from core_identity.models.conflict import ConflictState
from core_identity.policy.wording import CAUSES
from core_identity.values import Cause, Channel

ECHOES: Final[frozenset[str]] = frozenset({
    EventKind.USER_SIGNED_IN,
    EventKind.PASSWORD_SIGNED_IN,
    EventKind.PASSWORD_REFUSED,
    EventKind.SSO_LOGGED_OUT,
    EventKind.SCIM_REFUSED,
    EventKind.SSO_REFUSED,
})  # fmt: skip
"""Events that the logs of sign-ins and of SCIM calls contain too, with more."""
TONES: Final[Mapping[str, str]] = {
    EventKind.USER_EXPIRED: "trouble",
    EventKind.USER_SESSIONS_ENDED: "attention",
    EventKind.USER_UNEXPIRED: "fine",
    EventKind.GRANT_ADDED: "fine",
    EventKind.GRANT_REMOVED: "attention",
    EventKind.SCIM_REFUSED: "attention",
    EventKind.SSO_REFUSED: "attention",
    EventKind.PASSWORD_ALARM: "trouble",
}
CHANGES_SHOWN: Final = 3
LONGEST_VALUE: Final = 60


def sentence_of(event: Event, subject: Subject) -> str:
    """Return what happened, with the role and its source where there is one."""
    role = _value(event, "role")
    match event.kind:
        case EventKind.GRANT_ADDED if role:
            return f"{_giver(event, subject)} gave the role {role}."
        case EventKind.GRANT_REMOVED if role:
            return f"The role {role} ended. It came from {_source(event, subject)}."
        case EventKind.USER_EXPIRED:
            return f"Expired by {event.actor}."
        case EventKind.USER_UNEXPIRED:
            return f"Unexpired by {event.actor}."
        case EventKind.USER_SESSIONS_ENDED:
            return f"{event.actor} ended all sessions."
        case _:
            return meaning_of(event.kind)


def detail_of(event: Event) -> str:
    """Return the reason, or what changed from what to what."""
    if event.reason:
        return f"Reason: {reason_of(event)}"
    if event.kind in {EventKind.GRANT_ADDED, EventKind.GRANT_REMOVED}:
        return ""
    changes = changes_of(event)
    shown = [
        f"{field}: {_short(before)} → {_short(after)}" if before != after else f"{field}: {_short(after)}"
        for field, before, after in changes[:CHANGES_SHOWN]
    ]
    more = len(changes) - CHANGES_SHOWN
    return "; ".join([*shown, *([f"{more} more"] if more > 0 else [])])


def _giver(event: Event, subject: Subject) -> str:
    return event.actor if event.channel == Channel.ADMIN.value else f"The {_source(event, subject)}"


def _source(event: Event, subject: Subject) -> str:
    name = _value(event, "source")
    if name == Channel.ADMIN.value or not event.connection_slug:
        return "an administrator"
    kind = "push group" if event.channel == Channel.SCIM.value else "group"
    return f"{kind} {name} of {subject.connection_called(event.connection_slug)}"


def _value(event: Event, field: str) -> str:
    """Return the value after a change; before it, if nothing is left."""
    before, after = event.changes.get(field) or (None, None)
    return str(after or before or "")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _events(subject: Subject, position: str, limit: int) -> list[Entry]:
    return [
        Entry(
            at=event.at,
            sentence=sentence_of(event, subject),
            url=reverse("admin:core_identity_event_change", args=[event.pk]),
            tone=TONES.get(event.kind, "plain"),
            position=str(event.pk),
            detail=detail_of(event),
            reference=event.request_id,
            echoes=event.kind in ECHOES,
        )
        for event in newest_of_each([Event.objects.filter(user_id=user) for user in subject.users], position, limit)
    ]


def _conflicts(subject: Subject, position: str, limit: int) -> list[Entry]:
    theirs = Q(other__in=subject.users) | Q(subject__in=[one.pk for one in subject.identities])
    found = Conflict.objects.filter(theirs).select_related("connection", "other")
    last = _last_conflict(position)
    if last is not None:
        found = found.filter(Q(last_at__lt=last[0]) | Q(last_at=last[0], pk__gt=last[1]))
    return [
        Entry(
            at=one.last_at,
            sentence=f"Conflict: {CAUSES[Cause(one.cause)]}. {one.named} and {one.other}.",
            url=reverse("admin:core_identity_conflict_change", args=[one.pk]),
            tone="trouble" if one.state == ConflictState.OPEN else "plain",
            position=f"{one.last_at.isoformat()} {one.pk}",
            detail=f"{one.connection.name}, {one.count} time{'' if one.count == 1 else 's'}, {one.get_state_display()}",
            reference=one.reference,
        )
        for one in found.order_by("-last_at", "id")[:limit]
    ]


def _last_conflict(position: str) -> tuple[datetime, UUID] | None:
    """Return the time and the id of the conflict at a position, or None if it is not one that we gave."""
    last_at, _, pk = position.partition(" ")
    try:
        moment, last = datetime.fromisoformat(last_at), UUID(pk)
    except ValueError:
        return None
    return (moment, last) if moment.tzinfo else None


def _everybody(request: HttpRequest) -> bool:
    """Everybody who may see the user may read their story. Links need more."""
    return True


EVENTS: Final = Source("changes", "Changes", _events, _everybody, lambda request: seen_by(request)["event"])
CONFLICTS: Final = Source(
    "conflicts", "Conflicts", _conflicts, _everybody, lambda request: seen_by(request)["conflict"]
)
