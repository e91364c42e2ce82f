"""Adding and ending grants of one source, always as sets (R32). A source only ever changes its own."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from core_identity.models import Connection, Grant, Role
from core_identity.services import events
from core_identity.values import Actor, Channel


@dataclass(frozen=True, slots=True)
class Source:
    """By which way a grant came; ``key`` and ``label`` as on `Grant`."""

    channel: Channel
    connection: Connection | None = None
    key: str = ""
    label: str = ""


def add_grants(*, actor: Actor, source: Source, role: Role, user_ids: Collection[UUID]) -> int:
    """Let users have ``role`` by ``source``; those who have it so already keep it. A constant number of statements."""
    if not user_ids:
        return 0
    have = set(_of(source).filter(role=role, user_id__in=user_ids).values_list("user_id", flat=True))
    new = [user_id for user_id in user_ids if user_id not in have]
    if not new:
        return 0
    Grant.objects.bulk_create(
        [
            Grant(
                user_id=user_id,
                role=role,
                channel=source.channel.value,
                connection=source.connection,
                key=source.key,
                label=source.label,
            )
            for user_id in new
        ],
        ignore_conflicts=True,
    )
    tell(actor=actor, kind="grant.added", source=source, role=role, user_ids=new)
    return len(new)


def end_grants(*, actor: Actor, source: Source, role: Role, user_ids: Collection[UUID] | None = None) -> int:
    """End what ``source`` gave of ``role``: for these users, or for all where None."""
    grants = _of(source).filter(role=role)
    if user_ids is not None:
        grants = grants.filter(user_id__in=user_ids)
    ended = list(grants.values_list("pk", "user_id"))
    if not ended:
        return 0
    Grant.objects.filter(pk__in=[pk for pk, _ in ended]).delete()
    tell(actor=actor, kind="grant.removed", source=source, role=role, user_ids=[user_id for _, user_id in ended])
    return len(ended)


def relabel_grants(*, source: Source) -> None:
    """Show the grants of ``source`` under its present label: the group was renamed, and nobody's hold changed."""
    _of(source).update(label=source.label)


def end_these(*, actor: Actor, grants: QuerySet[Grant], reason: str = "") -> None:
    """End grants of whatever sources. A constant number of statements."""
    ended = list(grants.select_related("role", "connection"))
    Grant.objects.filter(pk__in=[grant.pk for grant in ended]).delete()
    events.record_many(
        {
            "actor": actor,
            "kind": "grant.removed",
            "subject": grant.role,
            "user_id": grant.user_id,
            "connection": grant.connection,
            "changes": {"role": (grant.role.name, None), "source": (grant.label or grant.channel, None)},
            "reason": reason,
        }
        for grant in ended
    )


def _of(source: Source) -> QuerySet[Grant]:
    return Grant.objects.filter(channel=source.channel.value, connection=source.connection, key=source.key)


def tell(*, actor: Actor, kind: str, source: Source, role: Role, user_ids: Collection[UUID]) -> None:
    """Append an event for each of these users: ``grant.added`` or ``grant.removed``."""
    named = source.label or source.channel.value
    added = kind == "grant.added"
    changes = {
        "role": (None, role.name) if added else (role.name, None),
        "source": (None, named) if added else (named, None),
    }
    events.record_many(
        {
            "actor": actor,
            "kind": kind,
            "subject": role,
            "user_id": user_id,
            "connection": source.connection,
            "changes": changes,
        }
        for user_id in user_ids
    )
