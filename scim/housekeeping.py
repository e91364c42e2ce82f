"""The rows of scim that housekeeping deletes."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from scim.models import Payload, ProvisioningRecord, UsedCode

REPLAY_IS_SEEN: Final = timedelta(days=30)
"""How long a used refresh token is kept, so that its reuse ends the whole family. Later it is merely unknown."""

CHORES: Final[Mapping[str, Callable[[datetime], QuerySet[Any]]]] = {
    "provisioning log": lambda now: ProvisioningRecord.objects.filter(
        at__lt=now - timedelta(days=settings.PROVISIONING_LOG_DAYS)
    ),
    "payloads": lambda now: Payload.objects.filter(
        at__lt=now - timedelta(days=min(settings.PAYLOAD_LOG_DAYS, settings.PROVISIONING_LOG_DAYS))
    ),
    # An access token with a refresh token stays: that is the chain of a connection at work.
    "access tokens": lambda now: get_access_token_model().objects.filter(expires__lt=now, refresh_token=None),
    "refresh tokens": lambda now: get_refresh_token_model().objects.filter(revoked__lt=now - REPLAY_IS_SEEN),
    "authorization codes": lambda now: get_grant_model().objects.filter(expires__lt=now),
    "used codes": lambda now: UsedCode.objects.filter(used_at__lt=now - timedelta(days=1)).exclude(
        token_family__in=get_refresh_token_model().objects.filter(revoked=None).values("token_family")
    ),
}
"""By the name that the command prints: the rows to delete, given the time (aware)."""
