"""Add and end the grants of one source, always as sets (R32). A source changes only its own grants."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection as database
from django.db.models import QuerySet

from core_identity.event_kinds import EventKind
from core_identity.models import Connection, Event, Grant, PushGroup, Role
from core_identity.services import events
from core_identity.values import Actor, Channel


@dataclass(frozen=True, slots=True)
class Source:
    """The way by which a grant came. ``key`` and ``label`` are those of `Grant`."""

    channel: Channel
    connection: Connection | None = None
    key: str = ""
    label: str = ""


def source_of(group: PushGroup) -> Source:
    return Source(Channel.SCIM, group.connection, str(group.pk), group.display_name)


def add_grants(*, actor: Actor, source: Source, role: Role, user_ids: Collection[UUID], reason: str = "") -> int:
    """Give users ``role`` by ``source``. Users who have it by this source keep it. One statement, with the events.

    ``reason`` is for a grant by an administrator.
    """
    if not user_ids:
        return 0
    by = actor.label[:300] if source.channel is Channel.ADMIN else ""
    new = _run(
        _ADD, _values(source, role) | {"users": list(user_ids), "label": source.label, "by": by, "reason": reason}
    )
    _record(actor=actor, kind=EventKind.GRANT_ADDED, source=source, role=role, user_ids=new, reason=reason)
    return len(new)


def end_grants(
    *, actor: Actor, source: Source, role: Role, user_ids: Collection[UUID] | None = None, reason: str = ""
) -> int:
    """End the grants of ``role`` by ``source``, for these users or for all (None). One statement, with the events."""
    if user_ids is None:
        return _end_all(actor=actor, source=source, role=role)
    ended = _run(_END_OF_USERS, _values(source, role) | {"users": list(user_ids)})
    _record(actor=actor, kind=EventKind.GRANT_REMOVED, source=source, role=role, user_ids=ended, reason=reason)
    return len(ended)


def relabel_grants(*, source: Source) -> None:
    """Show the grants of ``source`` under its new label after a group was renamed. Nobody gains or loses a role."""
    _of(source).update(label=source.label)


def end_these(*, actor: Actor, grants: QuerySet[Grant], reason: str = "") -> None:
    """End grants of any source. A constant number of statements."""
    ended = list(grants.select_related("role", "connection"))
    Grant.objects.filter(pk__in=[grant.pk for grant in ended]).delete()
    events.record_many(
        events.new_event(
            actor=actor,
            kind=EventKind.GRANT_REMOVED,
            subject=grant.role,
            user_id=grant.user_id,
            connection=grant.connection,
            changes={"role": (grant.role.name, None), "source": (grant.label or grant.channel, None)},
            reason=reason,
        )
        for grant in ended
    )


def _of(source: Source) -> QuerySet[Grant]:
    return Grant.objects.filter(channel=source.channel.value, connection=source.connection, key=source.key)


def _record(
    *, actor: Actor, kind: EventKind, source: Source, role: Role, user_ids: Collection[UUID], reason: str
) -> None:
    """Append an event for each of these users: `EventKind.GRANT_ADDED` or `EventKind.GRANT_REMOVED`."""
    events.record_many(
        grant_event(kind, actor=actor, source=source, role=role, user_id=user_id, reason=reason) for user_id in user_ids
    )


def grant_event(
    kind: EventKind, *, actor: Actor, source: Source, role: Role, user_id: UUID | None = None, reason: str = ""
) -> Event:
    """Return the event that a grant began or ended."""
    named = source.label or source.channel.value
    added = kind is EventKind.GRANT_ADDED
    return events.new_event(
        actor=actor,
        kind=kind,
        subject=role,
        connection=source.connection,
        user_id=user_id,
        changes={
            "role": (None, role.name) if added else (role.name, None),
            "source": (None, named) if added else (named, None),
        },
        reason=reason,
    )


_GRANT: Final = Grant._meta.db_table
_ADD: Final = f"""
INSERT INTO {_GRANT} (id, user_id, role_id, channel, connection_id, key, label, given_by, reason, created_at)
SELECT gen_random_uuid(), id, %(role)s::uuid, %(channel)s, %(connection)s::uuid, %(key)s, %(label)s, %(by)s, %(reason)s, now()
FROM unnest(%(users)s::uuid[]) AS named (id)
ON CONFLICT (user_id, role_id, channel, connection_id, key) DO NOTHING RETURNING user_id
"""  # noqa: S608 - a name of our own
_END: Final = f"""
DELETE FROM {_GRANT} WHERE channel = %(channel)s AND key = %(key)s AND role_id = %(role)s::uuid
AND connection_id IS NOT DISTINCT FROM %(connection)s::uuid
"""  # noqa: S608 - a name of our own
_END_OF_USERS: Final = f"{_END} AND user_id = ANY(%(users)s::uuid[]) RETURNING user_id"


def _end_all(*, actor: Actor, source: Source, role: Role) -> int:
    """End grants by one statement that also writes the events, because a customer may have very many."""
    event_sql, columns = events.for_each(
        "ended", grant_event(EventKind.GRANT_REMOVED, actor=actor, source=source, role=role)
    )
    sql = f"WITH ended AS ({_END} RETURNING user_id), recorded AS ({event_sql}) SELECT count(*) FROM ended"  # noqa: S608 - SQL of our own
    return int(_run(sql, _values(source, role) | columns)[0])


def _values(source: Source, role: Role) -> dict[str, Any]:
    connection = source.connection
    return {
        "role": role.pk,
        "channel": source.channel.value,
        "connection": connection.pk if connection is not None else None,
        "key": source.key,
    }


def _run(sql: str, values: dict[str, Any]) -> list[Any]:
    """Run a statement and return its only column."""
    with database.cursor() as cursor:
        cursor.execute(sql, values)
        return [value for (value,) in cursor]
