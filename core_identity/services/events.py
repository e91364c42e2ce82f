"""Appending to the story (R34)."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone

from core_identity.models import Connection, Event, Grant, Identity, PushGroup, User
from core_identity.values import Actor

Changes = Mapping[str, tuple[object, object]]
"""``{field: (before, after)}``; never a secret."""


def _event(
    *,
    actor: Actor,
    kind: str,
    subject: models.Model | None,
    connection: Connection | None = None,
    user_id: UUID | None = None,
    changes: Changes | None = None,
    reason: str = "",
) -> Event:
    if user_id is None and isinstance(subject, User):
        user_id = subject.pk
    if user_id is None and isinstance(subject, Identity | Grant):
        user_id = subject.user_id
    if connection is None and isinstance(subject, Identity | PushGroup):
        connection = subject.connection
    if connection is None and isinstance(subject, Connection):
        connection = subject
    return Event(
        at=timezone.now(),
        kind=kind,
        channel=actor.channel.value,
        actor_kind=actor.kind.value,
        actor_id=actor.id[:100],
        actor=actor.label[:300],
        connection_id=connection.pk if connection else None,
        connection_slug=connection.slug if connection else "",
        subject_type=subject._meta.model_name or "" if subject is not None else "",
        subject_id=subject.pk if subject is not None else None,
        subject=str(subject)[:300] if subject is not None else "",
        user_id=user_id,
        changes={field: [_plain(before), _plain(after)] for field, (before, after) in (changes or {}).items()},
        reason=reason[:1024],
        request_id=actor.request_id,
    )


def record(**event: Any) -> None:
    """Append one event. Takes what `_event` takes; must run inside the transaction of the change that it tells of."""
    _event(**event).save(force_insert=True)


def record_many(events: Iterable[Mapping[str, Any]]) -> None:
    """Append many events in one statement."""
    Event.objects.bulk_create([_event(**event) for event in events])


def _plain(value: object) -> object:
    """JSON keeps text, numbers, booleans, lists and None; anything else (ids, times) is told as text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return str(value)
