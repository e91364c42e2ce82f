"""Read a body: as one JSON object, not ambiguous, and not deeper or larger than a resource can be; then as a flat mapping.

The mapping has each attribute under its canonical name, in whatever form a client wrote it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from scim.wire.attributes import ResourceType, Target
from scim.wire.errors import InvalidSyntax, InvalidValue, UnclearBody, shown

MAX_DEPTH: Final = 32
_NESTED: Final = frozenset((dict, list))
_OFTEN: Final = frozenset({"value", "display", "type", "$ref", "primary", "op", "path"})
"""Frequent names, of which no two differ only by letter case. A group may contain ten thousand objects with only these."""

Flat = dict[str, Any]
"""`Target.key` with the value as sent: ``userName``, ``name``, ``urn:…:enterprise:2.0:User:department``."""


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


def flatten(body: object, resource_type: ResourceType) -> Flat:
    """Return the attributes of a resource document that a client may set.

    Names have no letter case. An attribute of an extension may be in the object under the URN, even if ``schemas`` does not contain the URN, or
    outside it as ``urn:…:User:name``. Read-only and unknown attributes are left out unread, because clients echo them (RFC 7644 section 3.5.1).

    Raises `InvalidSyntax` if the body is not a resource, `InvalidValue` if an extension is not an object.
    """
    if not isinstance(body, dict):
        raise InvalidSyntax(f"The body must be a {resource_type.name} as a JSON object.")
    flat: Flat = {}
    for name, value in body.items():
        if name.lower() == "schemas":
            _require_urns(value, resource_type)
    for target, value in members(body, resource_type):
        if target is not None and target.sub is None and target.attribute.mutability != "readOnly":
            flat[target.key] = value
    return flat


def members(body: Mapping[str, Any], resource_type: ResourceType) -> Iterator[tuple[Target | None, Any]]:
    """Yield each member of a resource document as (attribute or None, value)."""
    for name, value in body.items():
        schema = resource_type.schema(name)
        if schema is None:
            yield resource_type.find(name), value
        elif isinstance(value, dict):
            for inner, inner_value in value.items():
                yield resource_type.find(f"{schema.urn}:{inner}"), inner_value
        elif value is not None:
            raise InvalidValue(f"{schema.urn} must be an object in braces, not {shown(value)}.")


def _require_urns(value: object, resource_type: ResourceType) -> None:
    if not isinstance(value, list) or not all(isinstance(urn, str) for urn in value):
        raise InvalidSyntax("schemas must be a list of URNs.")
    if value and not any(resource_type.schema(urn) for urn in value):
        raise InvalidSyntax(f"schemas of a {resource_type.name} must contain {resource_type.core.urn}.")
