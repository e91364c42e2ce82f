"""Parse JSON for SCIM: one object, not ambiguous, and not deeper or larger than a resource can be."""

import json
from typing import Any, Final, NoReturn

from scim.wire.errors import InvalidSyntax, UnclearBody, shown

MAX_DEPTH: Final = 32
_NESTED: Final = frozenset((dict, list))
_OFTEN: Final = frozenset({"value", "display", "type", "$ref", "primary", "op", "path"})
"""Frequent names, of which no two differ only by letter case. A group may contain ten thousand objects with only these."""


def parse_json(content: bytes) -> dict[str, Any]:
    """Return the one object in ``content``.

    Raises `InvalidSyntax`, also for 100,000 nested brackets, and `UnclearBody` if it is valid JSON nevertheless.
    """
    try:
        return _parsed(content)
    except InvalidSyntax as fault:
        try:
            document = json.loads(content.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise fault from None
        raise UnclearBody(fault.message, document) from None


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite
        )
    except RecursionError:
        _too_deep()
    except UnicodeDecodeError:
        raise InvalidSyntax("The body is not in UTF-8.") from None
    except ValueError as error:
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidSyntax(f"The body is not JSON{where}.") from None
    if not isinstance(document, dict):
        raise InvalidSyntax("The body must be a JSON object.")
    if content.count(b"[") + content.count(b"{") > MAX_DEPTH:
        _require_shallow(document)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object. Raises `InvalidSyntax` for two names that are equal without letter case, because either value could be meant."""
    document = dict(pairs)
    if len(document) == len(pairs) and document.keys() <= _OFTEN:
        return document
    if len({name.lower() for name in document}) == len(pairs):
        return document
    names: set[str] = set()
    for name, _ in pairs:
        if name.lower() in names:
            raise InvalidSyntax(f"The body contains {shown(name)} twice.")
        names.add(name.lower())
    return document


def _no_constant(name: str) -> NoReturn:
    raise InvalidSyntax(f"The body is not JSON: {name} is not a value.")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if number - number == 0 else _no_constant(digits[:30])


def _require_shallow(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _NESTED
        ]
        if not level:
            return
    _too_deep()


def _too_deep() -> NoReturn:
    raise InvalidSyntax(f"The body is nested more than {MAX_DEPTH} deep.")
