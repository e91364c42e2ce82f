"""The work of PostgreSQL for a block of code: the plan of each statement, with the rows and buffers that it really took.

Each statement runs once under EXPLAIN ANALYZE, which is rolled back, and then for itself. So writes can be judged, too. Triggers and foreign keys
are not seen.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from django.apps import apps
from django.db import connection as database

_EXPLAIN: Final = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) "
_PLANNED: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


@dataclass(frozen=True)
class Step:
    """One step of a plan: its kind, the table that it reads, and how many rows it looked at, all its rounds together."""

    kind: str
    table: str
    looked_at: int


@dataclass
class Plans:
    """The statements of a block in their order, each as its text, its steps, and the buffers that it touched."""

    statements: list[tuple[str, list[Step], int]] = field(default_factory=list)

    @property
    def buffers(self) -> int:
        return sum(touched for _, _, touched in self.statements)

    @property
    def looked_at(self) -> int:
        """Rows that all steps looked at, also those that a filter threw away.

        A bitmap of an index also counts rows that an earlier test rolled back. The step that reads its table counts the others.
        """
        counted = (step for _, steps, _ in self.statements for step in steps if step.kind != "Bitmap Index Scan")
        return sum(step.looked_at for step in counted)

    def whole_scans(self, *, more_than: int) -> list[str]:
        """Return the statements that read a table from its beginning to its end, and found it longer than this."""
        return [
            f"{step.table}: {text}"
            for text, steps, _ in self.statements
            for step in steps
            if step.kind == "Seq Scan" and step.looked_at > more_than
        ]

    def dearest(self, most: int = 3) -> str:
        """Describe the statements that touched most buffers: what to read when a gate fails."""
        ordered = sorted(self.statements, key=lambda one: -one[2])[:most]
        return "\n".join(f"  {touched} buffers: {text[:900]}\n    {steps}" for text, steps, touched in ordered)


@contextmanager
def plans() -> Iterator[Plans]:
    """Collect the plans of the statements of a block on Django's connection, which must be inside a transaction."""
    found_plans = Plans()

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip(" (\n").startswith(_PLANNED) and not many:
            document = _explained(sql, params)
            if document is not None:
                plan = document["Plan"]
                touched = plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
                found_plans.statements.append((" ".join(sql.split()), list(_steps(plan)), touched))
        return execute(sql, params, many, context)

    with database.execute_wrapper(explain):
        yield found_plans


def _explained(sql: str, params: Any) -> dict[str, Any] | None:
    """Return the plan of a statement, None where the statement itself fails: then the real run shows why."""
    with database.connection.cursor() as cursor:
        cursor.execute("SAVEPOINT explained")
        try:
            cursor.execute(_EXPLAIN + sql, params)
            ((documents,),) = cursor.fetchall()
        except psycopg.Error:
            documents = [None]
        cursor.execute("ROLLBACK TO SAVEPOINT explained")
        cursor.execute("RELEASE SAVEPOINT explained")
    document: dict[str, Any] | None = documents[0]
    return document


def _steps(plan: dict[str, Any]) -> Iterator[Step]:
    rounds = plan.get("Actual Loops", 1)
    thrown_away = sum(plan.get(f"Rows Removed by {cause}", 0) for cause in ("Filter", "Index Recheck", "Join Filter"))
    yield Step(
        plan["Node Type"], plan.get("Relation Name", ""), int((plan.get("Actual Rows", 0) + thrown_away) * rounds)
    )
    for step in plan.get("Plans", ()):
        yield from _steps(step)


def rows_read() -> dict[str, int]:
    """Return how many rows of each table this transaction has read so far, from end to end or by an index.

    PostgreSQL counts them as it runs statements. EXPLAIN is of no use for a plan that serves all values, because it plans for the values it gets.
    """
    with database.cursor() as cursor:
        cursor.execute("SELECT relname, seq_tup_read + COALESCE(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables")
        return dict(cursor.fetchall())


def never_analyse() -> None:
    """Keep PostgreSQL from learning how large the tables are, as in the first hour of a customer's first push.

    TRUNCATE also deletes the sizes that it learned in other tests.
    """
    ours = [
        model._meta.db_table for model in apps.get_models() if model._meta.app_label in {"core_identity", "scim", "sso"}
    ]
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '20s'")
        cursor.execute(f"TRUNCATE {', '.join(ours)} CASCADE")
        for table in ours:
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
