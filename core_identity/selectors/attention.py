"""How much waits for an administrator: counts that are cheap enough for every page."""

from collections.abc import Collection, Mapping
from typing import Final

from django.db import connection as database

from core_identity.models import Conflict, DriftingIdentity, Identity, PushGroup, SetupLink, SetupProposal, User

MOST: Final = 100
"""A count ends here: the navigation shows "99+"."""

_CONFLICT, _DRIFT, _GROUP, _IDENTITY, _USER, _LINK, _PROPOSAL = (
    model._meta.db_table for model in (Conflict, DriftingIdentity, PushGroup, Identity, User, SetupLink, SetupProposal)
)
_REQUESTS: Final = f"""
    {_IDENTITY} AS identity JOIN {_USER} AS person ON person.id = identity.user_id
    WHERE identity.reactivation_requested_at IS NOT NULL AND person.expired_at IS NOT NULL
"""
_HANDED_OVER: Final = f"""
    SELECT 1 FROM {_PROPOSAL} WHERE decided_at IS NULL
    UNION ALL SELECT 1 FROM {_LINK} WHERE finished_at IS NOT NULL AND revoked_at IS NULL
"""  # noqa: S608
_COUNTED: Final[Mapping[str, str]] = {
    "conflicts": f"FROM {_CONFLICT} WHERE state = 'open'",
    "drift": f"FROM {_DRIFT}",
    "groups": f"FROM {_GROUP} WHERE role_id IS NULL",
    "reactivations": f"FROM {_REQUESTS}",
    "set_ups": f"FROM ({_HANDED_OVER}) AS handed_over",
}
"""The counts, each with the rows of its list. Each reads an index of the few pending rows, or the few set-up links, never a whole table of people."""


def attention_counts(names: Collection[str]) -> dict[str, int]:
    """Return how much of each of these waits, `MOST` at most. One statement, none for no name."""
    chosen = [name for name in _COUNTED if name in names]
    if not chosen:
        return {}
    columns = ", ".join(f"(SELECT count(*) FROM (SELECT 1 {_COUNTED[name]} LIMIT {MOST}) AS {name})" for name in chosen)  # noqa: S608
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {columns}")
        return dict(zip(chosen, cursor.fetchone(), strict=True))
