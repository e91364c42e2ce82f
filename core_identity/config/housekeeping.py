"""What has had its time, by app, and how it is deleted: some at once, and never waiting for anybody."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from core_identity.models import Budget, LoggedHour, SetupLink
from core_identity.selectors.log_hours import DAYS
from core_identity.services.log_hours import count_finished_hours
from core_identity.services.unlisted_groups import end_unlisted_groups
from core_identity.values import Actor, ActorKind, Channel
from core_identity.write_guard import service_writes
from scim.home import CALLS
from scim.models import Payload, ProvisioningRecord, UsedCode
from sso.home import SIGN_INS
from sso.models import SignInRecord, SignInState, UsedAssertion

AT_ONCE: Final = 1000
"""Rows of one transaction: a run that is cut off has done what it did, and holds few locks meanwhile."""

REPLAY_IS_SEEN: Final = timedelta(days=30)
"""How long a used refresh token is kept, so that its reuse ends the whole family. Later it is merely unknown."""

CHORES: Final[dict[str, Callable[[datetime], QuerySet[Any]]]] = {
    "provisioning log": lambda now: ProvisioningRecord.objects.filter(
        at__lt=now - timedelta(days=settings.PROVISIONING_LOG_DAYS)
    ),
    "payloads": lambda now: Payload.objects.filter(
        at__lt=now - timedelta(days=min(settings.PAYLOAD_LOG_DAYS, settings.PROVISIONING_LOG_DAYS))
    ),
    "sign-in log": lambda now: SignInRecord.objects.filter(at__lt=now - timedelta(days=settings.SIGN_IN_LOG_DAYS)),
    # With a refresh token it stays: that is the chain of a connection at work.
    "access tokens": lambda now: get_access_token_model().objects.filter(expires__lt=now, refresh_token=None),
    "refresh tokens": lambda now: get_refresh_token_model().objects.filter(revoked__lt=now - REPLAY_IS_SEEN),
    "authorization codes": lambda now: get_grant_model().objects.filter(expires__lt=now),
    # The longest window is an hour.
    "budgets": lambda now: Budget.objects.filter(minute__lt=now.timestamp() // 60 - 61),
    "used codes": lambda now: UsedCode.objects.filter(used_at__lt=now - timedelta(days=1)).exclude(
        token_family__in=get_refresh_token_model().objects.filter(revoked=None).values("token_family")
    ),
    "set-up links": lambda now: SetupLink.objects.filter(expires_at__lt=now - timedelta(days=1)),
    "sign-ins on their way": lambda now: SignInState.objects.filter(expires_at__lt=now),
    "used assertions": lambda now: UsedAssertion.objects.filter(until__lt=now),
    "counted hours": lambda now: LoggedHour.objects.filter(hour__lt=now - timedelta(days=DAYS + 1)),
    "sessions": lambda now: Session.objects.filter(expire_date__lt=now),
}
"""What is deleted, by the name that the command tells: which rows, given the time (aware)."""

SYSTEM: Final = Actor(Channel.ADMIN, ActorKind.SYSTEM, "housekeeping")
UNLISTED: Final = "roles whose groups are not listed"


def tidy(*, now: datetime) -> Iterator[tuple[str, int]]:
    """End the roles whose time is over (R31), count the finished hours of the logs, delete what is outdated, and yield how many of each.

    Several may run at once, beside everything else: a locked row is left for next time.
    """
    yield UNLISTED, end_unlisted_groups(actor=SYSTEM, now=now)
    count_finished_hours((SIGN_INS, CALLS), now=now)  # before the rows are deleted
    for name, outdated in CHORES.items():
        deleted = 0
        while some := _delete_some(outdated(now)):
            deleted += some
        yield name, deleted


@transaction.atomic
def _delete_some(rows: QuerySet[Any]) -> int:
    free = rows.order_by("pk").select_for_update(skip_locked=True, of=("self",))
    chosen = list(free.values_list("pk", flat=True)[:AT_ONCE])
    with service_writes():
        rows.model._default_manager.filter(pk__in=chosen).delete()
    return len(chosen)
