"""Read the people of a burst of deactivations, and the people who can be unexpired together (R22a)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db import connection as database
from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from core_identity.models import Burst, Connection, Identity, User
from core_identity.policy.bursts import WINDOW, BurstLimits
from core_identity.selectors.story import changes_since_expiry
from core_identity.selectors.users import guarded_users
from core_identity.values import Channel


@dataclass(frozen=True, slots=True)
class BurstPlan:
    """The result of the action of R22a. The users in ``unexpires`` may sign in again, and the others of the burst stay expired.

    ``changed`` are active again, but the IdP changed the UID, externalId, userName or email since (R24), so an administrator must look at each.
    Only a superuser may unexpire ``guarded``. ``inactive`` are not active at the IdP.
    """

    unexpires: Sequence[User]
    changed: Sequence[User]
    guarded: Sequence[User]
    inactive: Sequence[User]


@dataclass(frozen=True, slots=True)
class Deactivations:
    """The deactivations of a connection within `WINDOW`, and since the last settled burst.

    ``gone`` is their number and ``active`` the number of the other people, each up to the number that matters. ``began_at`` is the time of the first.
    ``open_burst`` is the primary key of their burst, if there is one already.
    """

    gone: int
    active: int
    began_at: datetime | None
    open_burst: UUID | None


def recent_deactivations(connection: Connection, *, but: Identity, limits: BurstLimits) -> Deactivations:
    """Return the recent deactivations of a connection, including ``but``, which does not count as active. One statement.

    Its cost does not depend on how many people a connection has or had: each count stops when it has seen enough.
    """
    params: dict[str, Any] = {
        "connection": connection.pk,
        "but": but.pk,
        "window": WINDOW,
        "least": limits.least,
        "channel": Channel.SCIM.value,
    }
    with database.cursor() as cursor:
        cursor.execute(_RECENT.format(people=int(limits.people), enough=int(limits.enough)), params)
        return Deactivations(*cursor.fetchone())


# The limits are numbers in the SQL: without them PostgreSQL would expect many rows, and plan the statement again each time.
_RECENT: Final = f"""
SELECT gone.people,
    CASE WHEN gone.people >= %(least)s THEN (
        SELECT count(*) FROM (
            SELECT FROM {Identity._meta.db_table}
            WHERE connection_id = %(connection)s AND active AND deleted_at IS NULL AND id <> %(but)s LIMIT {{enough}}
        ) AS active
    ) ELSE 0 END,
    gone.began_at,
    CASE WHEN latest.settled_at IS NULL AND latest.last_at >= since.at THEN latest.id END
FROM (SELECT statement_timestamp() - %(window)s::interval AS at) AS hour
LEFT JOIN LATERAL (
    SELECT id, settled_at, last_at FROM {Burst._meta.db_table} WHERE connection_id = %(connection)s ORDER BY last_at DESC LIMIT 1
) AS latest ON TRUE
CROSS JOIN LATERAL (SELECT GREATEST(hour.at, latest.settled_at) AS at) AS since
CROSS JOIN LATERAL (
    SELECT count(*) AS people, min(expired_at) AS began_at FROM (
        SELECT expired_at FROM {User._meta.db_table}
        WHERE expired_connection_id = %(connection)s AND expired_at >= since.at AND expired_channel = %(channel)s
        ORDER BY expired_at LIMIT {{people}}
    ) AS expired
) AS gone
"""  # noqa: S608 - names of our own


def people_of(burst: Burst) -> QuerySet[User]:
    """Return the users whom a burst expired and who are still expired, in a stable order."""
    return User.objects.filter(
        expired_connection=burst.connection_id,
        expired_channel=Channel.SCIM.value,
        expired_at__gte=burst.began_at,
        expired_at__lte=burst.last_at,
        merged_into__isnull=True,
    ).order_by("pk")


def plan_of(burst: Burst, *, guarded_too: bool) -> BurstPlan:
    """Return the result of unexpiring a burst now; ``guarded_too`` for a superuser. Always four queries."""
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


def connections_with_a_burst() -> set[UUID]:
    """Return the primary keys of the connections with a burst that no administrator has settled. One query."""
    return set(open_bursts().select_related(None).order_by().values_list("connection_id", flat=True).distinct())


def may_settle_bursts(user: User | AnonymousUser) -> bool:
    """Whether an administrator may decide about bursts, which changes a connection and its people."""
    return all(user.has_perm(f"core_identity.change_{what}") for what in ("connection", "user"))
