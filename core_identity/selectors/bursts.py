"""Who is in a burst of deactivations, and who of them could come back (R22a)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from core_identity.models import Burst, Identity, User
from core_identity.selectors.story import changes_since_expiry
from core_identity.selectors.users import guarded_users
from core_identity.values import Channel


@dataclass(frozen=True, slots=True)
class BurstPlan:
    """What the one act of R22a does: ``unexpires`` come back. The others of the burst do not.

    ``changed`` are active again, but the IdP changed UID, externalId, userName or email since (R24), so each has to be looked at; ``guarded``
    are for a superuser; ``inactive`` are not active at the IdP.
    """

    unexpires: Sequence[User]
    changed: Sequence[User]
    guarded: Sequence[User]
    inactive: Sequence[User]


def people_of(burst: Burst) -> QuerySet[User]:
    """Return who is expired by a burst until now, in a stable order."""
    return User.objects.filter(
        expired_connection=burst.connection_id,
        expired_channel=Channel.SCIM.value,
        expired_at__gte=burst.began_at,
        expired_at__lte=burst.last_at,
        merged_into__isnull=True,
    ).order_by("pk")


def plan_of(burst: Burst, *, guarded_too: bool) -> BurstPlan:
    """Return what unexpiring a burst would do now; ``guarded_too`` for a superuser. Four queries, whatever its size."""
    here = Identity.objects.filter(user=OuterRef("pk"), connection=burst.connection_id)
    identities = Identity.objects.select_related("connection").prefetch_related("uids")
    people = people_of(burst).alias(active=Exists(here.filter(active=True, deleted_at__isnull=True)))
    back = people.annotate(guarded=Exists(guarded_users().filter(pk=OuterRef("pk")))).filter(active=True)
    unexpires: list[User] = []
    changed: list[User] = []
    guarded: list[User] = []
    for user in back.prefetch_related(Prefetch("identities", queryset=identities)):
        if user.guarded and not guarded_too:
            guarded.append(user)
        elif changes_since_expiry(user, user.identities.all()):
            changed.append(user)
        else:
            unexpires.append(user)
    return BurstPlan(unexpires, changed, guarded, list(people.filter(active=False)))


def open_bursts() -> QuerySet[Burst]:
    """Return the bursts that no administrator has settled, the oldest first."""
    return Burst.objects.filter(settled_at__isnull=True).select_related("connection").order_by("began_at")


def may_settle_bursts(user: User | AnonymousUser) -> bool:
    """Whether an administrator may decide about bursts: it is an act on a connection, and on its people."""
    return all(user.has_perm(f"core_identity.change_{what}") for what in ("connection", "user"))
