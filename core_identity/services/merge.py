"""Merge two users of one customer who are one person (R11). First a plan, which is also the preview, and then one transaction."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from core_identity.attributes import SOURCES
from core_identity.errors import NotAllowed, NotFound
from core_identity.event_kinds import EventKind
from core_identity.keys import key
from core_identity.models import Grant, Identity, IdentityUid, PushGroupMember, User
from core_identity.services import events, expiry, groups
from core_identity.services.conflicts import close_outdated_conflicts
from core_identity.services.identities import save_identity
from core_identity.services.locks import lock_customer
from core_identity.services.permissions import require_superuser
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor

FACE = (
    "scim_id", "user_name", "user_name_key", "external_id", "active", "email", "email_key", *SOURCES, "attributes",
    "pushed_at", "offered_at", "deleted_at", "created_at",
)  # fmt: skip
"""The fields that SCIM shows. If one connection has two identities, the fields of the one under /Users stay there."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One connection knows both users. ``into`` stays and gets the UIDs of ``folded``. If ``folded`` had a SCIM ``id``, it answers 404."""

    into: Identity
    folded: Identity
    uids: tuple[str, ...]
    takes_its_place: bool


@dataclass(frozen=True, slots=True)
class MergePlan:
    """The result of a merge: the preview before, and the event after."""

    kept: User
    gone: User
    moved: tuple[Identity, ...]
    folds: tuple[Fold, ...]
    grants: tuple[Grant, ...]
    expires: bool

    def as_changes(self) -> dict[str, tuple[object, object]]:
        """Return it as the changes of an event: the rows that moved from ``gone`` to ``kept``."""
        theirs, ours = str(self.gone), str(self.kept)
        return {
            "user": (theirs, ours),
            "identities_moved": (None, [f"{one.connection.slug}: {one}" for one in self.moved]),
            "identities_folded": (
                None,
                [f"{one.into.connection.slug}: {one.folded} into {one.into}" for one in self.folds],
            ),
            "uids_moved": (None, [uid for fold in self.folds for uid in fold.uids]),
            "grants_moved": (None, [f"{grant.role} ({grant.label or grant.channel})" for grant in self.grants]),
            "expired": (None, self.expires),
        }


def plan_merge(*, kept_id: UUID, gone_id: UUID) -> MergePlan:
    """Return the result of a merge. Raises `NotFound`; `NotAllowed` across customers, for one user twice, or for a tombstone."""
    users = User.objects.select_related("customer").in_bulk([kept_id, gone_id])
    if kept_id not in users or gone_id not in users:
        raise NotFound("There is no such user.")
    kept, gone = users[kept_id], users[gone_id]
    if kept == gone:
        raise NotAllowed("This is one user already.")
    if kept.customer_id is None or kept.customer_id != gone.customer_id:
        raise NotAllowed("Only two users of one customer can be merged.")
    for user in (kept, gone):
        if user.merged_into_id is not None:
            raise NotAllowed(f"{user} was merged already.")
        require_not_erased(user)
    ours = {one.connection_id: one for one in _identities(kept)}
    moved, folds = [], []
    for theirs in _identities(gone):
        if theirs.connection_id not in ours:
            moved.append(theirs)
            continue
        into = ours[theirs.connection_id]
        uids = tuple(IdentityUid.objects.filter(identity=theirs, derived=False).values_list("uid", flat=True))
        folds.append(Fold(into, theirs, uids, takes_its_place=theirs.is_resource and not into.is_resource))
    own = set(Grant.objects.filter(user=kept).values_list("role_id", "channel", "connection_id", "key"))
    grants = [
        grant
        for grant in Grant.objects.filter(user=gone).select_related("role", "connection")
        if (grant.role_id, grant.channel, grant.connection_id, grant.key) not in own
    ]
    expires = kept.expired_at is None and gone.expired_at is not None
    return MergePlan(kept, gone, tuple(moved), tuple(folds), tuple(grants), expires)


@in_one_transaction
def merge(*, actor: Actor, kept_id: UUID, gone_id: UUID, reason: str) -> User:
    """Merge two users. Identities, UIDs and grants move to the user who is kept, and the other becomes a tombstone. Return the kept user.

    Raises the errors of `plan_merge`, and `NotAllowed` if only a superuser may do it.
    """
    customer_id = User.objects.filter(pk=kept_id).values_list("customer_id", flat=True).first()
    if customer_id is not None:
        lock_customer(customer_id)
    locked = list(User.objects.select_for_update(no_key=True).filter(pk__in=[kept_id, gone_id]).order_by("pk"))
    list(Identity.objects.select_for_update(no_key=True).filter(user__in=locked).order_by("pk"))
    require_superuser(actor, locked)
    plan = plan_merge(kept_id=kept_id, gone_id=gone_id)
    changes = plan.as_changes()
    _move(plan)
    expiry.make_tombstone(plan.gone, actor=actor, kept=plan.kept)
    plan.gone.set_unusable_password()
    plan.gone.merged_into = plan.kept
    plan.gone.save(update_fields=["password", "merged_into"])
    plan.gone.tombstones.update(merged_into=plan.kept)
    events.record(actor=actor, kind=EventKind.USER_MERGED, subject=plan.kept, changes=changes, reason=reason)
    for fold in plan.folds:
        groups.follow_identity(actor=actor, identity=fold.into)
    close_outdated_conflicts(actor=actor, user=plan.gone)
    close_outdated_conflicts(actor=actor, user=plan.kept)
    return plan.kept


def require_not_erased(user: User) -> None:
    """Raise `NotAllowed` if a user is erased, because a merge would give values to the user again (R34)."""
    if user.erased_at is not None:
        raise NotAllowed("One of them was erased. To let a newcomer have the UID, release it.")


def _identities(user: User) -> Collection[Identity]:
    return list(Identity.objects.filter(user=user).select_related("connection", "user").order_by("created_at"))


def _move(plan: MergePlan) -> None:
    for identity in plan.moved:
        identity.user = plan.kept
        identity.session_epoch += 1
        save_identity(identity)
    for fold in plan.folds:
        _fold(fold)
        fold.into.user = plan.kept
    Grant.objects.filter(pk__in=[grant.pk for grant in plan.grants]).update(user=plan.kept)
    Grant.objects.filter(user=plan.gone).delete()


def _fold(fold: Fold) -> None:
    into, folded = fold.into, fold.folded
    was_resource = folded.is_resource
    took = {name: getattr(folded, name) for name in FACE}
    external_id, mark = folded.external_id, folded.name_id or folded.user_name
    unlisted_since, listed_at = folded.groups_unlisted_since, folded.groups_listed_at
    _empty(folded, into)
    if fold.takes_its_place:
        for name, value in took.items():
            setattr(into, name, value)
    into.external_id = into.external_id or external_id
    if mark and (not into.name_id or into.name_id_key == into.user_name_key):
        # R8b: the UIDs need a name that agrees with them, so that both accounts can sign in.
        into.name_id, into.name_id_key = mark, key(mark)
    if unlisted_since is not None:
        # R31: the roles that move end at the time at which they would have ended.
        listed = [one for one in (into.groups_listed_at, listed_at) if one is not None]
        into.groups_unlisted_since, into.groups_listed_at = unlisted_since, min(listed, default=None)
    into.session_epoch += 1
    save_identity(into)
    _move_uids(into, folded)
    if was_resource:
        memberships = PushGroupMember.objects.filter(identity=folded)
        memberships.filter(group__in=PushGroupMember.objects.filter(identity=into).values("group")).delete()
        memberships.update(identity=into)


def _empty(folded: Identity, into: Identity) -> None:
    """Keep what events need of the other identity, and remove every key by which it could be found."""
    fresh = Identity(connection=folded.connection, user=folded.user)
    folded.scim_id = fresh.scim_id
    folded.user_name_key = folded.external_id = folded.offered_at = None
    folded.name_id_key = folded.email_key = ""
    folded.active = False
    folded.groups_unlisted_since = folded.groups_listed_at = None
    folded.deleted_at = into.changed_at if folded.deleted_at is None else folded.deleted_at
    folded.session_epoch += 1
    save_identity(folded)


def _move_uids(into: Identity, folded: Identity) -> None:
    """Move the UIDs. A derived UID is released, as always when it is replaced (R6). A sent one still finds the person."""
    IdentityUid.objects.filter(identity=folded, derived=True).delete()
    ours = IdentityUid.objects.filter(identity=into, current=True).first()
    if ours is not None and ours.derived and IdentityUid.objects.filter(identity=folded, current=True).exists():
        ours.delete()
        ours = None
    theirs = IdentityUid.objects.filter(identity=folded)
    if ours is not None:
        theirs.update(identity=into, current=False)
    else:
        theirs.update(identity=into)
