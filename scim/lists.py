"""Filters over lists that are kept as sent (phoneNumbers, addresses …): one condition of SQL/JSON, over one and the same value.

The path is made of names from our own schema and of quoted values, and is sent as a parameter. A value that is no text where text is compared
does not match; nothing in a list can make the database fail.
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
_UNKEPT: Final = re.compile("[\x00\ud800-\udfff]")
"""What no value that is kept can hold, and no path either."""

_SPECIAL: Final = re.compile(r"[.^$*+?()\[\]{}|\\]")


class _PathExists(Func):
    function = "jsonb_path_exists"
    template = "%(function)s(%(expressions)s::jsonpath)"
    output_field: Any = BooleanField()


def any_value(target: Target, tree: Filter) -> Q:
    """Return the condition that one value of a list fits ``tree``, whose paths are sub-attributes. Raises `InvalidFilter`."""
    return Q(_PathExists(F("attributes"), Value(value_path(target, tree))))


def value_path(target: Target, tree: Filter) -> str:
    """Return the path of SQL/JSON to the values of a list that fit ``tree``. Raises `InvalidFilter`."""
    return f"$.{json.dumps(target.key)}[*] ? ({_predicate(target, tree)})"


def as_kept(attribute: Attribute, value: Scalar) -> str | bool | None:
    """Return ``value`` as `Identity.attributes` holds it; None where it is not of the type of ``attribute``."""
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
    wanted = as_kept(sub, value)
    if name == "ne":
        return f"!({_compared(target, sub, 'eq', value)})"
    if isinstance(wanted, bool) and name == "eq":
        return f"{here} == {json.dumps(wanted)}"
    if not isinstance(wanted, str) or _UNKEPT.search(wanted):
        raise InvalidFilter(f"{target.name}.{sub.name} cannot be compared by {name} with {shown(value)}.")
    if name in _ORDER:
        return f"{here} {_ORDER[name]} {json.dumps(wanted)}"
    pattern = _PLACE[name].format(_SPECIAL.sub(r"\\\g<0>", wanted))
    return f"{here} like_regex {json.dumps(pattern)}" + ("" if sub.case_exact else ' flag "i"')


def _sub(target: Target, path: str) -> Attribute:
    sub = target.attribute.sub(path)
    if sub is None:
        raise InvalidFilter(f"{target.name} has no sub-attribute {shown(path)}.")
    return sub


def _at(sub: Attribute) -> str:
    return f"@.{json.dumps(sub.name)}"
