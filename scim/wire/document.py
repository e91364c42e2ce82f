"""A resource as a flat mapping: each attribute under its canonical name, in whatever form a client wrote it."""

from collections.abc import Iterator, Mapping
from typing import Any

from scim.wire.attributes import ResourceType, Target
from scim.wire.errors import InvalidSyntax, InvalidValue, shown

Flat = dict[str, Any]
"""`Target.key` with the value as sent: ``userName``, ``name``, ``urn:…:enterprise:2.0:User:department``."""


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
