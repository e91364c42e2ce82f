"""Reading one section of a connection file, collecting everything that is wrong with it."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from core_identity.services.connections import SettingsError

_MISSING: Final = object()


class Section:
    """A mapping out of a YAML file. Each reader returns a usable value and notes a fault where there was none; `finish` names unknown keys."""

    def __init__(self, content: object, *, path: str, faults: list[SettingsError]) -> None:
        self.path = path
        self.faults = faults
        self._read: set[str] = set()
        self.content: Mapping[str, Any] = {}
        if isinstance(content, Mapping):
            self.content = content
        elif content is not None:
            self.fault("", "wrong_type", "This must be a mapping of keys to values.")

    def fault(self, name: str, code: str, message: str) -> None:
        self.faults.append(SettingsError(".".join(part for part in (self.path, name) if part), code, message))

    def text(self, name: str, *, default: str | None = None) -> str:
        """Return a text; without a default it is required."""
        value = self._take(name)
        if value is _MISSING or value is None:
            if default is None:
                self.fault(name, "required", "This is required.")
            return default or ""
        if not isinstance(value, str) or not value.strip():
            self.fault(name, "wrong_type", "This must be a text that is not empty.")
            return default or ""
        return value.strip()

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._take(name)
        if value is _MISSING or value is None:
            return default
        if not isinstance(value, bool):
            self.fault(name, "wrong_type", "This must be true or false.")
            return default
        return value

    def number(self, name: str, *, default: int, most: int) -> int:
        value = self._take(name)
        if value is _MISSING or value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            self.fault(name, "wrong_type", f"This must be a number, 0 to {most}.")
            return default
        return value

    def choice(self, name: str, choices: Collection[str], *, default: str) -> str:
        value = self._take(name)
        if value is _MISSING or value is None:
            return default
        if value not in choices:
            self.fault(name, "not_a_choice", f"This must be one of {', '.join(choices)}.")
            return default
        return str(value)

    def texts(self, name: str) -> list[str] | None:
        """Return a list of texts, or None where the key is left out."""
        value = self._take(name)
        if value is _MISSING or value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            self.fault(name, "wrong_type", "This must be a list of texts.")
            return []
        return [item.strip() for item in value]

    def section(self, name: str) -> "Section":
        value = self._take(name)
        return Section(None if value is _MISSING else value, path=f"{self.path}.{name}", faults=self.faults)

    def raw(self, name: str) -> Any:
        value = self._take(name)
        return None if value is _MISSING else value

    def finish(self) -> None:
        for name in self.content:
            if name not in self._read:
                known = ", ".join(sorted(self._read))
                self.fault(str(name), "unknown_key", f"There is no such key here. The known keys are: {known}.")

    def _take(self, name: str) -> Any:
        self._read.add(name)
        return self.content.get(name, _MISSING)
