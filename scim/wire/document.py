"""Read a body: as one JSON object, not ambiguous, and not deeper or larger than a resource can be; then as a flat mapping.

The mapping has each attribute under its canonical name, in whatever form a client wrote it. `left_out` describes the parts of an accepted message
that are not stored, without personal data, for the decision in the log (R35).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from core_identity.brand import BRAND
from scim.wire.attributes import ResourceType, Target
from scim.wire.errors import InvalidSyntax, InvalidValue, UnclearBody, shown

MAX_DEPTH: Final = 32
_NESTED: Final = frozenset((dict, list))
_OFTEN: Final = frozenset({"value", "display", "type", "$ref", "primary", "op", "path"})
"""Frequent names, of which no two differ only by letter case. A group may contain ten thousand objects with only these."""

EXTENSION: Final = f"an extension that {BRAND} does not know was ignored"
GROUP_MEMBER: Final = "a group as a member was left out: only people can be members"

Flat = dict[str, Any]
"""`Target.key` with the value as sent: ``userName``, ``name``, ``urn:…:enterprise:2.0:User:department``."""


def parse_json(content: bytes) -> dict[str, Any]:
    """Return the one object in ``content``.

    Raises `InvalidSyntax`, also for 100,000 nested brackets; `UnclearBody` if the content is valid JSON but ambiguous.
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


def left_out(body: object, resource_type: ResourceType) -> tuple[str, ...]:
    """Return one sentence for each kind of part that is not stored from a resource or a PatchOp message. Never raises."""
    statements = tuple(_statements(body))
    found = {
        EXTENSION: any(resource_type.is_foreign(name) for name, _ in statements),
        GROUP_MEMBER: any(_has_group(name, value, resource_type) for name, value in statements),
    }
    return tuple(sentence for sentence, is_true in found.items() if is_true)


def _statements(body: object) -> Iterator[tuple[str, Any]]:
    """Yield each name or path of a message with its value."""
    if not isinstance(body, dict):
        return
    yield from body.items()
    operations = next((value for name, value in body.items() if name.lower() == "operations"), None)
    for operation in operations if isinstance(operations, list) else ():
        parts = {name.lower(): value for name, value in operation.items()} if isinstance(operation, dict) else {}
        path, value = parts.get("path"), parts.get("value")
        if isinstance(path, str) and path:
            yield path, value
        elif isinstance(value, dict):
            yield from value.items()


def _has_group(name: str, value: Any, resource_type: ResourceType) -> bool:
    target = resource_type.find(name)
    if target is None or target.key != "members":
        return False
    entries = [entry for entry in (value if isinstance(value, list) else [value]) if isinstance(entry, dict)]
    # Thousands of members share a few sets of names, so the names are checked once for each set.
    types = {names: [name for name in names if name.lower() == "type"] for names in set(map(tuple, entries))}
    if not any(types.values()):
        return False
    return any(str(entry[name]).lower() == "group" for entry in entries for name in types[tuple(entry)])
