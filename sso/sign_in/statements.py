"""The statements of a sign-in. Each step is one statement, so it is taken once and costs one commit.

Each one also deletes up to `PURGED_AT_ONCE` expired rows, and skips rows that another request is deleting. `tests/sso/test_sign_in_sql.py`
compares the statements with the models.
"""

from typing import Any, Final

from django.db import connection as database
from django.db.models import Model

from sso.models import SignInState, SsoSession, UsedAssertion

PURGED_AT_ONCE: Final = 100


def _purge(model: type[Model], end: str) -> str:
    """Return the parts of a WITH that delete some expired rows.

    Without statistics PostgreSQL would read the whole table for a few rows: it estimates that a third of all rows are before a given time, but
    few between two times. So the condition has two times, a separate step locks the rows, and arrays name them.
    """
    table = model._meta.db_table
    return f"""outdated AS MATERIALIZED (
    SELECT id FROM {table} WHERE {end} > '-infinity' AND {end} < statement_timestamp() ORDER BY {end} LIMIT {PURGED_AT_ONCE}
), locked AS MATERIALIZED (
    SELECT id FROM {table} WHERE id = ANY (ARRAY(SELECT id FROM outdated)) FOR UPDATE SKIP LOCKED
), purged AS (
    DELETE FROM {table} WHERE id = ANY (ARRAY(SELECT id FROM locked))
)"""  # noqa: S608 - names and a number of our own


_STATES: Final = SignInState._meta.db_table
_USED: Final = UsedAssertion._meta.db_table
_SESSIONS: Final = SsoSession._meta.db_table

DEPART: Final = f"""
WITH {_purge(SignInState, "expires_at")}
INSERT INTO {_STATES} (
    connection_id, request_id, browser_hash, from_elsewhere, next_path, expires_at, tester_id, tester_session,
    name_id, name_id_format, session_index, report
) VALUES (
    %(connection)s, %(request_id)s, %(browser_hash)s, %(from_elsewhere)s, %(next_path)s, statement_timestamp() + %(lasts)s::interval,
    %(tester)s, %(tester_session)s, '', '', '', ''
) RETURNING statement_timestamp()
"""  # noqa: S608
"""Store a sign-in that goes to the IdP; return the time."""

_USE: Final = f"""
INSERT INTO {_USED} (connection_id, assertion_id, until)
SELECT %(connection)s::uuid, %(message_id)s::varchar, statement_timestamp() + %(kept)s::interval
"""
_ONCE: Final = "ON CONFLICT (connection_id, assertion_id) DO NOTHING RETURNING id"

USE_ONCE: Final = f"""
WITH {_purge(UsedAssertion, "until")}, used AS ({_USE} {_ONCE})
SELECT EXISTS (SELECT FROM used), true
"""  # noqa: S608
"""Store the ID of a message; return whether this is its first use, and true."""

USE_UP: Final = f"""
WITH {_purge(UsedAssertion, "until")}, mine AS (
    SELECT id FROM {_STATES} WHERE id = %(state)s AND used_at IS NULL AND expires_at > statement_timestamp() FOR UPDATE
), used AS (
    {_USE} FROM mine {_ONCE}
), taken AS (
    UPDATE {_STATES} SET used_at = statement_timestamp() WHERE id = %(state)s AND EXISTS (SELECT FROM used)
)
SELECT EXISTS (SELECT FROM used), EXISTS (SELECT FROM mine)
"""  # noqa: S608
"""The same for the answer to a request of ours. It uses up both the message and the request, or neither.

Returns whether the message was used for the first time, and whether the request was still open.
"""

ARRIVE: Final = f"""
UPDATE {_STATES} SET ticket_hash = %(ticket_hash)s, identity_id = %(identity)s, session_until = %(session_until)s,
    name_id = %(name_id)s, name_id_format = %(name_id_format)s, session_index = %(session_index)s
WHERE id = %(state)s
"""  # noqa: S608
"""Store the identity until the browser asks again."""

ARRIVE_UNASKED: Final = f"""
INSERT INTO {_STATES} (
    connection_id, browser_hash, from_elsewhere, next_path, used_at, expires_at,
    ticket_hash, identity_id, session_until, name_id, name_id_format, session_index, tester_session, report
) VALUES (
    %(connection)s, %(browser_hash)s, false, %(next_path)s, statement_timestamp(), statement_timestamp() + %(lasts)s::interval,
    %(ticket_hash)s, %(identity)s, %(session_until)s, %(name_id)s, %(name_id_format)s, %(session_index)s, '', ''
)
"""  # noqa: S608
"""The same for a sign-in that the IdP began."""

FINISH: Final = f"""
UPDATE {_STATES} SET finished_at = statement_timestamp() WHERE id = %(state)s AND finished_at IS NULL RETURNING true
"""  # noqa: S608
"""Take the last step; return no row if it was taken before."""

REMEMBER_SESSION: Final = f"""
WITH {_purge(SsoSession, "until")}
INSERT INTO {_SESSIONS} (connection_id, identity_id, session_key, name_id, name_id_format, session_index, until)
VALUES (%(connection)s, %(identity)s, %(session_key)s, %(name_id)s, %(name_id_format)s, %(session_index)s, %(until)s)
"""  # noqa: S608
"""Store the IdP's names for a session."""


def run(statement: str, **values: Any) -> tuple[Any, ...] | None:
    """Run one of these statements. Return its row; None if it has none."""
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone() if cursor.description else None
    return row
