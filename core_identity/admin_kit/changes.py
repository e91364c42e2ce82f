"""The changes of an event, for people to read: fields and values in words, not the codes of the database."""

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.db.models import Field

from core_identity.models.event import REFUSED_KINDS
from core_identity.policy.wording import CAUSES, CHANNELS

if TYPE_CHECKING:
    from core_identity.models import Event

OURS: Final = frozenset({"core_identity", "scim", "sso"})
NOTHING: Final = "–"  # noqa: RUF001 - a dash, not a minus


def changes_of(event: "Event") -> list[tuple[str, str, str]]:
    """Return the changes for people to read: (field, before, after)."""
    return shown_changes(event.changes)


def shown_changes(changes: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """As `changes_of`, of what an event holds or would hold."""
    return [(field_words(field), *_shown_pair(field, *pair)) for field, pair in sorted(changes.items())]


def reason_of(event: "Event") -> str:
    """Return the reason. That of a refusal begins with a code for programs, which is left out."""
    code, colon, sentence = event.reason.partition(": ")
    return sentence if event.kind in REFUSED_KINDS and colon and " " not in code else event.reason


def field_words(name: str) -> str:
    """Return the name of a field for people to read: "externalId", "last name"."""
    field = _fields().get(name)
    return str(field.verbose_name) if field is not None else name.replace("_", " ")


def _shown_pair(field: str, before: object, after: object) -> tuple[str, str]:
    """Return both values. Of values with parts, such as all attributes of SCIM, name the parts that changed."""
    if isinstance(before, dict | None) and isinstance(after, dict | None) and (before or after):
        old, new = before or {}, after or {}
        changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
        parts = [", ".join(name for name in changed if name in values) or NOTHING for values in (old, new)]
        return parts[0], parts[1]
    return _shown(field, before), _shown(field, after)


def _shown(field: str, value: object) -> str:
    """Text as it is, a choice in words, nothing as a dash, anything else as JSON has it."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or NOTHING
    return (
        _choices().get(field, {}).get(value, value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    )


@cache
def _fields() -> "Mapping[str, Field[Any, Any]]":
    """Return the fields of our models by name, of the first model that has one."""
    found: dict[str, Field[Any, Any]] = {}
    for model in apps.get_models():
        if model._meta.app_label in OURS:
            for field in model._meta.concrete_fields:
                found.setdefault(field.name, field)
    return found


@cache
def _choices() -> Mapping[str, Mapping[str, str]]:
    """Return the words of the choices of our models, by field and stored value."""
    found: dict[str, dict[str, str]] = {}
    for model in apps.get_models():
        if model._meta.app_label in OURS:
            for field in model._meta.concrete_fields:
                found.setdefault(field.name, {}).update(
                    {str(value): str(words) for value, words in field.flatchoices or ()}
                )
    return {**found, "cause": {str(cause): words for cause, words in CAUSES.items()}, "channel": dict(CHANNELS)}
