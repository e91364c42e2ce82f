"""Whether one value of a multi-valued attribute fulfils a condition.

The selector of a PATCH path (RFC 7644 section 3.5.2).
"""

from collections.abc import Mapping

from scim.wire.attributes import Attribute
from scim.wire.errors import InvalidPath, shown
from scim.wire.filter import And, Comparison, Filter, Not, Or, Present, ValuePath


def fulfils(entry: Mapping[str, object], condition: Filter, attribute: Attribute) -> bool:
    """Tell whether ``entry``, a value of ``attribute`` under canonical names, fulfils ``condition``.

    Raises `InvalidPath`.
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


def _compares(entry: Mapping[str, object], comparison: Comparison, attribute: Attribute) -> bool:
    sub = _sub(attribute, comparison.path)
    wanted, found = _typed(sub, comparison.value), entry.get(sub.name)
    if comparison.operator in ("eq", "ne"):
        return (_folded(sub, found) == _folded(sub, wanted)) == (comparison.operator == "eq")
    if not isinstance(wanted, str):
        raise InvalidPath(f"{comparison.operator} compares text; {shown(comparison.value)} is none.")
    if not isinstance(found, str):
        return False
    left, right = str(_folded(sub, found)), str(_folded(sub, wanted))
    match comparison.operator:
        case "co":
            return right in left
        case "sw":
            return left.startswith(right)
        case "ew":
            return left.endswith(right)
        case "gt":
            return left > right
        case "ge":
            return left >= right
        case "lt":
            return left < right
        case "le":
            return left <= right
    raise AssertionError(comparison.operator)


def _sub(attribute: Attribute, path: str) -> Attribute:
    sub = attribute.sub(path)
    if sub is None:
        raise InvalidPath(f"{attribute.name} has no sub-attribute {shown(path)}.")
    return sub


def _typed(sub: Attribute, value: object) -> object:
    if sub.type == "boolean" and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def _folded(sub: Attribute, value: object) -> object:
    return value.casefold() if isinstance(value, str) and not sub.case_exact else value
