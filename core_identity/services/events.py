"""Append events (R34)."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from uuid import UUID

from django.db import connection as database
from django.db import models
from django.utils import timezone

from core_identity.event_kinds import EventKind
from core_identity.models import Connection, Event, Grant, Identity, PushGroup, User
from core_identity.services import row_writes
from core_identity.values import Actor

Changes = Mapping[str, tuple[object, object]]
"""``{field: (before, after)}``; never a secret."""


def new_event(
    *,
    actor: Actor,
    kind: EventKind,
    subject: models.Model | None,
    connection: Connection | None = None,
    user_id: UUID | None = None,
    changes: Changes | None = None,
    reason: str = "",
) -> Event:
    """Return an event that is not stored yet. The user and the connection are read from ``subject``, if it has them and they are not given."""
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
        kind=kind.value,
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


def record(
    *,
    actor: Actor,
    kind: EventKind,
    subject: models.Model | None,
    connection: Connection | None = None,
    user_id: UUID | None = None,
    changes: Changes | None = None,
    reason: str = "",
) -> None:
    """Append one event. Must run in the transaction of the change that it describes."""
    _append(
        [
            new_event(
                actor=actor,
                kind=kind,
                subject=subject,
                connection=connection,
                user_id=user_id,
                changes=changes,
                reason=reason,
            )
        ]
    )


def record_many(events: Iterable[Event]) -> None:
    """Append many events by `new_event` in one statement."""
    _append(list(events))


def _append(batch: list[Event]) -> None:
    gathered = _gathered.get()
    if gathered is None:
        row_writes.insert(*batch)
    else:
        gathered += batch


@contextmanager
def together() -> Iterator[list[Event]]:
    """Append all events of a block in one statement at its end, in order. If the block raises, append none, because its changes are undone too.

    An inner block joins the events of the outer one, so use it with each savepoint. Yields the list. If its work is undone, a block must clear
    the list.
    """
    batch: list[Event] = []
    token = _gathered.set(batch)
    try:
        yield batch
    finally:
        _gathered.reset(token)
    _append(batch)


def for_each(rows: str, event: Event) -> tuple[str, dict[str, Any]]:
    """Return an INSERT of ``event`` (`new_event`, without a user) for each ``user_id`` of ``rows``, and its parameters.

    ``rows`` is a name in the WITH of a statement that changes many people, so that this statement writes their events too. The events that
    `together` has gathered so far are written now, so all events keep their order.
    """
    gathered = _gathered.get()
    if gathered:
        row_writes.insert(*gathered)
        gathered.clear()
    columns = ", ".join(f'"{field.column}"' for field in _SAME)
    values = ", ".join(f"%(event_{field.column})s" for field in _SAME)
    sql = f"INSERT INTO {Event._meta.db_table} (uuid, user_id, {columns}) SELECT gen_random_uuid(), user_id, {values} FROM {rows}"  # noqa: S608 - names of our own
    return sql, {
        f"event_{field.column}": field.get_db_prep_save(getattr(event, field.attname), database) for field in _SAME
    }


_SAME: Final = tuple(field for field in Event._meta.concrete_fields if field.name not in {"id", "uuid", "user_id"})
"""The columns in which the events of many people are equal."""


def take_gathered() -> list[Event]:
    """Return the events that the block of `together` has gathered so far, for a caller that inserts them in a statement of its own."""
    gathered = _gathered.get() or []
    batch = list(gathered)
    gathered.clear()
    return batch


_gathered: ContextVar[list[Event] | None] = ContextVar("events that are not written yet", default=None)


def _plain(value: object) -> object:
    """Return a value as JSON can store it: text, numbers, booleans, lists and None stay, and all others (ids, times) become text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return str(value)
