"""Empty the database of the demo, for *Begin again*. Only for `seed_demo`, which works only if DEMO is on."""

from collections.abc import Iterable
from typing import Final

from django.core.management.base import CommandError
from django.db import connection, transaction

from core_identity.models import Connection, User

KEPT_TABLES: Final = frozenset({"auth_permission", "django_content_type", "django_migrations", "core_identity_session"})


def empty_demo(*, slugs: Iterable[str], administrator: str) -> None:
    """Delete everything but the administrator, who stays signed in.

    Raises CommandError if there is a connection other than ``slugs``: then this is not only the demo.
    """
    others = Connection.objects.exclude(slug__in=slugs).order_by("slug").values_list("slug", flat=True)
    if others:
        raise CommandError(
            f"This database has connections that are not the demo's: {', '.join(others)}. Nothing was deleted."
        )
    names = set(connection.introspection.table_names()) - KEPT_TABLES
    tables = ", ".join(sorted(map(connection.ops.quote_name, names)))
    user = connection.ops.quote_name(User._meta.db_table)
    columns = ", ".join(
        connection.ops.quote_name(str(one.column)) for one in User._meta.local_concrete_fields if not one.generated
    )
    with transaction.atomic(), connection.cursor() as cursor:
        # Events refuse to be emptied. The refusal is off inside this transaction only, and nothing else sees it.
        guards = _guarded_tables(names)
        copy = f"CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT {columns} FROM {user} WHERE username = %s"  # noqa: S608
        cursor.execute(copy, [administrator])
        for table in guards:
            cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} DISABLE TRIGGER USER")
        cursor.execute(f"TRUNCATE {tables}")
        for table in guards:
            cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} ENABLE TRIGGER USER")
        cursor.execute(f"INSERT INTO {user} ({columns}) SELECT {columns} FROM kept")  # noqa: S608  (names of our own columns)


def _guarded_tables(names: set[str]) -> list[str]:
    """Return the tables with a trigger on TRUNCATE (bit 5 of ``tgtype``, PostgreSQL's catalogue pg_trigger)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE tgtype & 32 <> 0 AND relname = ANY(%s)",
            [sorted(names)],
        )
        return sorted(name for (name,) in cursor.fetchall())
