"""Read a Group message as a `GroupChange`, with members as sets, in any form and size."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from core_identity.values import GroupChange
from scim.wire.attributes import Target
from scim.wire.document import Flat, flatten
from scim.wire.errors import InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget, shown
from scim.wire.filter import Comparison, Filter, Or, Path, parse_path
from scim.wire.patch_op import Op, raw_operations
from scim.wire.resource_types import GROUP_TYPE
from scim.wire.values import RESOURCE_ID, text

_AS_FORM: Final = bytes.maketrans(b"0123456789abcdefx", b"x" * 16 + b"?")
_FORM: Final = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
MAX_MEMBERS: Final = 100_000


def read_group(body: object, *, whole: bool) -> GroupChange:
    """Read a POST, or with ``whole`` a PUT. In a PUT, a group without members is empty (RFC 7644 section 3.5.1).

    Raises `InvalidSyntax` and `InvalidValue`.
    """
    flat = flatten(body, GROUP_TYPE)
    members = frozenset(_ids(flat.get("members")))
    if whole and not flat.get("displayName"):
        raise InvalidValue("displayName is required and must not be empty.")
    return GroupChange(
        display_name=_optional(flat, "displayName"),
        external_id=_optional(flat, "externalId"),
        members=members if whole else None,
        add=frozenset() if whole else members,
    )


def read_group_patch(body: object) -> GroupChange:
    """Read a PATCH. Its operations, in order, become sets, so their number costs no statement.

    Raises `InvalidSyntax`, `InvalidPath`, `InvalidValue`, `NoTarget`, `Mutability`. An unclear removal raises too: if it were passed over, a
    member would keep a role that they lost.
    """
    compiled = _Compiled()
    for op, path, value in raw_operations(body):
        if path is not None and not (GROUP_TYPE.schema(path) and isinstance(value, dict) and op != "remove"):
            _compile(compiled, op, path, value, explicit=True)
        elif path is not None:
            for name, inner in _pathless({path: value}):
                _compile(compiled, op, name, inner, explicit=False)
        elif op == "remove":
            raise NoTarget("A remove operation needs a path.")
        elif not isinstance(value, dict):
            raise InvalidValue(f"An operation without a path needs an object as its value, not {shown(value)}.")
        else:
            for name, inner in _pathless(value):
                _compile(compiled, op, name, inner, explicit=False)
    return compiled.change()


class _Compiled:
    """The sets after the operations so far. ``members`` replaces first, then ``remove`` applies, then ``add``."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.members: set[str] | None = None
        self.added: set[str] = set()
        self.removed: set[str] = set()

    def replace(self, ids: Iterable[str]) -> None:
        self.members, self.added, self.removed = set(ids), set(), set()

    def add(self, ids: Iterable[str]) -> None:
        ids = set(ids)
        self.added |= ids
        self.removed -= ids

    def remove(self, ids: Iterable[str]) -> None:
        ids = set(ids)
        self.removed |= ids
        self.added -= ids

    def change(self) -> GroupChange:
        return GroupChange(
            display_name=self.texts.get("displayName"),
            external_id=self.texts.get("externalId"),
            members=None if self.members is None else frozenset(self.members),
            add=frozenset(self.added),
            remove=frozenset(self.removed),
        )


def _pathless(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        schema = GROUP_TYPE.schema(name)
        if schema is not None and isinstance(inner, dict):
            yield from ((f"{schema.urn}:{key}", one) for key, one in inner.items())
        else:
            yield name, inner


def _compile(compiled: _Compiled, op: Op, text_path: str, value: Any, *, explicit: bool) -> None:
    if GROUP_TYPE.is_foreign(text_path):
        return
    path = parse_path(text_path) if explicit or "[" in text_path else Path(text_path)
    target = GROUP_TYPE.find(path.attribute)
    if target is None:
        if explicit:
            raise InvalidPath(f"There is no attribute {shown(text_path)} in a Group of this service.")
        return  # Okta and Entra repeat other attributes of the group
    if target.attribute.mutability == "readOnly":
        if explicit:
            raise Mutability(f"{target.name} is read-only.")
        return
    if target.key == "members":
        _compile_members(compiled, op, path, target, value)
    elif path.condition is not None or target.sub is not None:
        raise InvalidPath(f"{target.name} has a single value, so it cannot have a selector.")
    elif op == "remove" or value is None:
        if target.attribute.required:
            raise Mutability(f"{target.name} is required and cannot be removed.")
        if op == "remove":
            compiled.texts[target.key] = ""
    else:
        compiled.texts[target.key] = text(value, target.key)


def _compile_members(compiled: _Compiled, op: Op, path: Path, target: Target, value: Any) -> None:
    if target.sub is not None or path.sub_attribute is not None:
        raise InvalidPath("A member is added or removed as a whole: use the path members.")
    if path.condition is not None:
        selected = set(_selected(path.condition))
        if op == "remove":
            compiled.remove(selected)
        elif op == "replace" and value is not None:
            compiled.remove(selected)
            compiled.add(_ids(value))
        else:
            raise InvalidPath('A member is added with the path members and the value [{"value": "<id of the user>"}].')
    elif op == "replace" or (op == "remove" and value is None):
        compiled.replace(_ids(value))
    elif op == "remove":
        compiled.remove(_ids(value))
    else:
        compiled.add(_ids(value))


def _selected(condition: Filter) -> Iterator[str]:
    """Yield the ids in ``value eq "a"``, also joined by ``or``. Raises `InvalidPath` for any other selector of members."""
    for term in condition.terms if isinstance(condition, Or) else (condition,):
        if not isinstance(term, Comparison) or term.operator != "eq" or term.path.lower() != "value":
            raise InvalidPath('Members are selected by their id only: members[value eq "<id of the user>"].')
        if not isinstance(term.value, str):
            raise InvalidPath(f"The id of a member is a text, not {shown(term.value)}.")
        if RESOURCE_ID.fullmatch(term.value):
            yield term.value.lower()


def _ids(value: object) -> Iterable[str]:
    """Return the ids of members as sent, in lower case: from a list, one object, or bare ids.

    An id in another form is passed over, as an unknown one is.
    """
    entries = value if isinstance(value, list) else [] if value is None else [value]
    if not entries:
        return ()
    if len(entries) > MAX_MEMBERS:
        raise InvalidSyntax(f"A message may name at most {MAX_MEMBERS} members.")
    return _plain_ids(entries) or _any_ids(entries)


def _plain_ids(entries: list[Any]) -> list[str] | None:
    """Read ``[{"value": "<id>"}, …]`` at once; None for any other form. This takes a tenth of the time for ten thousand members."""
    try:
        text = ",".join([entry["value"] for entry in entries]).lower()
    except (TypeError, KeyError):
        return None
    form = text.encode("ascii", "replace").translate(_AS_FORM)
    return text.split(",") if form == b",".join([_FORM] * len(entries)) else None


def _any_ids(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        member_id = entry
        if isinstance(entry, dict):
            member_id = next((one for name, one in entry.items() if name.lower() == "value"), None)
        if not isinstance(member_id, str) or not member_id:
            raise InvalidValue(f'A member is {{"value": "<id of the user>"}}, not {shown(entry)}.')
        if RESOURCE_ID.fullmatch(member_id):
            yield member_id.lower()
        elif member_id is entry:
            raise InvalidValue(f"{shown(entry)} is not the id of a member.")  # a stray word must not empty a group


def _optional(flat: Flat, name: str) -> str | None:
    value = flat.get(name)
    return None if value is None else text(value, name)
