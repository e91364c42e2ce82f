"""The system check that needs the database: whether a break-glass administrator exists."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import Error, connection

from core_identity.models import User
from core_identity.selectors.users import break_glass_users

NO_BREAK_GLASS = checks.Warning(
    "If every identity provider failed, nobody could open the administration.",
    hint="Keep one superuser who has a password and no identity: manage.py createsuperuser. Keep its password offline.",
    id="core_identity.W001",
)
NOT_ASKED = checks.Info(
    "It is not known whether a break-glass administrator exists: the database cannot be reached, or is not migrated.",
    hint="Run manage.py check --deploy where the database can be reached.",
    id="core_identity.I001",
)


@register(Tags.database)
def break_glass_exists(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """With ``check --database default``, and before each ``migrate``: an empty database gets no warning."""
    return [NO_BREAK_GLASS] if databases and connection.alias in databases and _exists() is False else []


@register(Tags.security, deploy=True)
def break_glass_exists_in_production(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """With ``check --deploy``; if databases are named too, the check above has already asked them."""
    if databases:
        return []
    exists = _exists()
    if exists is None:
        return [NOT_ASKED]
    return [] if exists else [NO_BREAK_GLASS]


def _exists() -> bool | None:
    """Whether there is such an administrator; None where the database does not answer or is not migrated."""
    try:
        migrated = User._meta.db_table in connection.introspection.table_names()
        return break_glass_users().exists() if migrated else None
    except Error:
        return None
