"""Recognise a database from before release 0.1. Its tables came from migrations that no longer exist, so it cannot be upgraded.

Without this check, `migrate` would fail at the first table that already exists, and the error would not explain what to do.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import Error, connection
from django.db.migrations.recorder import MigrationRecorder

FIRST_OF_THE_FORMER: Final = ("core_identity", "0001_initial")
"""A database from before the migrations were joined lists this one. No release has it."""

HAS_FORMER_COLUMN: Final = """SELECT EXISTS (SELECT FROM information_schema.columns WHERE table_schema = current_schema()
    AND table_name = 'core_identity_identity' AND column_name IN ('said_uid', 'sent_uid'))"""
"""A database from shortly before release 0.1 has one of these columns. It is now called ``drift_uid``."""

OLDER: Final = checks.Error(
    "This database is from before release 0.1. It cannot be upgraded, and nothing in it was changed.",
    hint="Start with an empty database and keep this one for as long as you need its data. For the database of this checkout, "
    "`./dev run --fresh` and `./dev serve --fresh` do both. Elsewhere, create a database, enter it in DATABASE_URL and run `migrate`. "
    "Then apply your connection files again.",
    id="core_identity.E001",
)


def is_older(applied: Collection[tuple[str, str]]) -> bool:
    """Whether the database is from before release 0.1. ``applied``: app and name of each migration that it lists. Raises ``Error``."""
    if FIRST_OF_THE_FORMER in applied:
        return True
    with connection.cursor() as cursor:
        cursor.execute(HAS_FORMER_COLUMN)
        (has_former_column,) = cursor.fetchone()
    return bool(has_former_column)


@register(Tags.database)
def database_is_not_older(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Run by ``migrate``, which an error stops, and by ``check --database default``."""
    if not databases or connection.alias not in databases:
        return []
    try:
        return [OLDER] if is_older(MigrationRecorder(connection).applied_migrations()) else []
    except Error:
        return []  # no database: the command itself reports that
