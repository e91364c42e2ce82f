"""The part of a message that may be kept in a log: the parsed tree, without its secrets and within a size (R34, R35).

Nothing here searches a text for a secret's value: each name and path of the tree decides about the value below it. A text that contains JSON is a
tree too. A doubtful text is removed.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from core_identity.attributes import FOLLOWED
from scim.wire import urns
from scim.wire.errors import ScimError
from scim.wire.filter import And, Comparison, Filter, Not, Or, Present, ValuePath, parse_filter, parse_path
from scim.wire.secret_names import MAX_PLAIN, is_name_of_secret, may_contain_secret, names_secret

REMOVED: Final = "(removed)"
LEFT_OUT: Final = "(left out)"
UNREADABLE: Final = "(left out: it could not be read)"

MAX_TEXT: Final = 2_000
"""Characters of one text that are kept."""
MAX_ITEMS: Final = 50
"""Items of one list, and members of one object, that are kept."""
MAX_NODES: Final = 400
"""Values of one message that are kept. The limit also bounds the work for a message."""
MAX_DEPTH: Final = 12
"""Levels of objects and lists that are kept, those in texts included."""

_NAMING: Final = frozenset({"op", "path", "name", "type", "key", "attribute", "attributename", "field", "property"})
"""Members of an object that may name the attribute of its other members, as ``path`` names that of ``value`` in a PATCH."""


def _last_word(path: str) -> str:
    """Return the name of the attribute at the end of a SCIM path, for comparison."""
    return re.split("[:.]", path)[-1].strip().lower()


_NOT_NAMES: Final = frozenset(
    {
        "op", "path", "type", "schemas", "method", "version", "location", "resourcetype", "created", "lastmodified", "locale", "preferredlanguage",
        "timezone", "middlename", "formatted", "honorificprefix", "honorificsuffix", "division", "costcenter", "usertype", "country", "region",
        "locality", "postalcode", "streetaddress", "status", "$ref", "sortby", "sortorder", "active", "attributes", "excludedattributes", "cursor",
    }
    | {_last_word(one.scim) for one in FOLLOWED}
)  # fmt: skip
"""Attributes that do not identify a person. The values of all others are `Redaction.names`."""


_SCHEMAS: Final = frozenset({urns.USER, urns.ENTERPRISE_USER, urns.CORE_USER, urns.GROUP, urns.PATCH_OP})
"""Texts in most messages. They contain no secret, and need no search for one."""


class _Name(NamedTuple):
    """The meaning of a member's name for its value and for the log."""

    folded: str
    is_secret: bool
    is_naming: bool
    finds_people: bool
    is_kept: bool
    """Whether the name may be kept as it is, unless the token is a part of it."""


def _read_name(name: str) -> _Name:
    folded = name.strip().lower()
    return _Name(
        folded,
        names_secret(name),
        folded in _NAMING,
        _last_word(name) not in _NOT_NAMES,
        len(name) <= MAX_TEXT and "[" not in name and not may_contain_secret(name),
    )


_known_name: Final = lru_cache(maxsize=1024)(_read_name)  # a client sends the same few names again and again


def _name_of(name: str) -> _Name:
    return _known_name(name) if len(name) <= MAX_PLAIN else _read_name(name)


@dataclass
class Redaction:
    """One message on its way to the log. ``names`` collects the kept texts by which its people are found; ``secrets`` the texts that were removed."""

    token: str = ""
    names: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    nodes: int = 0
    unreadable: list[str] = field(default_factory=list)
    """Texts that were not kept because they could not be read. A sentence may quote a part of them."""

    def tree(self, value: Any, name: str = "", depth: int = 0) -> Any:
        """Return what may be kept of a parsed value; ``name`` is that of the attribute that has it."""
        self.nodes += 1
        if self.nodes > MAX_NODES or (depth > MAX_DEPTH and isinstance(value, dict | list)):
            return LEFT_OUT
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list):
            return self._list(value, name, depth)
        if isinstance(value, str):
            return self._text(value, _name_of(name), depth)
        return value

    def filter(self, text: str) -> str:
        """Return a filter whose comparisons with secrets are removed; nothing of one that cannot be read."""
        try:
            tree = parse_filter(text)
        except ScimError:
            self.unreadable.append(text)
            if not names_secret(text):
                self.names += re.findall(r'[^\s"()\[\]]+', text)[:MAX_ITEMS]
            return UNREADABLE
        return self.render(tree)

    def render(self, tree: Filter, *, secret: bool = False) -> str:
        match tree:
            case Comparison():
                hidden = secret or names_secret(tree.path)
                return f"{self._name(tree.path)} {tree.operator} {self._compared(tree, hidden)}"
            case Present():
                return f"{self._name(tree.path)} pr"
            case Not():
                return f"not ({self.render(tree.term, secret=secret)})"
            case And() | Or():
                joined = " and " if isinstance(tree, And) else " or "
                parts = [self.render(term, secret=secret) for term in tree.terms]
                return joined.join(
                    f"({part})" if isinstance(term, And | Or) else part
                    for part, term in zip(parts, tree.terms, strict=True)
                )
            case ValuePath():
                hidden = secret or names_secret(tree.path) or _names_any_secret(tree.condition)
                return f"{self._name(tree.path)}[{self.render(tree.condition, secret=hidden)}]"

    def quotes_secret(self, sentence: str) -> bool:
        """Whether a sentence may quote, whole or cut off, a text that was removed from the message."""
        if "…" in sentence and self.secrets:
            return True
        if any(names_secret(text) for text in self.unreadable):
            return True
        if self.nodes > MAX_NODES and may_contain_secret(sentence):
            return True
        if self.token and self.token in sentence:
            return True
        return any(form in sentence for text in self.secrets for form in _forms(text) if form)

    def forget(self, value: Any) -> None:
        """Remember the texts of a value that is not kept, so that no sentence repeats them."""
        waiting = [value]
        while waiting and len(self.secrets) < MAX_NODES:
            one = waiting.pop()
            if isinstance(one, dict):
                waiting += [*one.keys(), *one.values()]
            elif isinstance(one, list):
                waiting += one
            elif one is not None and not isinstance(one, bool):
                self.secrets.append(str(one))

    def _object(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        names = [_name_of(name) for name in value]
        named = _secret_named_in(names, value.values())
        kept: dict[str, Any] = {}
        for at, ((name, inner), of_name) in enumerate(zip(value.items(), names, strict=True)):
            if at >= MAX_ITEMS:
                kept[LEFT_OUT] = f"{len(value) - at} more"
                break
            shown = name if of_name.is_kept and not (self.token and self.token in name) else self._name(name)
            if shown in kept:
                shown = f"{shown} {at}"
            is_text = isinstance(inner, str)
            if of_name.is_secret or (named and not (is_text and of_name.is_naming)):
                self.forget(inner)
                kept[shown] = REMOVED
            elif is_text and of_name.folded == "filter":
                kept[shown] = self.filter(inner)
            elif is_text and of_name.folded == "path":
                kept[shown] = self._path(inner)
            elif is_text and self.nodes < MAX_NODES:
                self.nodes += 1
                kept[shown] = self._text(inner, of_name, depth + 1)
            else:
                kept[shown] = self.tree(inner, name, depth + 1)
        return kept

    def _list(self, value: list[Any], name: str, depth: int) -> list[Any]:
        named = any(
            isinstance(one, str) and one not in _SCHEMAS and is_name_of_secret(one) for one in value[:MAX_NODES]
        )
        kept: list[Any] = []
        for one in value[:MAX_ITEMS]:
            if named and not isinstance(one, dict | list) and not (isinstance(one, str) and is_name_of_secret(one)):
                self.forget(one)
                kept.append(REMOVED)
            else:
                kept.append(self.tree(one, name, depth + 1))
        return [*kept, f"(left out: {len(value) - MAX_ITEMS} more)"] if len(value) > MAX_ITEMS else kept

    def _text(self, text: str, name: _Name, depth: int) -> str:
        if len(text) > MAX_TEXT:
            return f"(left out: {len(text)} characters)"
        if self.token and self.token in text:
            return REMOVED
        if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "[", '"'}:
            return self._json(text, depth)
        if text not in _SCHEMAS and may_contain_secret(text):
            self.secrets.append(text)
            return REMOVED
        if name.finds_people:
            self.names.append(text)
        return text

    def _json(self, text: str, depth: int) -> str:
        """Return a text that may be JSON with the secrets of its tree removed. If it cannot be read, it is kept only if it names no secret."""
        if depth >= MAX_DEPTH:
            return LEFT_OUT
        try:
            inner = json.loads(text.lstrip("\ufeff"))
        except (ValueError, RecursionError):
            if may_contain_secret(text) or names_secret(text):
                self.secrets.append(text)
                return REMOVED
            self.names.append(text)
            return text
        return json.dumps(self.tree(inner, "", depth + 1))

    def _name(self, name: str) -> str:
        """Return the name of an attribute. A client may write anything there, so it is kept only if it is short and contains no value."""
        if len(name) > MAX_TEXT or (self.token and self.token in name) or may_contain_secret(name):
            self.secrets.append(name)
            return REMOVED
        if "[" in name:
            return self._path(name)
        return name

    def _path(self, text: str) -> str:
        """Return a PATCH path, whose selector is a filter."""
        try:
            path = parse_path(text)
        except ScimError:
            # An attribute of another service, or no path at all: it has no selector that anybody could read.
            return self._text(text, _name_of("path"), MAX_DEPTH) if '"' not in text and "[" not in text else UNREADABLE
        if path.condition is None:
            return self._text(text, _name_of("path"), MAX_DEPTH)
        hidden = names_secret(path.attribute) or _names_any_secret(path.condition)
        rest = f".{path.sub_attribute}" if path.sub_attribute else ""
        return f"{path.attribute}[{self.render(path.condition, secret=hidden)}]{rest}"

    def _compared(self, term: Comparison, hidden: bool) -> str:
        if hidden:
            self.forget(term.value)
            return json.dumps(REMOVED)
        return json.dumps(self._text(term.value, _name_of(term.path), 0) if isinstance(term.value, str) else term.value)


def _secret_named_in(names: Iterable[_Name], values: Iterable[Any]) -> bool:
    """Whether a member of an object names a secret, so that the others are its value: ``{"path": "password", "value": "x"}``."""
    return any(
        name.is_naming and isinstance(one, str) and names_secret(one) for name, one in zip(names, values, strict=True)
    )


def _names_any_secret(tree: Filter) -> bool:
    match tree:
        case Comparison():
            return names_secret(tree.path) or (isinstance(tree.value, str) and is_name_of_secret(tree.value))
        case Present():
            return names_secret(tree.path)
        case Not():
            return _names_any_secret(tree.term)
        case And() | Or():
            return any(_names_any_secret(term) for term in tree.terms)
        case ValuePath():
            return names_secret(tree.path) or _names_any_secret(tree.condition)


def _forms(text: str) -> Iterable[str]:
    """Return a text as it is, and as a sentence quotes it."""
    return {text.strip(), repr(text)[1:-1], ascii(text)[1:-1], json.dumps(text)[1:-1]}
