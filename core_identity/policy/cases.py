"""Decisions as data. docs/reference/decisions.md is generated from them, so the page and the code cannot differ."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Self, TypeVar


class Verdict(StrEnum):
    """The base of all decisions. Events and logs contain the value; the documentation contains ``means``."""

    means: str

    def __new__(cls, value: str, means: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.means = means
        return member


Message = TypeVar("Message")
Answer = TypeVar("Answer", bound=Verdict)


@dataclass(frozen=True, slots=True)
class Case(Generic[Message, Answer]):
    """``words`` describe the condition of ``holds``, for a reader."""

    words: str
    holds: Callable[[Message], bool]
    decision: Answer


@dataclass(frozen=True, slots=True)
class Cases(Generic[Message, Answer]):
    """A decision that depends on more than its place in a table: the first case that holds, from the top."""

    cases: tuple[Case[Message, Answer], ...]
    otherwise: Answer

    def decide(self, message: Message) -> Answer:
        return next((case.decision for case in self.cases if case.holds(message)), self.otherwise)
