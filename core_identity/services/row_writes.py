"""Write rows of several models in one statement, for the most frequent pushes. The result is that of ``save()``, for a small part of the CPU.

No model signals are sent, and no code uses them. Values must have the types of their fields, because they are not converted.
Columns that the database generates are not refreshed in memory.

New rows are one parameter for each model, as JSON. So their number does not change the statement, and PostgreSQL prepares it once.
"""

import json
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import AutoField, DateTimeField, Model

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Field

_encode: Final = json.JSONEncoder(default=str).encode
"""Ids and times become texts, which PostgreSQL reads as exactly the same values."""


def insert(*rows: Model) -> None:
    """Insert new rows of one or several models in one statement, in their order.

    Foreign keys are checked at COMMIT, so the rows may refer to each other.
    """
    write(inserts=rows)


def update(row: Model, fields: Collection[str]) -> None:
    """Update the named fields of an existing row. Do nothing if no fields are named."""
    write(updates=[(row, fields)])


def write(
    *,
    updates: Iterable[tuple[Model, Collection[str]]] = (),
    inserts: Iterable[Model] = (),
    read_again: tuple[Model, str] | None = None,
) -> None:
    """Update the named fields of rows, one of each model, and insert new rows in their order, all in one statement.

    ``read_again``: one of these rows and the name of its JSON field. PostgreSQL changes the order of JSON, so after a write the field gets
    the value as stored. No other row of this model may be inserted with it.
    """
    parts: list[str] = []
    params: list[Any] = []
    again = ""
    for row, fields in updates:
        if fields:
            returned = _returning(row, fields, read_again)
            again = again or (returned and f"part{len(parts)}")
            parts.append(_updating(row, fields, params) + returned)
    for model, same in groupby(inserts, type):
        rows = list(same)
        returned = _returning(rows[0], None, read_again)
        again = again or (returned and f"part{len(parts)}")
        parts.append(_insertion(model).sql + returned)
        params.append(_insertion(model).values(rows))
    if not parts:
        return
    *first, last = parts
    if again and read_again:
        first, last = parts, f'SELECT "{read_again[1]}" FROM {again}'  # noqa: S608 - names of our own
    with_parts = ", ".join(f"part{number} AS ({part})" for number, part in enumerate(first))
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(f"WITH {with_parts} {last}" if first else last, params)
        if again and read_again:
            row, name = read_again
            _set_as_stored(row, name, cursor.fetchone()[0])


def _returning(row: Model, fields: Collection[str] | None, read_again: tuple[Model, str] | None) -> str:
    if read_again is None or row is not read_again[0] or (fields is not None and read_again[1] not in fields):
        return ""
    return f' RETURNING "{read_again[1]}"'


def _set_as_stored(row: Model, name: str, text: str) -> None:
    field: Any = row._meta.get_field(name)
    setattr(row, name, field.from_db_value(text, None, connections[DEFAULT_DB_ALIAS]))


def _updating(row: Model, fields: Collection[str], params: list[Any]) -> str:
    """Return an UPDATE of the row, and append its parameters."""
    database, meta = connections[DEFAULT_DB_ALIAS], row._meta
    targets = [field for field in meta.concrete_fields if field.name in fields or field.attname in fields]
    assignments = ", ".join(f'"{field.column}" = %s' for field in targets)
    params += [field.get_db_prep_save(field.pre_save(row, add=False), database) for field in targets]
    params.append(row.pk)
    return f'UPDATE "{meta.db_table}" SET {assignments} WHERE "{meta.pk.column}" = %s'  # noqa: S608 - names of our own


class _Insertion(NamedTuple):
    """The INSERT of a model, with one parameter. ``stamped`` are the fields that get the present time."""

    sql: str
    columns: tuple[str, ...]
    read: "Callable[[Model], tuple[Any, ...]]"
    stamped: "tuple[Field[Any, Any], ...]"

    def values(self, rows: Iterable[Model]) -> str:
        """Return the parameter for new rows, and mark them as saved."""
        documents = []
        for row in rows:
            for field in self.stamped:
                field.pre_save(row, add=True)
            documents.append(dict(zip(self.columns, self.read(row), strict=True)))
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        return _encode(documents)


@lru_cache
def _insertion(model: type[Model]) -> _Insertion:
    fields = tuple(
        field for field in model._meta.concrete_fields if not field.generated and not isinstance(field, AutoField)
    )
    columns, table = ", ".join(f'"{field.column}"' for field in fields), f'"{model._meta.db_table}"'
    return _Insertion(
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s::json)",  # noqa: S608 - names of our own
        tuple(field.column or "" for field in fields),
        attrgetter(*(field.attname for field in fields)),
        tuple(field for field in fields if isinstance(field, DateTimeField) and (field.auto_now or field.auto_now_add)),
    )
