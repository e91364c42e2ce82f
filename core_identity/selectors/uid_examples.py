"""The UIDs that each channel of a connection sends, by examples (R6, R37)."""

from dataclasses import dataclass
from typing import Final

from core_identity.models import Connection, Identity

LOOKED_AT: Final = 100
"""The newest pushed people whose UIDs are looked at, so that the cost does not grow with all people."""


@dataclass(frozen=True, slots=True)
class UidExamples:
    """``pushed`` and ``by_sso`` are the UIDs of the newest person of each channel; empty if there is none. ``by_sso`` was never pushed.

    ``derived`` of the ``looked_at`` newest pushed people have a derived UID, and ``is_derived`` is whether the newest one has.
    """

    pushed: str = ""
    is_derived: bool = False
    by_sso: str = ""
    derived: int = 0
    looked_at: int = 0


def uid_examples(connection: Connection) -> UidExamples:
    """Return the UIDs of the newest people. Two statements."""
    known = Identity.objects.filter(connection=connection, deleted_at=None, uids__current=True)
    uids = known.values_list("uids__uid", "uids__derived")
    # With RESOURCE PostgreSQL uses `identity_by_page`.
    pushed = list(uids.filter(Identity.RESOURCE, pushed_at__isnull=False).order_by("-created_at", "-id")[:LOOKED_AT])
    by_sso = uids.filter(pushed_at=None, signed_in_at__isnull=False).order_by("-created_at", "id").first()
    newest, is_derived = next(iter(pushed), ("", False))
    return UidExamples(
        newest, is_derived, by_sso[0] if by_sso else "", sum(derived for _, derived in pushed), len(pushed)
    )
