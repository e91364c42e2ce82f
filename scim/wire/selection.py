"""``attributes`` and ``excludedAttributes`` (RFC 7644 section 3.9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scim.wire.attributes import ResourceType, Target
from scim.wire.errors import InvalidValue

_ALWAYS: Final = frozenset({"schemas", "id"})


@dataclass(frozen=True)
class Selection:
    """The attributes in an answer. Unknown names are passed over: with only such names, the answer contains the minimum."""

    resource_type: ResourceType
    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()

    @classmethod
    def read(cls, resource_type: ResourceType, attributes: Iterable[str], excluded: Iterable[str]) -> "Selection":
        """Return the requested selection. Raises `InvalidValue` if the client sends both parameters (section 3.9)."""
        requested, left_out = ([name for name in names if name.strip()] for names in (attributes, excluded))
        if requested and left_out:
            raise InvalidValue("Ask for attributes or for excludedAttributes, not for both.")
        return cls(
            resource_type, _names(resource_type, requested) if requested else None, _names(resource_type, left_out)
        )

    @property
    def is_whole(self) -> bool:
        """Whether the client requested no selection."""
        return self.only is None and not self.without

    def shows(self, name: str) -> bool:
        """Whether a core attribute, or a part of it, is in the answer. If not, it need not be read."""
        if self.only is not None:
            return any(one == name or one.startswith(f"{name}.") for one in self.only)
        return name not in self.without

    def of(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``document`` with the selected attributes; schemas and id are always included."""
        if self.is_whole:
            return dict(document)
        chosen: dict[str, Any] = {}
        for name, value in document.items():
            schema = self.resource_type.schema(name)
            if name in _ALWAYS:
                chosen[name] = value
            elif schema is None:
                self._take(chosen, name, value, name)
            elif self.only is None or schema.urn not in self.only:
                if schema.urn in self.without:
                    continue
                inner: dict[str, Any] = {}
                for part, part_value in value.items():
                    self._take(inner, part, part_value, f"{schema.urn}:{part}")
                if inner:
                    chosen[name] = inner
            else:
                chosen[name] = value
        return chosen

    def _take(self, into: dict[str, Any], name: str, value: Any, key: str) -> None:
        if self.only is not None:
            parts = {one.removeprefix(f"{key}.") for one in self.only if one.startswith(f"{key}.")}
            if key in self.only:
                into[name] = value
            elif parts:
                into[name] = _parts(value, lambda part: part in parts)
        elif key not in self.without:
            parts = {one.removeprefix(f"{key}.") for one in self.without if one.startswith(f"{key}.")}
            into[name] = _parts(value, lambda part: part not in parts) if parts else value


def _parts(value: Any, is_wanted: Any) -> Any:
    if isinstance(value, list):
        return [_parts(one, is_wanted) for one in value]
    return {name: one for name, one in value.items() if is_wanted(name)} if isinstance(value, dict) else value


def _names(resource_type: ResourceType, names: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        schema = resource_type.schema(name.strip())
        target: Target | None = resource_type.find(name.strip())
        if schema is not None:
            found |= {schema.urn} if schema is not resource_type.core else {one.name for one in schema.attributes}
        elif target is not None:
            found.add(target.name)
    return frozenset(found)
