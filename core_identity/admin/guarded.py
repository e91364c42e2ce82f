"""Whom only a superuser may change, asked once for each request: a page of a user asks for each of its buttons (R11, R33)."""

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
