"""The content of the page of a user: the whole history (R36)."""

from typing import Any

from django.db.models import Prefetch

from core_identity.admin_kit.changes import changes_of
from core_identity.models import Conflict, Identity, PushGroupMember, User
from core_identity.selectors.drift import drift_of
from core_identity.selectors.roles import roles_of
from core_identity.selectors.story import changed_since_expiry, events_of
from core_identity.selectors.users import status_of

EVENTS_SHOWN = 50


def story_of(user: User) -> dict[str, Any]:
    """Return what the template shows. The number of queries does not depend on the length of the history."""
    memberships = PushGroupMember.objects.select_related("group__role").order_by("group__name_key")
    identities = (
        Identity.objects.filter(user=user)
        .select_related("connection")
        .prefetch_related("uids", Prefetch("memberships", queryset=memberships))
    )
    return {
        "user": user,
        "status": status_of(user),
        "identities": identities,
        "changed": changed_since_expiry(user) if user.expired_at else [],
        "drift": drift_of(user),
        "roles": roles_of(user),
        "conflicts": Conflict.objects.filter(other=user).select_related("connection")[:EVENTS_SHOWN],
        "tombstones": user.tombstones.all(),
        "events": [(one, changes_of(one)) for one in events_of(user)[:EVENTS_SHOWN]],
        "events_shown": EVENTS_SHOWN,
    }
