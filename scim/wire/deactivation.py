"""Recognise messages that deactivate a person (R23).

This is separate from all other reading of the message, and comes first, because nothing may block a deactivation.
"""

from collections.abc import Iterator
from typing import Any, Final

from scim.wire import urns
from scim.wire.attributes import ResourceType
from scim.wire.errors import ScimError
from scim.wire.values import truth

DEACTIVATION: Final[dict[str, Any]] = {
    "schemas": [urns.PATCH_OP],
    "Operations": [{"op": "replace", "path": "active", "value": False}],
}
"""The deactivation alone, in place of a message of which nothing else can be applied."""


def contains_deactivation(body: object, resource_type: ResourceType) -> bool:
    """Whether a PUT or PATCH contains ``active: false``, in any form and with any other content. Never raises.

    If a message contains several values, the last one counts, as if all had been applied in turn.
    """
    active: bool | None = None
    for value in _values_of_active(body, resource_type):
        try:
            active = truth(_unwrapped(value), "active")
        except ScimError:
            continue
    return active is False


def _values_of_active(body: object, resource_type: ResourceType) -> Iterator[Any]:
    if not isinstance(body, dict):
        return
    operations = next((value for name, value in body.items() if name.lower() == "operations"), None)
    if operations and isinstance(operations, dict):
        operations = [operations]
    yield from _in_document(body, resource_type)  # a PUT may contain any name, also Operations
    for operation in operations if isinstance(operations, list) else ():
        parts = {name.lower(): value for name, value in operation.items()} if isinstance(operation, dict) else {}
        path, value = parts.get("path"), parts.get("value")
        if str(parts.get("op")).strip().lower() == "remove":
            continue
        if isinstance(path, str) and path:
            yield from _in_document({path: value}, resource_type)
        elif isinstance(value, dict):
            yield from _in_document(value, resource_type)


def _in_document(body: dict[str, Any], resource_type: ResourceType) -> Iterator[Any]:
    for name, value in body.items():
        if _is_active(name, resource_type):
            yield value
        elif isinstance(value, dict) and resource_type.schema(name) is resource_type.core:
            yield from (inner for key, inner in value.items() if key.lower() == "active")


def _is_active(path: str, resource_type: ResourceType) -> bool:
    target = resource_type.find(path.strip())
    return target is not None and target.key == "active"


def _unwrapped(value: Any) -> Any:
    """Return the value in a list of one, and in an object with the name ``value`` (Entra) or ``active``."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        parts = {name.lower(): inner for name, inner in value.items()}
        value = parts.get("value", parts.get("active"))
    return value
