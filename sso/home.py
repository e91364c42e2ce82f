"""The facts about sign-ins on the start page of the administration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.db import connection as database

from core_identity.selectors.log_hours import LogTable
from core_identity.selectors.sign_ins import last_sign_in_sql
from sso.models import SignInKind, SignInRecord
from sso.sign_in.log import UNKNOWN_CERTIFICATE_SQL, without_names

if TYPE_CHECKING:
    from core_identity.models import Connection

_TABLE: Final = SignInRecord._meta.db_table
SIGN_INS: Final = LogTable(
    name="sign-ins",
    table=_TABLE,
    counted=f"connection_id IS NOT NULL AND kind <> '{SignInKind.SIGNED_OUT}' AND NOT is_test",
    bad=f"kind <> '{SignInKind.SIGNED_IN}'",
)
"""The same sign-ins as `sso.sign_in.log.COUNTED` and `REFUSED`."""

SHOWN: Final = 6

_LAST: Final = f"""
SELECT one.slug, last.at, refused.at FROM unnest(%s::uuid[], %s::text[]) AS one(id, slug) CROSS JOIN LATERAL (
    {last_sign_in_sql("one.id")}
) AS last LEFT JOIN LATERAL (
    SELECT at FROM {_TABLE} WHERE connection_slug = one.slug AND {UNKNOWN_CERTIFICATE_SQL} AND at > last.at ORDER BY at LIMIT 1
) AS refused ON true
"""  # noqa: S608 - names of our own


@dataclass(frozen=True, slots=True)
class LastSignIn:
    """The last sign-in through a connection. ``refused_since``: since then messages with an unknown certificate are refused, and nobody signed in."""

    at: datetime
    refused_since: datetime | None


def latest_sign_ins(*, with_names: bool) -> Sequence[tuple[SignInRecord, str]]:
    """Return the newest rows of the log, each with its decision in words. One query."""
    latest = SignInRecord.objects.filter(is_test=False).order_by("-id")[:SHOWN]
    return [(record, record.decision if with_names else without_names(record)) for record in latest]


def last_sign_in_by_connection(connections: Sequence["Connection"]) -> Mapping[str, LastSignIn]:
    """Return the last sign-in through each connection, by its slug. One query, with two lookups for each.

    A connection without a sign-in is left out: messages of strangers prove nothing about a connection that nobody has used.
    """
    with database.cursor() as cursor:
        cursor.execute(_LAST, [[one.pk for one in connections], [one.slug for one in connections]])
        return {slug: LastSignIn(at, since) for slug, at, since in cursor.fetchall()}
