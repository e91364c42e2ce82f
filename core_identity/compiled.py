"""Querysets of sign-ins, group changes and a person's own page, with SQL that each process compiles once. Django would compile it each time.

The ORM writes the SQL, so the meaning is that of the queryset. `Given` takes the place of each value that changes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection as database
from django.db.models import BooleanField, Expression, F, Field, Func, Model, QuerySet
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


class Given(Expression):
    """The place of a value with this name. The caller passes the value when the query runs."""

    def __init__(self, name: str, output_field: "Field[Any, Any]") -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return "%s", [self]


def any_of(column: str, place: Given) -> Func:
    """Return the condition that a column has one of the values of a list. An ``IN`` would have other SQL for each length."""
    return Func(F(column), place, template="%(expressions)s)", arg_joiner=" = ANY(", output_field=BooleanField())


def written_out(condition: str) -> Func:
    """Return a condition that is this SQL, without parameters.

    PostgreSQL may plan a statement with parameters once for all values. Such a plan cannot use an index that has only the rows of one value.
    """
    return Func(template=condition, output_field=BooleanField())


@dataclass(frozen=True)
class _Plan:
    """``start`` and ``end`` are the columns of the model itself; ``annotated`` are further ones by name."""

    sql: str
    params: tuple[Any, ...]
    model: type[Model]
    names: list[str]
    start: int
    end: int
    related: list[Any]
    annotated: tuple[tuple[str, int], ...]
    converters: list[tuple[int, list[Any], Any]]


class Compiled(Generic[M]):
    """A queryset of whole rows, with annotations and ``select_related``, but without prefetching. ``make`` returns it.

    A query with ``select_for_update`` must run in a transaction, the first time too.
    """

    def __init__(self, make: Callable[[], "QuerySet[M]"]) -> None:
        self._make = make

    def rows(self, **values: Any) -> "Iterator[M]":
        """Yield the rows for these values of `Given`."""
        plan = self._plan
        params = [values[one.name] if isinstance(one, Given) else one for one in plan.params]
        with database.cursor() as cursor:
            cursor.execute(plan.sql, params)
            found = cursor.fetchall()
        for columns in found:
            yield self._row(plan, list(columns))

    def first(self, **values: Any) -> "M | None":
        """Return the first row, or None."""
        return next(self.rows(**values), None)

    def _row(self, plan: _Plan, columns: list[Any]) -> Any:
        for position, converters, expression in plan.converters:
            for convert in converters:
                columns[position] = convert(columns[position], expression, database)
        row = plan.model.from_db(database.alias, plan.names, columns[plan.start : plan.end])
        for populator in plan.related:
            populator.populate(columns, row)
        for name, position in plan.annotated:
            setattr(row, name, columns[position])
        return row

    @cached_property
    def _plan(self) -> _Plan:
        compiler: Any = self._make().query.get_compiler(database.alias)
        sql, params = compiler.as_sql()
        klass, select = compiler.klass_info, compiler.select
        start, end = klass["select_fields"][0], klass["select_fields"][-1] + 1
        populators: Any = get_related_populators  # its signature differs between versions of Django's types
        related = populators(klass, select, database.alias)
        converters = [
            (position, converters, expression)
            for position, (converters, expression) in compiler.get_converters([one for one, _, _ in select]).items()
        ]
        return _Plan(
            sql,
            tuple(params),
            klass["model"],
            [one[0].target.attname for one in select[start:end]],
            start,
            end,
            related,
            tuple(compiler.annotation_col_map.items()),
            converters,
        )
