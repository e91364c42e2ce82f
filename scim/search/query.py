"""Convert a filter tree to a condition of the database.

A filter that cannot be answered is refused. If a term were dropped, the IdP would find the wrong person, or create a duplicate.
"""

import operator
from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING

from django.db.models import OrderBy, Q

from scim.search.column_kinds import Column, Values
from scim.search.columns import Columns, group_columns, group_values, user_columns, user_values
from scim.search.lists import any_value
from scim.wire.attributes import ResourceType, Target
from scim.wire.errors import InvalidFilter, InvalidValue, shown
from scim.wire.filter import And, Comparison, Filter, Not, Or, Present, ValuePath, parse_filter
from scim.wire.list_response import Sort
from scim.wire.resource_types import GROUP_TYPE, user_type

if TYPE_CHECKING:
    from core_identity.models import Connection


def user_condition(query: str | Filter, connection: "Connection") -> Q:
    """Return the condition of a filter over Users, as text or as its tree. Raises `InvalidFilter`."""
    tree = parse_filter(query) if isinstance(query, str) else query
    return _of_users(connection).condition(tree)


def group_condition(text: str, connection: "Connection") -> Q:
    """Return the condition of a filter over Groups. Raises `InvalidFilter`."""
    return _of_groups(connection).condition(parse_filter(text))


def user_order(sort: Sort, connection: "Connection") -> OrderBy:
    """Return the order of a list of Users. Raises `InvalidValue`."""
    return _of_users(connection).order(sort)


def group_order(sort: Sort, connection: "Connection") -> OrderBy:
    """Return the order of a list of Groups. Raises `InvalidValue`."""
    return _of_groups(connection).order(sort)


def _of_users(connection: "Connection") -> "_Compiler":
    return _Compiler(user_type(connection.uid_attribute), user_columns(connection), user_values(connection))


def _of_groups(connection: "Connection") -> "_Compiler":
    return _Compiler(GROUP_TYPE, group_columns(connection), group_values(connection))


class _Compiler:
    def __init__(self, resource_type: ResourceType, columns: Columns, values: Mapping[str, Values]) -> None:
        self.resource_type = resource_type
        self.columns = columns
        self.values = values

    def order(self, sort: Sort) -> OrderBy:
        """Sort by RFC 7644 section 3.4.2.3: resources without a value come last, or first in descending order."""
        target = self.resource_type.find(sort.by)
        if target is not None:
            target = _value_of(target)
        column = self.columns.get(target.name) if target is not None else None
        if column is None or column.order is None:
            raise InvalidValue(f"A list of {self.resource_type.name}s cannot be sorted by {shown(sort.by)}.")
        return OrderBy(
            column.order, descending=sort.descending, **{"nulls_first" if sort.descending else "nulls_last": True}
        )

    def condition(self, tree: Filter) -> Q:
        match tree:
            case And(terms):
                return reduce(operator.and_, (self.condition(term) for term in terms))
            case Or(terms):
                return reduce(operator.or_, (self.condition(term) for term in terms))
            case Not(term):
                return ~self.condition(term)
            case Present(path):
                return self.present(path)
            case Comparison(path):
                return self.compared(tree, _value_of(self.target(path)))
            case ValuePath(path, inner):
                return self.of_one_value(path, inner)

    def present(self, path: str) -> Q:
        """Return the condition that an attribute has a value. A complex one has a value if any part has one (RFC 7644 section 3.4.2.2)."""
        target = self.target(path)
        parts = self.columns.parts(target.name) if target.sub is None else []
        if parts:
            return reduce(operator.or_, (column.present for column in parts))
        return self.column(target).present

    def compared(self, comparison: Comparison, target: Target) -> Q:
        column = self.column(target)
        if comparison.operator in ("eq", "ne") and comparison.value is None:
            return ~column.present if comparison.operator == "eq" else column.present
        name = "eq" if comparison.operator == "ne" else comparison.operator
        condition = column.compare(name, comparison.value)
        if condition is None:
            raise InvalidFilter(
                f"{target.name} cannot be compared by {comparison.operator} with {shown(comparison.value)}."
            )
        return ~condition if comparison.operator == "ne" else condition

    def target(self, path: str) -> Target:
        target = self.resource_type.find(path)
        if target is None:
            raise InvalidFilter(f"There is no attribute {shown(path)} in a {self.resource_type.name} of this service.")
        if target.sub is None and target.attribute.multi_valued:
            # RFC 7643 section 2.4: the attribute without a sub-attribute means its value.
            value = target.attribute.sub("value")
            return Target(target.extension, target.attribute, value)
        return target

    def column(self, target: Target) -> Column:
        column = self.columns.get(target.name)
        if column is None:
            raise InvalidFilter(f"{target.name} cannot be filtered.")
        return column

    def of_one_value(self, path: str, inner: Filter) -> Q:
        """Return the condition of ``emails[…]``, ``members[…]`` or ``manager[…]``: one value must match all terms."""
        target = self.resource_type.find(path)
        if target is None or target.sub is not None or target.attribute.type != "complex":
            raise InvalidFilter(f"{shown(path)} is not an attribute with parts, so it cannot have a selector.")
        if not target.attribute.multi_valued:
            return self.present(path) & self.condition(_inside(target, inner))
        values = self.values.get(target.key)
        if values is None:
            return any_value(target, inner)
        of_one = _Compiler(self.resource_type, Columns(values.columns, {}), {})
        return values.found(of_one.condition(_inside(target, inner)), inner)


def _value_of(target: Target) -> Target:
    """Return the ``value`` in place of the whole complex attribute (RFC 7643 section 2.4), also for Entra's ``manager``."""
    value = target.attribute.sub("value")
    return Target(target.extension, target.attribute, value) if target.sub is None and value else target


def _inside(target: Target, tree: Filter) -> Filter:
    """Return ``tree`` with full paths, from the resource to the sub-attribute."""
    match tree:
        case And(terms):
            return And(tuple(_inside(target, term) for term in terms))
        case Or(terms):
            return Or(tuple(_inside(target, term) for term in terms))
        case Not(term):
            return Not(_inside(target, term))
        case Present(path):
            return Present(f"{target.key}.{path}")
        case Comparison(path, name, value):
            return Comparison(f"{target.key}.{path}", name, value)
        case ValuePath(path):
            raise InvalidFilter(f"A selector cannot hold another selector: {shown(path)}.")
