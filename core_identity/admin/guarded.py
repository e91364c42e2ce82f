"""Users that only a superuser may change. The answer is kept for each request, because a user's page needs it for each of its buttons (R11, R33)."""

from typing import Any

from django.http import HttpRequest

from core_identity.models import User
from core_identity.selectors.users import guarded_users


def is_guarded_from(request: HttpRequest, user: User) -> bool:
    """Return whether the administrator of a request may not change ``user``. Services ask again, in their transaction."""
    if request.user.is_superuser:
        return False
    known: dict[Any, bool] = request.__dict__.setdefault("guarded_users", {})
    if user.pk not in known:
        known[user.pk] = guarded_users().filter(pk=user.pk).exists()
    return known[user.pk]
