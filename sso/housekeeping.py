"""The rows of sso that housekeeping deletes."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet

from sso.models import SignInRecord, SignInState, SsoSession, UsedAssertion

CHORES: Final[Mapping[str, Callable[[datetime], QuerySet[Any]]]] = {
    "sign-in log": lambda now: SignInRecord.objects.filter(at__lt=now - timedelta(days=settings.SIGN_IN_LOG_DAYS)),
    "sign-ins on their way": lambda now: SignInState.objects.filter(expires_at__lt=now),
    "sessions by sign-in": lambda now: SsoSession.objects.filter(until__lt=now),
    "used assertions": lambda now: UsedAssertion.objects.filter(until__lt=now),
}
"""By the name that the command prints: the rows to delete, given the time (aware)."""
