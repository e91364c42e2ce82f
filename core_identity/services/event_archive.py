"""Delete old events that are in a complete file (R34).

Four kinds of old events stay, because a later decision depends on them. The trigger of the database refuses to delete them too
(`core_identity.migrations._append_only_events`):

- the last sign-in of each connection: metadata of the identity provider needs a superuser after a connection's first sign-in
  (`core_identity.portal.trust`);
- the last test sign-in of each connection that passed: a step of the set-up is done since then (`core_identity.selectors.sign_ins`);
- the events that made a user an administrator: an erasure reads them, to blank the name of a former administrator
  (`core_identity.services.erasure`);
- ``events.archived``: the record of what left the database.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection as database
from django.db.models import Max, Q, QuerySet

from core_identity.errors import NotAllowed
from core_identity.event_kinds import EventKind
from core_identity.models import Event
from core_identity.models.event import LAST_IS_NEEDED, PROMOTIONS
from core_identity.services import events
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor

YEARS: Final = range(1, 101)
"""The trigger refuses to delete events of the last year too."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A complete file of events. ``oldest`` and ``newest`` are times in ISO 8601, ``sha256`` is the digest of the file."""

    name: str
    events: int
    oldest: str
    newest: str
    sha256: str


def years_ago(years: int) -> datetime:
    """Return the time so many years ago, by the clock of the database. Raises `NotAllowed` if the number is not one of `YEARS`."""
    if years not in YEARS:
        raise NotAllowed(f"Events of the last year stay. Give a number of years from {YEARS[0]} to {YEARS[-1]}.")
    with database.cursor() as cursor:
        cursor.execute("SELECT now() - make_interval(years => %s)", [years])
        moment: datetime = cursor.fetchone()[0]
    return moment


def archivable(before: datetime) -> QuerySet[Event]:
    """Return the events before a time that no later decision depends on."""
    old = Event.objects.filter(at__lt=before).order_by()
    last_ones = old.filter(kind__in=LAST_IS_NEEDED).values("connection_id", "kind").annotate(last=Max("pk"))
    kept = {one["last"] for one in last_ones}
    kept.update(old.filter(PROMOTIONS | Q(kind=EventKind.EVENTS_ARCHIVED.value)).values_list("pk", flat=True))
    return old.exclude(pk__in=kept)


def delete_archived(
    rows: QuerySet[Event], *, actor: Actor, archive: Archive, portions: Iterable[Sequence[UUID]], before: datetime
) -> Iterator[int]:
    """Delete the events of an archive, and yield how many are deleted so far. ``portions`` are the UUIDs in the file, in the order of the ids.

    Each portion is one transaction. The first one also records the archive, so no event is deleted without this record. A portion must
    equal the next events of ``rows`` (`archivable`). Otherwise another run deletes them: raises `NotAllowed`.
    """
    after, deleted = 0, 0
    for uuids in portions:
        after = _delete(rows, actor=None if after else actor, archive=archive, uuids=uuids, before=before, after=after)
        deleted += len(uuids)
        yield deleted


@in_one_transaction
def _delete(
    rows: QuerySet[Event],
    *,
    actor: Actor | None,
    archive: Archive,
    uuids: Sequence[UUID],
    before: datetime,
    after: int,
) -> int:
    """Delete the events with these UUIDs, the next ones after the id ``after``. Return the id of the last one. With an actor, record the archive."""
    following = rows.filter(pk__gt=after).order_by("pk").select_for_update().values_list("pk", "uuid")
    found = list(following[: len(uuids)])
    if [uuid for _, uuid in found] != list(uuids):
        raise NotAllowed(
            f"Another run archives the same events, so this run stopped. Every event that was deleted is in a file. {archive.name} "
            "may repeat events of the other file. If old events are left, run the command again with a new file."
        )
    if actor is not None:
        facts = {"events": archive.events, "oldest": archive.oldest, "newest": archive.newest, "file": archive.name}
        changes = {name: (None, value) for name, value in (facts | {"sha256": archive.sha256}).items()}
        events.record(actor=actor, kind=EventKind.EVENTS_ARCHIVED, subject=None, changes=changes)
    ids = [pk for pk, _ in found]
    with _door_open(before):
        Event.objects.filter(pk__in=ids).delete()
    return ids[-1]


@contextmanager
def _door_open(before: datetime) -> Iterator[None]:
    """Let this transaction delete older events."""
    with database.cursor() as cursor:
        cursor.execute("SELECT set_config('core_identity.archive_before', %s, true)", [before.isoformat()])
        yield
        cursor.execute("SELECT set_config('core_identity.archive_before', '', true)")
