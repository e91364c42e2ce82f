"""The kinds of database columns, by how they compare with the value of a filter: as a key (R5), exactly, by time, or within stored JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from django.db.models import F, Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Lower, NullIf
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from core_identity.keys import key
from scim.search.lists import any_value
from scim.wire import urns
from scim.wire.attributes import Target
from scim.wire.filter import Comparison, Filter, Operator, Present, Scalar
from scim.wire.values import resource_id

if TYPE_CHECKING:
    from django.db.models import Expression, Subquery

NOBODY: Final = Q(pk__in=[])
EVERYBODY: Final = ~NOBODY
TEXT: Final = {"eq": "exact", "co": "contains", "sw": "startswith", "ew": "endswith"}
_ORDER: Final = {"eq": "exact", "gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}
_MILLISECOND: Final = timedelta(milliseconds=1)
_FIXED: Final = {"eq": str.__eq__, "co": str.__contains__, "sw": str.startswith, "ew": str.endswith}
_COMPARED: Final = {"gt": GreaterThan, "ge": GreaterThanOrEqual, "lt": LessThan, "le": LessThanOrEqual}
Compare: TypeAlias = Callable[[str, Scalar], Q | None]
"""Convert (operator, value) to a condition; None if the column does not support the operator.

``ne`` never arrives, because it is the negation of ``eq``.
"""

Order: TypeAlias = "Expression | F | Subquery"


@dataclass(frozen=True)
class Column:
    """How to query one attribute. ``present``: the condition that it has a value. ``order``: the expression to sort by, if there is one."""

    compare: Compare
    present: Q
    order: "Order | None" = None


@dataclass(frozen=True)
class Values:
    """How to query a multi-valued attribute when all terms must match the same value.

    ``columns`` serve the terms. ``found`` converts their condition, and its filter tree, to the condition for the resources that have such a
    value. ``sorted_by`` converts the order of a column to that of the resource.
    """

    columns: Mapping[str, Column]
    found: Callable[[Q, Filter], Q]
    sorted_by: Callable[[Order], Order] = lambda order: order

    def outside(self, name: str) -> Column:
        """Return the column for a filter without brackets, which matches any value."""
        column, sub = self.columns[name], name.rpartition(".")[2]

        def compare(operator: str, value: Scalar) -> Q | None:
            condition = column.compare(operator, value)
            comparison = Comparison(sub, cast("Operator", operator), value)
            return None if condition is None else self.found(condition, comparison)

        return Column(compare, self.found(column.present, Present(sub)), column.order and self.sorted_by(column.order))


def key_column(field: str) -> Column:
    present = ~Q(**{field: ""}) & Q(**{f"{field}__isnull": False})

    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str):
            return None
        if name in TEXT:
            return Q(**{f"{field}__{TEXT[name]}": key(value)})
        return Q(**{f"{field}__{_ORDER[name]}": key(value)}) & present

    return Column(compare, present, NullIf(F(field), Value("")))


def text_column(field: str, *, exact: bool) -> Column:
    present = ~Q(**{field: ""}) & Q(**{f"{field}__isnull": False})
    order = NullIf(F(field), Value("")) if exact else Lower(NullIf(F(field), Value("")))

    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str):
            return None
        if name in TEXT:
            return Q(**{f"{field}__{'' if exact else 'i'}{TEXT[name]}": value})
        # Lexicographically (RFC 7644 section 3.4.2.2), without letter case if the attribute has none.
        return Q(_COMPARED[name](order, Value(value) if exact else Lower(Value(value)))) & present

    return Column(compare, present, order)


def id_column(field: str) -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str) or name != "eq":
            return None
        scim_id = resource_id(value)
        return NOBODY if scim_id is None else Q(**{field: scim_id})

    return Column(compare, EVERYBODY, F(field))


def truth_column(yes: Q, order: F | None = None) -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        truth = _boolean(value)
        return None if name != "eq" or not isinstance(truth, bool) else yes if truth else ~yes

    return Column(compare, EVERYBODY, order)


def fixed_column(text: str) -> Column:
    """A constant text without letter case, the same for all resources."""

    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str) or name not in _FIXED:
            return None
        return EVERYBODY if _FIXED[name](text.casefold(), value.casefold()) else NOBODY

    return Column(compare, EVERYBODY)


def schemas_column(where: Mapping[str, Q]) -> Column:
    """``schemas`` of a resource: each URN, also in its older spellings, with the condition that an answer contains it."""
    by_urn = {
        spelling.casefold(): condition
        for urn, condition in where.items()
        for spelling in (urn, *urns.OLDER.get(urn, ()))
    }

    def compare(name: str, value: Scalar) -> Q | None:
        return by_urn.get(value.casefold(), NOBODY) if isinstance(value, str) and name == "eq" else None

    return Column(compare, EVERYBODY)


def time_column(field: str) -> Column:
    """Times as answers contain them: whole milliseconds, although the column is finer."""

    def compare(name: str, value: Scalar) -> Q | None:
        moment = _moment(value)
        if moment is None or name not in _ORDER:
            return None
        shown = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        following = shown + _MILLISECOND
        since, before = Q(**{f"{field}__gte": shown}), Q(**{f"{field}__lt": following})
        later, earlier = Q(**{f"{field}__gte": following}), Q(**{f"{field}__lt": shown})
        if moment != shown:  # no answer contains a time between two milliseconds
            return {"eq": NOBODY, "ge": later, "lt": before}.get(name, later if name == "gt" else before)
        return {"eq": since & before, "ge": since, "gt": later, "le": before, "lt": earlier}[name]

    return Column(compare, EVERYBODY, F(field))


def json_column(path: str, *, exact: bool) -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str) or name not in TEXT:
            return None
        lookup = "" if exact and name == "eq" else f"__{'' if exact else 'i'}{TEXT[name]}"
        # ``present`` is part of the condition. Otherwise its negation would be NULL for people without the attribute, and exclude them.
        return present & Q(**{f"{path}{lookup}": value})

    present = Q(**{f"{path}__isnull": False})
    return Column(compare, present, KT(path) if exact else Lower(KT(path)))


def list_column(target: Target) -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        whole = Target(target.extension, target.attribute)
        return any_value(whole, Comparison(target.leaf.name, cast("Operator", name), value))

    return Column(compare, Q(**{f"attributes__{target.key}__isnull": False}))


def _boolean(value: Scalar) -> Scalar:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def _moment(value: Scalar) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
