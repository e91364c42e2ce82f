"""Read the whole history of one user (R24, R36)."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from core_identity.models import (
    Event,
    Identity,
    User,
)
from core_identity.policy.expiry import SNAPSHOT
from core_identity.selectors.roles import role_values
from core_identity.selectors.users import user_summary


def changed_since_expiry(user: User) -> list[tuple[str, str, str, str]]:
    """Return the changes by IdPs since a user was expired: (connection slug, name, then, now), in compared form (R24)."""
    return changes_since_expiry(user, user.identities.select_related("connection").prefetch_related("uids"))


def changes_since_expiry(user: User, identities: Iterable[Identity]) -> list[tuple[str, str, str, str]]:
    """Return the same as `changed_since_expiry`, from identities that the caller has loaded with connection and UIDs."""
    then = {entry.get("identity"): entry for entry in user.expired_snapshot}
    changed = []
    for identity in identities:
        now = {
            "uid": next((uid.uid_key for uid in identity.uids.all() if uid.current), None),
            "external_id": identity.external_id,
            "user_name": identity.user_name_key,
            "email": identity.email_key,
        }
        before = then.get(str(identity.pk), {})
        changed += [
            (identity.connection.name, name, before.get(name) or "", now[name] or "")
            for name in SNAPSHOT
            if (before.get(name) or "") != (now[name] or "")
        ]
    return changed


def events_of(user: User) -> QuerySet[Event]:
    """Return the events of a user and of all users who were merged into them (R11), newest first."""
    return Event.objects.filter(user_id__in=[user.pk, *user.tombstones.values_list("pk", flat=True)])


def story(user: User, *, events: int | None = 100) -> dict[str, Any]:
    """Return the whole history of a user as plain JSON values (R36), with the newest ``events`` events. None: with all events."""
    expired = None
    if user.expired_at is not None:
        expired = {
            "at": user.expired_at.isoformat(),
            "by": user.expired_by,
            "channel": user.expired_channel,
            "reason": user.expired_reason,
        }
    recorded = events_of(user)
    return {
        **user_summary(user),
        "expired": expired,
        "merged_into": str(user.merged_into_id) if user.merged_into_id else None,
        "identities": [_identity_values(identity) for identity in user.identities.select_related("connection")],
        "roles": role_values(user),
        "events": [
            {
                "at": event.at.isoformat(),
                "kind": event.kind,
                "channel": event.channel,
                "actor": event.actor,
                "changes": event.changes,
                "reason": event.reason,
                "reference": event.request_id,
            }
            for event in (recorded if events is None else recorded[:events])
        ],
    }


def _identity_values(identity: Identity) -> dict[str, Any]:
    uid = identity.uids.filter(current=True).first()
    return {
        "connection": identity.connection.slug,
        "uid": uid.uid if uid else None,
        "uid_derived": bool(uid and uid.derived),
        "user_name": identity.user_name or None,
        "external_id": identity.external_id,
        "scim_id": str(identity.scim_id) if identity.pushed_at else None,
        "active": identity.active,
        "deleted": identity.deleted_at is not None,
    }
