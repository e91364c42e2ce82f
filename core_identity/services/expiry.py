"""Expire and unexpire users. No other module sets ``expired_at`` (R24)."""

import json
from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import connection as database
from django.db.models import Q
from django.utils import timezone

from core_identity.clock import database_now
from core_identity.errors import NotAllowed
from core_identity.event_kinds import EventKind
from core_identity.keys import clean_text
from core_identity.models import Connection, Grant, Identity, User
from core_identity.models.connection import Reactivation
from core_identity.policy.expiry import reactivation_is_permitted
from core_identity.policy.wording import ActiveMeans
from core_identity.selectors.expiry import SNAPSHOTS
from core_identity.services import events, row_writes
from core_identity.services.grants import end_these
from core_identity.services.identities import current_uid
from core_identity.services.locks import lock_user
from core_identity.services.permissions import require_superuser
from core_identity.services.transactions import in_one_transaction
from core_identity.signals import user_expired
from core_identity.values import Actor

UNEXPIRED: Final[Mapping[str, Any]] = {
    "expired_at": None,
    "expired_by": "",
    "expired_channel": "",
    "expired_reason": "",
    "expired_connection": None,
    "expired_snapshot": [],
}
"""The six columns that together store the expiry."""


@in_one_transaction
def expire(*, actor: Actor, user_id: UUID, reason: str) -> User:
    """Expire a user as an administrator. If a channel expired the user, the expiry becomes the administrator's, and no channel can undo it (R22).

    If an administrator expired the user already, nothing changes. Raises `NotFound`, and `NotAllowed` if only a superuser may do it.
    """
    user = lock_user(user_id)
    require_superuser(actor, [user])
    if user.expired_connection_id is not None:
        before = user.expired_channel
        _set_source(user, actor=actor, connection=None, reason=reason)
        _save(user)
        changes = {"expired_channel": (before, user.expired_channel)}
        events.record(actor=actor, kind=EventKind.USER_EXPIRY_TAKEN_OVER, subject=user, changes=changes, reason=reason)
    _expire(actor=actor, user=user, connection=None, reason=reason)
    return user


def expire_by_channel(*, actor: Actor, identity: Identity, reason: str) -> None:
    """Expire the user of an identity that its IdP deactivated or deleted (R20). The caller holds the locks and saves the identity."""
    _expire(actor=actor, user=identity.user, connection=identity.connection, reason=reason)


def make_tombstone(user: User, *, actor: Actor, kept: User) -> bool:
    """Make ``user`` the tombstone of ``kept`` (R11). If either is expired, ``kept`` is expired too, and only an administrator can undo this.

    The merge records the event. Return whether this expired ``kept``. The caller holds the locks.
    """
    spreads = user.expired_at is not None and kept.expired_at is None
    if spreads:
        _set_expired(kept, actor=actor, connection=None, reason=f"was expired as {user}")
    elif kept.expired_connection_id is not None:
        kept.expired_connection = None
        _save(kept)
    if user.expired_at is None:
        _set_expired(user, actor=actor, connection=None, reason=f"merged into {kept}")
    return spreads


def note_reactivation(*, actor: Actor, identity: Identity, uid_moves: bool = False) -> ActiveMeans:
    """Record that the IdP lists an expired user as active again. Unexpire the user only if the connection permits it (R22).

    After that, a new UID is accepted only from a message with the externalId, because no administrator has checked this return (R8a). The caller
    saves the identity.
    """
    user, connection = identity.user, identity.connection
    if user.expired_at is None:
        return ActiveMeans.ACTIVE
    granted = reactivation_is_permitted(
        opted_in=connection.reactivation == Reactivation.UNEXPIRE_OWN,
        expired_by_this_connection=user.expired_connection_id == connection.pk,
        live_elsewhere=not _is_inactive_elsewhere(user, but=identity),
        expired_at=user.expired_at,
        now=database_now(),
        then=_snapshot_of(user, identity),
        today=snapshot(identity),
        uid_in_doubt=uid_moves or bool(identity.drift_uid),
    )
    if granted:
        _unexpire(actor=actor, user=user, connection=connection, reason="reactivated by the identity provider")
        identity.reactivation_requested_at = None
        identity.uid_needs_decision = True
        return ActiveMeans.UNEXPIRED
    identity.reactivation_requested_at = timezone.now()
    events.record(actor=actor, kind=EventKind.USER_REACTIVATION_REQUESTED, subject=user, connection=connection)
    return ActiveMeans.REACTIVATION_REQUESTED


@in_one_transaction
def unexpire(*, actor: Actor, user_id: UUID, reason: str, keep_roles: bool = True) -> User:
    """Let an expired user sign in again, as an administrator; with ``keep_roles=False`` all grants end first (R24).

    Raises `NotFound`; `NotAllowed` for a user that was merged into another, or if only a superuser may do it.
    """
    user = lock_user(user_id)
    require_superuser(actor, [user])
    if user.expired_at is None:
        return user
    if user.merged_into is not None:
        raise NotAllowed(f"{user} was merged into {user.merged_into}. Unexpire that user instead.")
    if user.erased_at is not None:
        raise NotAllowed("An erased person never signs in again.")
    if not keep_roles:
        end_these(actor=actor, grants=Grant.objects.filter(user=user), reason="unexpired without roles")
    _unexpire(actor=actor, user=user, connection=None, reason=reason)
    return user


def unexpire_together(*, actor: Actor, users: Collection[User], connection: Connection, reason: str) -> None:
    """Unexpire the people of one burst of ``connection`` at once (R22a). The caller holds the locks. A constant number of statements."""
    ids = [user.pk for user in users]
    User.objects.filter(pk__in=ids).update(**UNEXPIRED)
    Identity.objects.filter(user__in=ids).update(reactivation_requested_at=None)
    events.record_many(
        events.new_event(
            actor=actor,
            kind=EventKind.USER_UNEXPIRED,
            subject=user,
            connection=connection,
            changes={"expired_at": (user.expired_at, None)},
            reason=reason,
        )
        for user in users
    )


def hand_over(*, former: Connection, successor: Connection, identities: Collection[UUID]) -> None:
    """Replace ``former`` by ``successor`` as the connection that expired the users of these identities (R1a). Two statements."""
    theirs = Identity.objects.filter(pk__in=identities).values("user_id")
    User.objects.filter(expired_connection=former, pk__in=theirs).update(expired_connection=successor)


def snapshot(identity: Identity) -> dict[str, str | None]:
    """Return the IdP's present values that R22 and R24 compare with those at the expiry."""
    uid_row = current_uid(identity)
    return {
        "uid": uid_row.uid_key if uid_row else None,
        "external_id": identity.external_id,
        "user_name": identity.user_name_key,
        "email": identity.email_key,
    }


def _expire(*, actor: Actor, user: User, connection: Connection | None, reason: str) -> None:
    if user.expired_at is not None:
        return
    _set_expired(user, actor=actor, connection=connection, reason=reason)
    events.record(
        actor=actor,
        kind=EventKind.USER_EXPIRED,
        subject=user,
        connection=connection,
        changes={"expired_at": (None, user.expired_at)},
        reason=reason,
    )


def _set_expired(user: User, *, actor: Actor, connection: Connection | None, reason: str) -> None:
    _set_source(user, actor=actor, connection=connection, reason=reason)
    with database.cursor() as cursor:
        cursor.execute(
            _EXPIRE, [user.expired_by, user.expired_channel, user.expired_reason, user.expired_connection_id, user.pk]
        )
        user.expired_at, snapshots, user.session_epoch = cursor.fetchone()
    user.expired_snapshot = json.loads(snapshots)
    _forget_generated(user)
    user_expired.send(sender=User, user=user, actor=actor)


_EXPIRE: Final = f"""
UPDATE {User._meta.db_table} SET expired_at = statement_timestamp(), expired_snapshot = ({SNAPSHOTS}),
    expired_by = %s, expired_channel = %s, expired_reason = %s, expired_connection_id = %s, session_epoch = session_epoch + 1
WHERE id = %s RETURNING expired_at, expired_snapshot::text, session_epoch
"""  # noqa: S608 - names of our own
"""Expire a user at the time of the database. The same statement reads the snapshots, so they are the values of that time.

A session from before the expiry stays ended when the user is unexpired, also one that another request is about to write (R21).
"""


def _set_source(user: User, *, actor: Actor, connection: Connection | None, reason: str) -> None:
    user.expired_by = actor.label[:300]
    user.expired_channel = actor.channel.value
    user.expired_reason = clean_text(reason, field="reason")
    user.expired_connection = connection


def _unexpire(*, actor: Actor, user: User, connection: Connection | None, reason: str) -> None:
    before = user.expired_at
    for field, value in UNEXPIRED.items():
        setattr(user, field, value)
    _save(user)
    user.identities.update(reactivation_requested_at=None)
    events.record(
        actor=actor,
        kind=EventKind.USER_UNEXPIRED,
        subject=user,
        connection=connection,
        changes={"expired_at": (before.isoformat() if before else None, None)},
        reason=reason,
    )


def _save(user: User) -> None:
    row_writes.update(user, UNEXPIRED)
    _forget_generated(user)


def _forget_generated(user: User) -> None:
    # The database generates this column. Its value in memory is old, so let the next access read it again.
    user.__dict__.pop("is_active", None)


def _is_inactive_elsewhere(user: User, *, but: Identity) -> bool:
    """Whether an IdP lists a user as inactive or deleted, by another identity than ``but``."""
    others = user.identities.exclude(pk=but.pk)
    return others.filter(Q(active=False) | Q(deleted_at__isnull=False)).exists()


def _snapshot_of(user: User, identity: Identity) -> dict[str, str | None] | None:
    return next((entry for entry in user.expired_snapshot if entry.get("identity") == str(identity.pk)), None)


def forget_values(user: User) -> None:
    """Remove the reason and the names from the expiry of an erased user (R34). The expiry and its UIDs stay. The erasure records the event."""
    user.expired_reason = ""
    user.expired_snapshot = [{"identity": entry["identity"], "uid": entry["uid"]} for entry in user.expired_snapshot]
    _save(user)


def forget_administrator(username: str, *, instead: str) -> None:
    """Replace the name of an erased administrator in the expiries of other people (R34). The erasure records the event."""
    User.objects.filter(expired_by=username).update(expired_by=instead)
