"""Apply the operations of a PATCH to a resource (RFC 7644 sections 3.5.2.1 to 3.5.2.3)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

from scim.wire.attributes import Target
from scim.wire.document import Flat
from scim.wire.errors import InvalidPath, InvalidValue, Mutability, NoTarget, TooMany
from scim.wire.matching import fulfils, same, template, terms
from scim.wire.patch_op import Operation
from scim.wire.values import MAX_VALUES

MAX_COMPARISONS: Final = 200_000
"""The maximum number of comparisons in one message, because the other requests of the customer wait for it."""
_LABELS: Final = frozenset({"type", "primary", "display"})
"""Sub-attributes that only describe a value and are not one (RFC 7643 section 2.4)."""


class _Created(dict[str, Any]):
    """A value that a selector created. Entra sends its parts in any order, so only the end of the message shows whether it has content."""


def apply_patch(operations: Iterable[Operation], document: Mapping[str, Any]) -> tuple[Flat, frozenset[str]]:
    """Return the flat ``document`` after all operations, and the attributes that they changed. If one fails, none applies.

    ``document`` itself is not changed. Raises `NoTarget`, `Mutability`, `InvalidPath`, `InvalidValue`, `TooMany`, and the errors of iterating
    ``operations``.
    """
    flat = dict(document)
    touched: set[str] = set()
    comparisons = 0
    for operation in operations:
        comparisons += _comparisons(operation, flat.get(operation.target.key))
        if comparisons > MAX_COMPARISONS:
            raise TooMany("The operations select from too many values. Send them in smaller messages.")
        touched.add(operation.target.key)
        act = _remove if operation.op == "remove" or operation.value is None else _set
        changed = act(operation, flat.get(operation.target.key))
        if changed in (None, [], {}):
            flat.pop(operation.target.key, None)
        else:
            flat[operation.target.key] = changed
    _require_content(flat)
    return flat, frozenset(touched)


def _require_content(flat: Mapping[str, Any]) -> None:
    for key, entries in flat.items():
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, _Created) and not entry.keys() - _LABELS:
                raise NoTarget(
                    f"No value of {key} matches the selector of the path, and the message contains no new value."
                )


def _comparisons(operation: Operation, current: Any) -> int:
    if not operation.target.attribute.multi_valued:
        return 0
    values = operation.value if isinstance(operation.value, list) else ()
    return len(current or ()) * (terms(operation.selector) if operation.selector else len(values))


def _set(operation: Operation, current: Any) -> Any:
    """Return the value after an add or replace. They differ only for many values (RFC 7644 sections 3.5.2.1 and 3.5.2.3)."""
    target, value = operation.target, operation.value
    if not target.attribute.multi_valued:
        if operation.selector is not None and not _is_selected(operation, current):
            raise NoTarget(f"{target.key} does not match the selector of the path.")
        if target.sub is not None:
            return {**(current or {}), target.sub.name: value}
        return {**(current or {}), **value} if target.attribute.type == "complex" else value
    if target.sub is not None and operation.selector is None:
        _needs_selector(target)
    if operation.selector is not None:
        return _set_selected(operation, list(current or ()))
    if operation.op == "replace":
        return value
    fresh = [entry for entry in value if entry not in (current or ())]
    return _one_primary(_few([*(current or ()), *fresh], target), fresh)


def _set_selected(operation: Operation, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    target, selector = operation.target, operation.selector
    assert selector is not None  # noqa: S101 - for mypy
    parts = {target.sub.name: operation.value} if target.sub else operation.value
    described = template(selector, target.attribute)
    chosen = [index for index, entry in enumerate(entries) if fulfils(entry, selector, target.attribute)]
    if not chosen:
        # Entra replaces and adds parts of values that do not exist yet; RFC 7644 section 3.5.2.3 answers noTarget. A value that the selector
        # identifies by its content is not created, because it would be another value.
        created = {**(described or {}), **parts}
        if described is None or described.keys() - _LABELS or not fulfils(created, selector, target.attribute):
            raise NoTarget(f"No value of {target.attribute.name} matches the selector of the path.")
        _few(entries, target).append(_Created(described))
        chosen = [len(entries) - 1]
    for index in chosen:
        # A value that is replaced as a whole keeps only the parts in its selector (RFC 7644 section 3.5.2.3).
        whole = operation.op == "replace" and target.sub is None
        entry = entries[index]
        entries[index] = type(entry)({**((described or {}) if whole else entry), **parts})
    return _one_primary(entries, [entries[index] for index in chosen])


def _few(entries: list[dict[str, Any]], target: Target) -> list[dict[str, Any]]:
    if len(entries) > MAX_VALUES:
        raise InvalidValue(f"{target.name} has more than {MAX_VALUES} values.")
    return entries


def _one_primary(entries: list[dict[str, Any]], fresh: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave one primary value: a newly set one replaces the others (RFC 7644 section 3.5.2)."""
    if not any(entry.get("primary") is True for entry in fresh):
        return entries
    return [
        type(entry)({**entry, "primary": False}) if entry.get("primary") is True and entry not in fresh else entry
        for entry in entries
    ]


def _remove(operation: Operation, current: Any) -> Any:
    target, selector = operation.target, operation.selector
    if target.attribute.required:
        raise Mutability(f"{target.name} is required and cannot be removed.")
    if target.key == "active" and operation.op == "remove":
        raise Mutability("active cannot be removed: send true or false.")
    if not target.attribute.multi_valued:
        if selector is not None and not _is_selected(operation, current):
            return current
        return {} if target.sub is None else _without(current or {}, target.sub.name)
    if target.sub is not None and selector is None:
        _needs_selector(target)
    remaining = (_rest(operation, entry) if _is_removed(operation, entry) else entry for entry in current or ())
    return [entry for entry in remaining if entry is not None]


def _is_removed(operation: Operation, entry: dict[str, Any]) -> bool:
    """Whether a remove is about this one of many values."""
    attribute = operation.target.attribute
    if operation.selector is not None:
        return fulfils(entry, operation.selector, attribute)
    # Entra sends the values to remove.
    return operation.value is None or any(same(entry, value, attribute) for value in operation.value)


def _rest(operation: Operation, entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a remove leaves of one value; None if nothing."""
    sub = operation.target.sub
    if sub is None:
        return None
    rest = _without(entry, sub.name)
    # Entra clears a telephone number like this; the remaining labels alone have no meaning.
    if rest.keys() - _LABELS or (isinstance(entry, _Created) and sub.name in _LABELS):
        return type(entry)(rest)
    return None


def _is_selected(operation: Operation, current: Any) -> bool:
    """Whether the one value of an attribute exists and matches the selector: ``manager[value eq "…"]``."""
    assert operation.selector is not None  # noqa: S101 - the callers looked
    return bool(current) and fulfils(current, operation.selector, operation.target.attribute)


def _without(parts: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {one: value for one, value in parts.items() if one != name}


def _needs_selector(target: Target) -> NoReturn:
    raise InvalidPath(
        f"{target.name} is a part of each value in a list. Select one of them, as in "
        f'{target.attribute.name}[type eq "work"].{target.leaf.name}.'
    )
