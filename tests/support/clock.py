"""Two clocks: the one of this process, which a test may set wrong, and the one of the database, which decides."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.db import connection

SHIFTED = """
CREATE SCHEMA IF NOT EXISTS shifted;
CREATE OR REPLACE FUNCTION shifted.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('shifted.frozen', true), '')::timestamptz,
        pg_catalog.statement_timestamp() + current_setting('shifted.by')::interval
    )
$$
"""


@contextmanager
def travel(moment: datetime | float, *, tick: bool = True) -> Iterator[None]:
    """Set both clocks to ``moment`` (aware, or seconds since 1970): this process and this thread's connection to the database."""
    with database_at(moment, tick=tick) as then, time_machine.travel(then, tick=tick):
        yield


@contextmanager
def database_at(moment: datetime | float, *, tick: bool = True) -> Iterator[datetime]:
    """Set the clock of the database to ``moment`` for this thread's connection; give it as an aware time."""
    then = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)
    by = f"{(then - datetime.now(UTC)).total_seconds():.6f} seconds"
    before = _run("SELECT current_setting('search_path')")
    if _run("SELECT to_regprocedure('shifted.statement_timestamp()')") is None:  # two threads cannot create it at once
        _run(SHIFTED)
    _run("SELECT set_config('shifted.by', %s, false)", by)
    _run("SELECT set_config('shifted.frozen', %s, false)", "" if tick else then.isoformat())
    _run("SELECT set_config('search_path', %s, false)", f"shifted, pg_catalog, {before}")
    try:
        yield then
    finally:
        _run("SELECT set_config('search_path', %s, false)", before)


@contextmanager
def node_clock_off(by: timedelta) -> Iterator[None]:
    """Let the clock of this process be wrong by so much; the clock of the database is right."""
    with time_machine.travel(datetime.now(UTC) + by):
        yield


def _run(statement: str, *values: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None
