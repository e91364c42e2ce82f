"""The one reader of connection files. It collects everything that is wrong with a section, so nobody corrects a file fault by fault."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from core_identity.errors import SettingsError, SettingsErrors

_MISSING: Final = object()


class Section:
    """A mapping of keys to values, as a YAML file contains it.

    Each reader returns a usable value, and notes a fault if there is none. `finish` names the unknown keys; `check` also raises all faults.
    A key without a value (null) means the same as a key that is left out.
    """

    def __init__(self, content: object, *, path: str, faults: list[SettingsError] | None = None) -> None:
        self.path = path
        self.faults = [] if faults is None else faults
        self._known: list[str] = []
        self._older: set[str] = set()
        self._parts: list[Section] = []
        self.content: Mapping[str, Any] = {}
        if isinstance(content, Mapping):
            self.content = content
        elif content is not None:
            self.fault("", "wrong_type", "This must be a mapping of keys to values.")

    @classmethod
    def of_service(cls, content: object, *, path: str) -> "Section":
        """Return a section that a service reads by itself; raise `SettingsErrors` at once if the content is not a mapping."""
        section = cls(content if content is not None else [], path=path)  # an empty section is a fault here
        section._raise_faults()
        return section

    def fault(self, name: str, code: str, message: str) -> None:
        self.faults.append(SettingsError(".".join(part for part in (self.path, name) if part), code, message))

    def has(self, name: str) -> bool:
        """Return whether the file has a value for this key."""
        return self.raw(name) is not None

    def text(self, name: str, *, default: str | None = None, missing: str = "This is required.") -> str:
        """Return a text; without a default it is required."""
        value = self.raw(name)
        if value is None:
            if default is None:
                self.fault(name, "required", missing)
            return default or ""
        if not isinstance(value, str) or not value.strip():
            self.fault(name, "wrong_type", "This must be a text that is not empty.")
            return default or ""
        return value.strip()

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(name, "wrong_type", "This must be true or false.")
            return default
        return value

    def number(self, name: str, *, default: int, most: int, of: str = "") -> int:
        """Return a number from 0 to ``most``. ``of`` names what is counted, such as seconds."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            self.fault(name, "wrong_type", f"This must be a number{f' of {of}' if of else ''}, 0 to {most}.")
            return default
        return value

    def choice(self, name: str, choices: Collection[str], *, default: str) -> str:
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, str) or value not in choices:
            self.fault(name, "not_a_choice", f"This must be {one_of(choices)}.")
            return default
        return value

    def texts(self, name: str) -> list[str] | None:
        """Return a list of texts, or None if the key is left out."""
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            self.fault(name, "wrong_type", "This must be a list of texts.")
            return []
        return [item.strip() for item in value]

    def section(self, name: str) -> "Section":
        """Return a part of this section. `finish` looks at it too."""
        part = Section(self.raw(name), path=f"{self.path}.{name}", faults=self.faults)
        self._parts.append(part)
        return part

    def raw(self, name: str, *, default: Any = None, older: bool = False) -> Any:
        """Return the value as written in the file, or None if it is absent. An ``older`` spelling is accepted, but no message names it.

        ``default`` is only for a key that is left out, if null means something else.
        """
        if older:
            self._older.add(name)
        elif name not in self._known:
            self._known.append(name)
        value = self.content.get(name, _MISSING)
        return default if value is _MISSING else value

    def finish(self) -> None:
        """Note the keys that were never read as faults, here and in the parts."""
        for name in self.content:
            if name not in self._known and name not in self._older:
                known = ", ".join(self._known)
                self.fault(str(name), "unknown_key", f"There is no such key here. The known keys are: {known}.")
        for part in self._parts:
            part.finish()

    def check(self) -> None:
        """Raise `SettingsErrors` with all that is wrong, the unknown keys included."""
        self.finish()
        self._raise_faults()

    def _raise_faults(self) -> None:
        if self.faults:
            raise SettingsErrors(self.faults)


def one_of(choices: Collection[str]) -> str:
    """Return the choices in words: two of them with *or*."""
    return " or ".join(choices) if len(choices) == 2 else f"one of {', '.join(choices)}"
