"""The facts about sign-ins on the start page of the administration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection as database

from core_identity.selectors.log_hours import LogTable
from sso.models import SignInKind, SignInRecord
from sso.saml.refusals import Code
from sso.sign_in.outcomes import SIGNED_IN

_TABLE: Final = SignInRecord._meta.db_table
SIGN_INS: Final = LogTable(
    name="sign-ins",
    table=_TABLE,
    counted=f"connection_id IS NOT NULL AND kind <> '{SignInKind.SIGNED_OUT}' AND NOT is_test",
    bad=f"kind <> '{SignInKind.SIGNED_IN}'",
)
"""The same sign-ins as `sso.sign_in.log.REFUSED`."""

SHOWN: Final = 6

LOOKED_AT: Final = 50
"""The newest rows of a connection among which its last sign-in is looked for."""

_LAST: Final = f"""
SELECT slug, last.at, newer.since FROM unnest(%s::text[]) AS slug LEFT JOIN LATERAL (
    SELECT lately.id, lately.at FROM (
        SELECT id, at, code, is_test FROM {_TABLE} WHERE connection_slug = slug ORDER BY id DESC LIMIT {LOOKED_AT}
    ) AS lately WHERE code = '{SIGNED_IN}' AND NOT is_test ORDER BY lately.id DESC LIMIT 1
) AS last ON true CROSS JOIN LATERAL (
    SELECT count(*) AS rows, min(at) FILTER (WHERE code = '{Code.SIGNATURE.value}' AND NOT is_test) AS since FROM (
        SELECT at, code, is_test FROM {_TABLE} WHERE connection_slug = slug AND id > coalesce(last.id, 0)
        ORDER BY id DESC LIMIT {LOOKED_AT}
    ) AS rows_since
) AS newer
WHERE last.at IS NOT NULL OR (newer.since IS NOT NULL AND newer.rows = {LOOKED_AT})
"""  # noqa: S608 - names of our own


@dataclass(frozen=True, slots=True)
class LastSignIn:
    """The last sign-in through a connection. ``refused_since``: since then messages with an unknown certificate are refused, and nobody signed in.

    ``at`` is None if so many messages were refused that the last sign-in, if there was one, is further back.
    """

    at: datetime | None
    refused_since: datetime | None


def latest_sign_ins() -> Sequence[SignInRecord]:
    """Return the newest rows of the log. One query."""
    return list(SignInRecord.objects.filter(is_test=False).order_by("-id")[:SHOWN])


def last_sign_in_by_connection(slugs: Sequence[str]) -> Mapping[str, LastSignIn]:
    """Return the last sign-in through each connection, looked up in its newest 50 rows. One query, with a lookup for each slug.

    A connection without a sign-in among them is left out, unless all 50 rows are there and an unknown certificate was refused in one: a few
    messages of a stranger prove nothing about a connection that nobody has used.
    """
    with database.cursor() as cursor:
        cursor.execute(_LAST, [list(slugs)])
        return {slug: LastSignIn(at, since) for slug, at, since in cursor.fetchall()}
