"""Whether a message deactivates (R23).

Looked at before and apart from everything else in the message, because nothing may block it.
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
"""What is left of a message of which only this can be done."""


def says_inactive(body: object, resource_type: ResourceType) -> bool:
    """Tell whether a PUT or PATCH says ``active: false``, in any form and whatever else is in it. Never raises.

    Of several statements in one message the last counts, as if all had been applied in turn.
    """
    said: bool | None = None
    for value in _said_of_active(body, resource_type):
        try:
            said = truth(_unwrapped(value), "active")
        except ScimError:
            continue
    return said is False


def _said_of_active(body: object, resource_type: ResourceType) -> Iterator[Any]:
    if not isinstance(body, dict):
        return
    operations = next((value for name, value in body.items() if name.lower() == "operations"), None)
    if operations and isinstance(operations, dict):
        operations = [operations]
    yield from _in_document(
        body, resource_type
    )  # a PUT may hold anything else, and so a list that calls itself Operations
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
    """Take a value out of a list of one, and out of an object that calls it ``value`` (Entra) or ``active`` again."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        parts = {name.lower(): inner for name, inner in value.items()}
        value = parts.get("value", parts.get("active"))
    return value
