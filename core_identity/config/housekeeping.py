"""Housekeeping: delete the rows of all packages that are no longer needed, in pieces, without waiting for a lock."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

import scim.housekeeping
import sso.housekeeping
from core_identity.budgets import DAY, MINUTE
from core_identity.models import Budget, ErasedNames, LoggedHour, Session, SetupLink
from core_identity.selectors.conflicts import closed_conflicts
from core_identity.selectors.log_hours import DAYS
from core_identity.services.log_hours import count_finished_hours
from core_identity.services.sso_groups import end_unlisted_groups
from core_identity.values import Actor, ActorKind, Channel
from core_identity.write_guard import service_writes
from scim.home import CALLS
from sso.home import SIGN_INS

AT_ONCE: Final = 1000
"""Rows of one transaction: a run that is cut off keeps its finished transactions, and each one holds few locks."""

CHORES: Final[Mapping[str, Callable[[datetime], QuerySet[Any]]]] = {
    "budgets": lambda now: Budget.objects.filter(minute__lt=now.timestamp() // MINUTE - DAY - 1),
    "counted hours": lambda now: LoggedHour.objects.filter(hour__lt=now - timedelta(days=DAYS + 1)),
    "set-up links": lambda now: SetupLink.objects.filter(expires_at__lt=now - timedelta(days=30)),
    "sessions": lambda now: Session.objects.filter(expire_date__lt=now),
    "closed conflicts": closed_conflicts,
    # The writers of the logs delete them too, if a log is on.
    "traces of erased people": lambda now: ErasedNames.objects.filter(at__lt=now - timedelta(days=1)),
    **sso.housekeeping.CHORES,
    **scim.housekeeping.CHORES,
}
"""By the name that the command prints: the rows to delete, given the time (aware). The large logs are last, because a run has an end."""

SYSTEM: Final = Actor(Channel.ADMIN, ActorKind.SYSTEM, "housekeeping")
UNLISTED: Final = "roles whose groups are not listed"


def tidy(*, now: datetime) -> Iterator[tuple[str, int]]:
    """End the roles whose time is over (R31), count the finished hours of the logs, delete what is outdated, and yield how many of each.

    Several may run at once, beside everything else: a locked row is left for next time. After ``HOUSEKEEPING_SECONDS`` it begins no further batch,
    and the next run continues.
    """
    ends = time.monotonic() + settings.HOUSEKEEPING_SECONDS
    yield UNLISTED, end_unlisted_groups(actor=SYSTEM, now=now)
    count_finished_hours((SIGN_INS, CALLS), now=now)  # before the rows are deleted
    for name, outdated in CHORES.items():
        deleted = 0
        while time.monotonic() < ends and (some := _delete_some(outdated(now))):
            deleted += some
        yield name, deleted


@transaction.atomic
def _delete_some(rows: QuerySet[Any]) -> int:
    free = rows.order_by("pk").select_for_update(skip_locked=True, of=("self",))
    chosen = list(free.values_list("pk", flat=True)[:AT_ONCE])
    with service_writes():
        rows.model._default_manager.filter(pk__in=chosen).delete()
    return len(chosen)
