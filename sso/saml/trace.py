"""Every check of one sign-in, in order, passed or failed, for the administrator who must find the cause (R35)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Final, TypeVar

from sso.saml.refusals import SamlRefusal, legible

Message = TypeVar("Message")

Seen = tuple[str, str]
"""The expected and the received value."""

PROPOSAL: Final = "A setting that would accept this message"
"""The name of the check that proposes a setting. The message was verified completely with that setting."""

MOST: Final = 60
"""The maximum number of checks; a sign-in has about 30."""


@dataclass(frozen=True, slots=True)
class Check:
    """``passed`` None: information only. ``believed``: the value was read after the signature was checked."""

    name: str
    passed: bool | None
    expected: str = ""
    received: str = ""
    believed: bool = True


class Trace:
    """The checks so far. The list only grows, and it decides nothing."""

    def __init__(self) -> None:
        self._checks: list[Check] = []
        self._began = perf_counter()
        self.believed = False

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(self._checks[:MOST])

    @property
    def milliseconds(self) -> int:
        return round((perf_counter() - self._began) * 1000)

    def believe(self) -> None:
        """Mark the message as verified. Anybody may have written the values that were read before this call."""
        self.believed = True

    def note(
        self, name: str, passed: bool | None, *, expected: str = "", received: str = "", believed: bool = False
    ) -> None:
        """Add a check. Illegible characters are escaped. ``believed``: this value was verified, even if the rest of the message is not."""
        self._checks.append(Check(name, passed, legible(expected), legible(received), believed or self.believed))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add a check that fails if a `SamlRefusal` passes through."""
        try:
            yield
        except SamlRefusal as refusal:
            self.note(name, False, expected=refusal.expected, received=refusal.received)
            raise
        self.note(name, True)

    def run(self, checks: Sequence[tuple[str, Callable[[Message], Seen]]], message: Message) -> None:
        """Run all ``checks`` of a believed message, so that an administrator sees all faults at once. Raises the first `SamlRefusal`."""
        first = None
        for name, look in checks:
            try:
                expected, received = look(message)
            except SamlRefusal as refusal:
                first = first or refusal
                self.note(name, False, expected=refusal.expected, received=refusal.received)
            else:
                self.note(name, True, expected=expected, received=received)
        if first is not None:
            raise first
