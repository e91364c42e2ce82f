"""Whether one value of a multi-valued attribute fulfils a condition.

The selector of a PATCH path (RFC 7644 section 3.5.2).
"""

import operator
from collections.abc import Callable, Mapping
from typing import Final

from scim.wire.attributes import Attribute
from scim.wire.errors import InvalidPath, shown
from scim.wire.filter import And, Comparison, Filter, Not, Or, Present, ValuePath


def fulfils(entry: Mapping[str, object], condition: Filter, attribute: Attribute) -> bool:
    """Tell whether ``entry``, a value of ``attribute`` under canonical names, fulfils ``condition``.

    `require_understood` looked at the condition; raises `InvalidPath` all the same where it has no meaning.
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
    """Raise `InvalidPath` where ``condition`` can say nothing of a value of ``attribute``, whether there are values or not.

    A removal by such a selector must not look as if there had been nothing to remove.
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
    """Return how many terms a condition has."""
    match condition:
        case And(inner) | Or(inner):
            return sum(terms(term) for term in inner)
        case Not(term):
            return terms(term)
    return 1


def same(entry: Mapping[str, object], named: Mapping[str, object], attribute: Attribute) -> bool:
    """Tell whether ``named``, as a removal names it, is ``entry``: by its value, or without one by all that is said."""
    said = {"value": named["value"]} if "value" in named else named
    return all(_equal(sub, entry.get(sub.name), said[sub.name]) for sub in attribute.sub_attributes if sub.name in said)


def template(condition: Filter, attribute: Attribute) -> dict[str, object] | None:
    """Return the value that ``condition`` describes, where it says nothing but what is equal to what; else None.

    Entra adds ``emails[type eq "work"].value`` to people who have none: the entry is made from the selector.
    """
    terms = condition.terms if isinstance(condition, And) else (condition,)
    described: dict[str, object] = {}
    for term in terms:
        if not isinstance(term, Comparison) or term.operator != "eq" or term.value is None:
            return None
        sub = _sub(attribute, term.path)
        described[sub.name] = _typed(sub, term.value)
    return described


def _require_comparable(comparison: Comparison, attribute: Attribute) -> None:
    sub = _sub(attribute, comparison.path)
    by_equality = comparison.operator in ("eq", "ne")
    wanted = _typed(sub, comparison.value)
    fits = isinstance(wanted, bool) if sub.type == "boolean" else isinstance(wanted, str)
    if (wanted is None and by_equality) or (fits and (by_equality or sub.type != "boolean")):
        return
    raise InvalidPath(
        f"{attribute.name}.{sub.name} cannot be compared by {comparison.operator} with {shown(comparison.value)}."
    )


def _compares(entry: Mapping[str, object], comparison: Comparison, attribute: Attribute) -> bool:
    sub = _sub(attribute, comparison.path)
    wanted, found = _typed(sub, comparison.value), entry.get(sub.name)
    if comparison.operator in ("eq", "ne"):
        return _equal(sub, found, wanted) == (comparison.operator == "eq")
    if not isinstance(found, str):
        return False
    return _TEXT[comparison.operator](str(_folded(sub, found)), str(_folded(sub, wanted)))


_TEXT: Final[dict[str, Callable[[str, str], bool]]] = {
    "co": lambda found, wanted: wanted in found,
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


def _typed(sub: Attribute, value: object) -> object:
    if sub.type == "boolean" and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def _equal(sub: Attribute, one: object, other: object) -> bool:
    return _folded(sub, one) == _folded(sub, other)


def _folded(sub: Attribute, value: object) -> object:
    return value.casefold() if isinstance(value, str) and not sub.case_exact else value
