"""The filter grammar of RFC 7644 section 3.4.2.2 and the PATCH path of section 3.5.2, as a tree.

This is a small recursive descent parser without dependencies, and its limits come before any allocation. Names of attributes stay as written;
`scim.wire.attributes.ResourceType.find` finds the attribute.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, TypeAlias, get_args

from scim.wire.errors import InvalidFilter, InvalidPath, ScimError, shown

MAX_LENGTH: Final = 4_000
MAX_DEPTH: Final = 20
MAX_TERMS: Final = 100

Operator = Literal["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]
Scalar: TypeAlias = str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    path: str
    operator: Operator
    value: Scalar


@dataclass(frozen=True, slots=True)
class Present:
    path: str


@dataclass(frozen=True, slots=True)
class Not:
    term: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class ValuePath:
    """``emails[type eq "work"]``: one value of ``path`` matches the whole ``condition``."""

    path: str
    condition: "Filter"


Filter: TypeAlias = Comparison | Present | Not | And | Or | ValuePath


@dataclass(frozen=True, slots=True)
class Path:
    """A PATCH path: ``emails[type eq "work"].value`` has all three parts."""

    attribute: str
    condition: Filter | None = None
    sub_attribute: str | None = None


_SPACE: Final = re.compile(r"[ \t]*")
_WORD: Final = re.compile(r"[A-Za-z]+(?![A-Za-z0-9$_\-])")
_NAME: Final = r"\$?[A-Za-z][A-Za-z0-9$_\-]*"
_URN: Final = r"urn(?::[A-Za-z0-9][A-Za-z0-9._\-]*)+"
# A URN ends at its last colon. A sub-attribute has no parts (RFC 7644 figure 1, RFC 7643 section 2.3.8).
_ATTRIBUTE: Final = re.compile(rf"(?:{_URN}:)?{_NAME}(?:\.{_NAME})?", re.IGNORECASE)
_SUB_ATTRIBUTE: Final = re.compile(rf"\.{_NAME}")
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.])")
_OPERATORS: Final = frozenset(get_args(Operator))
_LITERALS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}


def parse_filter(text: str) -> Filter:
    """Return the tree of a filter. Raises `InvalidFilter` for any text that is not a filter."""
    reader = _Reader(text, InvalidFilter)
    tree = reader.any_of()
    reader.end()
    return tree


def parse_path(text: str) -> Path:
    """Return the parts of a PATCH path. Raises `InvalidPath` for any text that is not one."""
    reader = _Reader(text, InvalidPath)
    path = reader.path()
    reader.end()
    return path


class _Reader:
    def __init__(self, text: str, error: type[ScimError]) -> None:
        self.error = error
        self.text = text
        self.at = 0
        self.depth = 0
        self.terms = 0
        self.selecting = False
        if len(text) > MAX_LENGTH:
            self.fail(f"is longer than {MAX_LENGTH} characters")

    def fail(self, why: str) -> NoReturn:
        what = "filter" if self.error is InvalidFilter else "path"
        raise self.error(f"The {what} {why}.")

    def fail_here(self, expected: str) -> NoReturn:
        rest = self.text[self.at :]
        found = f"found {shown(rest, 30)}" if rest else "it ends there"
        self.fail(f"is not understood at character {self.at + 1}: expected {expected}, {found}")

    def skip(self) -> None:
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]  # matches the empty string too

    def take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match.group()

    def take_symbol(self, symbol: str) -> bool:
        if not self.text.startswith(symbol, self.at):
            return False
        self.at += len(symbol)
        return True

    def take_word(self, word: str) -> bool:
        """Read a keyword if it is next. Keywords have no letter case."""
        match = _WORD.match(self.text, self.at)
        if match is None or match.group().lower() != word:
            return False
        self.at = match.end()
        return True

    def end(self) -> None:
        self.skip()
        if self.at < len(self.text):
            self.fail_here("its end")

    def any_of(self) -> Filter:
        """Read a filter. ``or`` binds weakest, then ``and``, then ``not``."""
        terms = [self.all_of()]
        while self.joined_by("or"):
            terms.append(self.all_of())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def all_of(self) -> Filter:
        terms = [self.term()]
        while self.joined_by("and"):
            terms.append(self.term())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def joined_by(self, word: str) -> bool:
        before = self.at
        self.skip()
        if self.take_word(word):
            return True
        self.at = before
        return False

    def term(self) -> Filter:
        self.skip()
        before = self.at
        if self.take_word("not"):
            self.skip()
            if self.take_symbol("("):
                return Not(self.rest_of_group(")"))
            self.at = before
        if self.take_symbol("("):
            return self.rest_of_group(")")
        return self.expression()

    def rest_of_group(self, closing: str) -> Filter:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"is nested more than {MAX_DEPTH} deep")
        inner = self.any_of()
        self.skip()
        if not self.take_symbol(closing):
            self.fail_here(repr(closing))
        self.depth -= 1
        return inner

    def expression(self) -> Filter:
        self.terms += 1
        if self.terms > MAX_TERMS:
            self.fail(f"has more than {MAX_TERMS} terms")
        path = self.attribute()
        if self.text.startswith("[", self.at):
            return self.value_path(path)
        return self.operation_on(path)

    def value_path(self, path: str) -> Filter:
        """Read ``emails[type eq "work"]``. For Entra's ``emails[type eq "work"].value eq "x"``, the last part becomes one more term."""
        condition = self.selector(path)
        sub_attribute = self.take(_SUB_ATTRIBUTE)
        if sub_attribute is None:
            return ValuePath(path, condition)
        terms = condition.terms if isinstance(condition, And) else (condition,)
        return ValuePath(path, And((*terms, self.operation_on(sub_attribute[1:]))))

    def selector(self, path: str) -> Filter:
        """Read the condition in brackets after ``path``. A selector cannot contain another one, and sub-attributes have none."""
        if self.selecting or "." in path.rpartition(":")[2]:
            self.fail_here("an attribute with many values before a bracket, and no bracket within it")
        self.at += 1
        self.selecting = True
        condition = self.rest_of_group("]")
        self.selecting = False
        return condition

    def operation_on(self, path: str) -> Filter:
        self.skip()
        word = (self.take(_WORD) or "").lower()
        if word == "pr":
            return Present(path)
        if word not in _OPERATORS:
            self.at -= len(word)
            self.fail_here("an operator such as eq")
        self.skip()
        return Comparison(path, word, self.value())  # type: ignore[arg-type]  # one of _OPERATORS

    def attribute(self) -> str:
        path = self.take(_ATTRIBUTE)
        if path is None:
            self.fail_here("the name of an attribute")
        return path

    def value(self) -> Scalar:
        if self.text.startswith('"', self.at):
            return self.string()
        number = self.take(_NUMBER)
        if number is not None:
            parsed: int | float = json.loads(number)
            if math.isinf(parsed):
                self.at -= len(number)
                self.fail_here("a number within the limits")
            return parsed
        word = _WORD.match(self.text, self.at)
        if word is None or word.group().lower() not in _LITERALS:
            self.fail_here("a value in double quotes, a number, true, false or null")
        self.at = word.end()
        return _LITERALS[word.group().lower()]

    def string(self) -> str:
        quoted = self.take(_STRING)
        if quoted is None:
            self.fail_here("a closing double quote")
        try:
            text = json.loads(quoted)
        except ValueError:
            self.at -= len(quoted)
            self.fail_here("a string as JSON writes it")
        # No column can contain these, and the database driver would raise an exception of its own.
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            self.fail("contains a character that no text can contain")
        return str(text)

    def path(self) -> Path:
        self.skip()
        attribute = self.attribute()
        if not self.text.startswith("[", self.at):
            return Path(attribute)
        condition = self.selector(attribute)
        sub_attribute = self.take(_SUB_ATTRIBUTE)
        return Path(attribute, condition, sub_attribute[1:] if sub_attribute else None)
