"""``attributes`` and ``excludedAttributes`` (RFC 7644 section 3.9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scim.wire.attributes import ResourceType, Target
from scim.wire.errors import InvalidValue

_ALWAYS: Final = frozenset({"schemas", "id"})


@dataclass(frozen=True)
class Selection:
    """Which attributes an answer shows. Names that no attribute has are passed over: asked for such alone, it shows the least."""

    resource_type: ResourceType
    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()

    @classmethod
    def read(cls, resource_type: ResourceType, attributes: Iterable[str], excluded: Iterable[str]) -> "Selection":
        """Return what a client asked for; raise `InvalidValue` where it asks for both (section 3.9)."""
        asked, left_out = ([name for name in names if name.strip()] for names in (attributes, excluded))
        if asked and left_out:
            raise InvalidValue("Ask for attributes or for excludedAttributes, not for both.")
        return cls(resource_type, _names(resource_type, asked) if asked else None, _names(resource_type, left_out))

    @property
    def is_whole(self) -> bool:
        """Whether the client asked for no selection."""
        return self.only is None and not self.without

    def shows(self, name: str) -> bool:
        """Tell whether a core attribute, or a part of it, is shown: so that what is not need not be read."""
        if self.only is not None:
            return any(asked == name or asked.startswith(f"{name}.") for asked in self.only)
        return name not in self.without

    def of(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``document`` with what was asked for; schemas and id are always in it."""
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
            parts = {asked.removeprefix(f"{key}.") for asked in self.only if asked.startswith(f"{key}.")}
            if key in self.only:
                into[name] = value
            elif parts:
                into[name] = _parts(value, lambda part: part in parts)
        elif key not in self.without:
            parts = {asked.removeprefix(f"{key}.") for asked in self.without if asked.startswith(f"{key}.")}
            into[name] = _parts(value, lambda part: part not in parts) if parts else value


def _parts(value: Any, wanted: Any) -> Any:
    if isinstance(value, list):
        return [_parts(one, wanted) for one in value]
    return {name: one for name, one in value.items() if wanted(name)} if isinstance(value, dict) else value


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
