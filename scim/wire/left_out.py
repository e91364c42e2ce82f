"""Describe the parts of an accepted message that are not stored, without personal data, for the decision in the log (R35)."""

from collections.abc import Iterator
from typing import Any, Final

from core_identity.brand import BRAND
from scim.wire.attributes import ResourceType

EXTENSION: Final = f"an extension that {BRAND} does not know was ignored"
GROUP_MEMBER: Final = "a group as a member was left out: only people can be members"


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
