"""Filters over stored lists (phoneNumbers, addresses …): one SQL/JSON condition, whose terms all match the same value.

The path consists of names from our own schema and of quoted values, and is sent as a parameter. If a value is not a text where text is compared,
it does not match. No content of a list can make the database fail.
"""

import json
import re
from typing import Any, Final

from django.db.models import BooleanField, F, Func, Q, Value

from scim.wire.attributes import Attribute, Target
from scim.wire.errors import InvalidFilter, shown
from scim.wire.filter import And, Comparison, Filter, Not, Or, Present, Scalar

_ORDER: Final = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_PLACE: Final = {"eq": "^{}$", "co": "{}", "sw": "^{}", "ew": "{}$"}
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""Characters that no stored value and no path can contain."""

_SPECIAL: Final = re.compile(r"[.^$*+?()\[\]{}|\\]")


class _PathExists(Func):
    function = "jsonb_path_exists"
    template = "%(function)s(%(expressions)s::jsonpath)"
    output_field: Any = BooleanField()


def any_value(target: Target, tree: Filter) -> Q:
    """Return the condition that one value of a list matches ``tree``, whose paths are sub-attributes. Raises `InvalidFilter`."""
    return Q(_PathExists(F("attributes"), Value(value_path(target, tree))))


def value_path(target: Target, tree: Filter) -> str:
    """Return the SQL/JSON path to the values of a list that match ``tree``. Raises `InvalidFilter`."""
    return f"$.{json.dumps(target.key)}[*] ? ({_predicate(target, tree)})"


def as_stored(attribute: Attribute, value: Scalar) -> str | bool | None:
    """Return ``value`` as it is stored in `Identity.attributes`; None if it does not have the type of ``attribute``."""
    if attribute.type == "boolean":
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        return value if isinstance(value, bool) else None
    return value if isinstance(value, str) else None


def _predicate(target: Target, tree: Filter) -> str:
    match tree:
        case And(terms):
            return " && ".join(f"({_predicate(target, term)})" for term in terms)
        case Or(terms):
            return " || ".join(f"({_predicate(target, term)})" for term in terms)
        case Not(term):
            return f"!({_predicate(target, term)})"
        case Present(path):
            return f"exists({_at(_sub(target, path))})"
        case Comparison(path, name, value):
            return _compared(target, _sub(target, path), name, value)
    raise InvalidFilter(f"A selector cannot hold another selector: {shown(target.name)}.")


def _compared(target: Target, sub: Attribute, name: str, value: Scalar) -> str:
    here = _at(sub)
    if value is None and name in ("eq", "ne"):
        return f"!(exists({here}))" if name == "eq" else f"exists({here})"
    stored = as_stored(sub, value)
    if name == "ne":
        return f"!({_compared(target, sub, 'eq', value)})"
    if isinstance(stored, bool) and name == "eq":
        return f"{here} == {json.dumps(stored)}"
    if not isinstance(stored, str) or _UNSTORABLE.search(stored):
        raise InvalidFilter(f"{target.name}.{sub.name} cannot be compared by {name} with {shown(value)}.")
    if name in _ORDER:
        return f"{here} {_ORDER[name]} {json.dumps(stored)}"
    pattern = _PLACE[name].format(_SPECIAL.sub(r"\\\g<0>", stored))
    return f"{here} like_regex {json.dumps(pattern)}" + ("" if sub.case_exact else ' flag "i"')


def _sub(target: Target, path: str) -> Attribute:
    sub = target.attribute.sub(path)
    if sub is None:
        raise InvalidFilter(f"{target.name} has no sub-attribute {shown(path)}.")
    return sub


def _at(sub: Attribute) -> str:
    return f"@.{json.dumps(sub.name)}"
