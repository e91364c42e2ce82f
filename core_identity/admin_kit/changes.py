"""Changes for people to read: (field, before, after)."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core_identity.models import Event


def changes_of(event: "Event") -> list[tuple[str, str, str]]:
    """Return the changes for people to read: (field, before, after)."""
    return shown_changes(event.changes)


def shown_changes(changes: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """As `changes_of`, of what an event holds or would hold."""
    return [(field, _shown(before), _shown(after)) for field, (before, after) in sorted(changes.items())]


def _shown(value: object) -> str:
    """Text as it is, nothing as a dash, anything else as JSON has it."""
    if value is None or value == "":
        return "–"  # noqa: RUF001 - a dash, not a minus
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
