"""Whether one value of a multi-valued attribute matches the selector of a PATCH path (RFC 7644 section 3.5.2)."""

import operator
from collections.abc import Callable, Mapping
from typing import Final

from scim.wire.attributes import Attribute
from scim.wire.errors import InvalidPath, shown
from scim.wire.filter import And, Comparison, Filter, Not, Or, Present, ValuePath


def fulfils(entry: Mapping[str, object], condition: Filter, attribute: Attribute) -> bool:
    """Whether ``entry``, a value of ``attribute`` under canonical names, matches ``condition``.

    The caller checked it by `require_understood`. Raises `InvalidPath` for a condition that cannot apply.
    """
    match condition:
        case And(terms):
            return all(fulfils(entry, term, attribute) for term in terms)
        case Or(terms):
            return any(fulfils(entry, term, attribute) for term in terms)
        case Not(term):
            return not fulfils(entry, term, attribute)
        case Present(path):
            return entry.get(_sub(attribute, path).name) not in (None, "")
        case Comparison():
            return _compares(entry, condition, attribute)
        case ValuePath(path):
            raise InvalidPath(f"The selector of {attribute.name} cannot hold another selector: {shown(path)}.")


def require_understood(condition: Filter, attribute: Attribute) -> None:
    """Raise `InvalidPath` if ``condition`` cannot apply to any value of ``attribute``, even if there are no values.

    Otherwise a removal by such a selector would succeed and remove nothing.
    """
    match condition:
        case And(terms) | Or(terms):
            for term in terms:
                require_understood(term, attribute)
        case Not(term):
            require_understood(term, attribute)
        case Present(path):
            _sub(attribute, path)
        case Comparison():
            _require_comparable(condition, attribute)
        case ValuePath(path):
            raise InvalidPath(f"The selector of {attribute.name} cannot hold another selector: {shown(path)}.")


def terms(condition: Filter) -> int:
    """Return the number of terms in a condition."""
    match condition:
        case And(inner) | Or(inner):
            return sum(terms(term) for term in inner)
        case Not(term):
            return terms(term)
    return 1


def same(entry: Mapping[str, object], removal: Mapping[str, object], attribute: Attribute) -> bool:
    """Whether ``removal``, a value in a remove operation, means ``entry``: by its value, or without a value by all its parts."""
    parts = {"value": removal["value"]} if "value" in removal else removal
    return all(
        _equal(sub, entry.get(sub.name), parts[sub.name]) for sub in attribute.sub_attributes if sub.name in parts
    )


def template(condition: Filter, attribute: Attribute) -> dict[str, object] | None:
    """Return the value that ``condition`` describes if it consists of equalities only, otherwise None.

    Entra adds ``emails[type eq "work"].value`` to people without one. The entry is then created from the selector.
    """
    terms = condition.terms if isinstance(condition, And) else (condition,)
    described: dict[str, object] = {}
    for term in terms:
        if not isinstance(term, Comparison) or term.operator != "eq" or term.value is None:
            return None
        sub = _sub(attribute, term.path)
        described[sub.name] = _with_type(sub, term.value)
    return described


def _require_comparable(comparison: Comparison, attribute: Attribute) -> None:
    sub = _sub(attribute, comparison.path)
    by_equality = comparison.operator in ("eq", "ne")
    value = _with_type(sub, comparison.value)
    fits = isinstance(value, bool) if sub.type == "boolean" else isinstance(value, str)
    if (value is None and by_equality) or (fits and (by_equality or sub.type != "boolean")):
        return
    raise InvalidPath(
        f"{attribute.name}.{sub.name} cannot be compared by {comparison.operator} with {shown(comparison.value)}."
    )


def _compares(entry: Mapping[str, object], comparison: Comparison, attribute: Attribute) -> bool:
    sub = _sub(attribute, comparison.path)
    value, stored = _with_type(sub, comparison.value), entry.get(sub.name)
    if comparison.operator in ("eq", "ne"):
        return _equal(sub, stored, value) == (comparison.operator == "eq")
    if not isinstance(stored, str):
        return False
    return _TEXT[comparison.operator](str(_folded(sub, stored)), str(_folded(sub, value)))


_TEXT: Final[dict[str, Callable[[str, str], bool]]] = {
    "co": lambda stored, value: value in stored,
    "sw": str.startswith,
    "ew": str.endswith,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def _sub(attribute: Attribute, path: str) -> Attribute:
    sub = attribute.sub(path)
    if sub is None:
        raise InvalidPath(f"{attribute.name} has no sub-attribute {shown(path)}.")
    return sub


def _with_type(sub: Attribute, value: object) -> object:
    if sub.type == "boolean" and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def _equal(sub: Attribute, one: object, other: object) -> bool:
    return _folded(sub, one) == _folded(sub, other)


def _folded(sub: Attribute, value: object) -> object:
    return value.casefold() if isinstance(value, str) and not sub.case_exact else value
