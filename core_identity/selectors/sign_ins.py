"""The last sign-in of a connection, and its last test sign-in that passed. Both are events, so they outlive the sign-in log (R34, R35, R37)."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from core_identity.compiled import written_out
from core_identity.event_kinds import EventKind
from core_identity.models import Connection, Event
from core_identity.models.event import NEWEST_FIRST

_SIGNED_IN_SQL: Final = f"(kind = '{EventKind.USER_SIGNED_IN.value}')"
_TEST_PASSED_SQL: Final = f"(kind = '{EventKind.CONNECTION_TEST_PASSED.value}')"
_SIGNED_IN: Final = written_out(_SIGNED_IN_SQL)
_TEST_PASSED: Final = written_out(_TEST_PASSED_SQL)


def sign_ins(connection_id: UUID | OuterRef) -> QuerySet[Event]:
    """Return the events of the sign-ins by a connection, the newest first. An index has them in this order."""
    return Event.objects.filter(_SIGNED_IN, connection_id=connection_id).order_by(NEWEST_FIRST)


def last_sign_in(connection_id: UUID) -> datetime | None:
    """Return the time of the last sign-in by a connection; None if nobody has signed in. One query, of one row."""
    return sign_ins(connection_id).values_list("at", flat=True).first()


def shown_last_sign_in(connection: Connection) -> datetime | None:
    """Return `last_sign_in` for a page, without a query if the connection was read with the column ``signed_in`` (`LAST_SIGN_IN`)."""
    known: datetime | None = (
        vars(connection)["signed_in"] if "signed_in" in vars(connection) else last_sign_in(connection.pk)
    )
    return known


def last_passed_test(connection_id: UUID) -> datetime | None:
    """Return the time of the last test sign-in of a connection that passed; None if none did. One query, of one row."""
    tests = Event.objects.filter(_TEST_PASSED, connection_id=connection_id).order_by(NEWEST_FIRST)
    return tests.values_list("at", flat=True).first()


LAST_SIGN_IN: Final = Subquery(sign_ins(OuterRef("pk")).values("at")[:1])
"""`last_sign_in` as a column of connections."""


def last_sign_in_sql(connection_id: str) -> str:
    """Return the query of `last_sign_in` for the connection whose id is this SQL."""
    return f"SELECT at FROM {Event._meta.db_table} WHERE connection_id = {connection_id} AND {_SIGNED_IN_SQL} ORDER BY (-id) LIMIT 1"  # noqa: S608 - names of our own
