"""The model of an attribute (RFC 7643 section 2), and how to find one by its name on the wire."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from scim.wire import urns

Type = Literal["string", "boolean", "dateTime", "reference", "complex", "binary"]
Mutability = Literal["readOnly", "readWrite", "immutable", "writeOnly"]
Returned = Literal["always", "never", "default", "request"]
Uniqueness = Literal["none", "server", "global"]


@dataclass(frozen=True)
class Attribute:
    """One attribute of a schema. The defaults are those of RFC 7643 section 2.2."""

    name: str
    description: str
    type: Type = "string"
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = "readWrite"
    returned: Returned = "default"
    uniqueness: Uniqueness = "none"
    sub_attributes: tuple["Attribute", ...] = ()
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    bare: bool = False
    """Whether clients may write this attribute of an extension without its URN."""

    def sub(self, name: str) -> "Attribute | None":
        """Return the sub-attribute with this name. Names have no letter case (RFC 7643 section 2.1)."""
        return self._sub_by_name.get(name.lower())

    @cached_property
    def _sub_by_name(self) -> dict[str, "Attribute"]:
        return {one.name.lower(): one for one in self.sub_attributes}

    def to_dict(self) -> dict[str, object]:
        """Return the attribute as /Schemas describes it (RFC 7643 section 7)."""
        described: dict[str, object] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            "caseExact": self.case_exact,
            "mutability": self.mutability,
            "returned": self.returned,
            "uniqueness": self.uniqueness,
        }
        if self.canonical_values:
            described["canonicalValues"] = list(self.canonical_values)
        if self.reference_types:
            described["referenceTypes"] = list(self.reference_types)
        if self.sub_attributes:
            described["subAttributes"] = [one.to_dict() for one in self.sub_attributes]
        return described


@dataclass(frozen=True)
class Schema:
    urn: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    def attribute(self, name: str) -> Attribute | None:
        return self._by_name.get(name.lower())

    @cached_property
    def _by_name(self) -> dict[str, Attribute]:
        return {one.name.lower(): one for one in self.attributes}

    def to_dict(self, location: str) -> dict[str, object]:
        """Return the schema as /Schemas answers it (RFC 7643 section 7)."""
        return {
            "schemas": [urns.SCHEMA],
            "id": self.urn,
            "name": self.name,
            "description": self.description,
            "attributes": [one.to_dict() for one in self.attributes],
            "meta": {"resourceType": "Schema", "location": f"{location}/Schemas/{self.urn}"},
        }


_URN: Final = re.compile(r"urn(?::[a-z0-9][a-z0-9._-]*){2,}")
_CORE: Final = re.compile(r"urn:(?:ietf:params:)?scim:schemas:core(?::|\Z)")

COMMON: Final = Schema(
    urn="",
    name="Common",
    description="Attributes of every resource, which no schema lists (RFC 7643 section 3.1).",
    attributes=(
        Attribute("schemas", "URNs of the schemas.", "reference", True, mutability="readOnly", returned="always"),
        Attribute("id", "Set by the server.", case_exact=True, mutability="readOnly", returned="always"),
        Attribute("externalId", "Set by the client.", case_exact=True),
        Attribute(
            "meta",
            "The server's data about the resource.",
            "complex",
            mutability="readOnly",
            sub_attributes=(
                Attribute("resourceType", "Name of the resource type.", case_exact=True, mutability="readOnly"),
                Attribute("created", "The time of its creation.", "dateTime", mutability="readOnly"),
                Attribute("lastModified", "The time of its last change.", "dateTime", mutability="readOnly"),
                Attribute("location", "Its address.", "reference", case_exact=True, mutability="readOnly"),
                Attribute("version", "Weak entity tag.", case_exact=True, mutability="readOnly"),
            ),
        ),
    ),
)


@dataclass(frozen=True)
class Target:
    """An attribute found by its name on the wire. ``extension`` is the URN of its schema, None for the core schema."""

    extension: str | None
    attribute: Attribute
    sub: Attribute | None = None

    @property
    def leaf(self) -> Attribute:
        return self.sub or self.attribute

    @cached_property
    def key(self) -> str:
        """The canonical name of the attribute without its sub-attribute; in an extension, with the URN before it."""
        return f"{self.extension}:{self.attribute.name}" if self.extension else self.attribute.name

    @cached_property
    def name(self) -> str:
        return f"{self.key}.{self.sub.name}" if self.sub else self.key


MAX_REMEMBERED: Final = 200
MOST_REMEMBERED: Final = 1_000
"""The limits of the paths that a resource type remembers, in characters and in number, because clients may send any path."""


@dataclass(frozen=True)
class ResourceType:
    """A core schema with its extensions. Parser, renderer, filter and /Schemas share this registry."""

    name: str
    endpoint: str
    core: Schema
    extensions: tuple[Schema, ...] = ()

    @cached_property
    def schemas(self) -> dict[str, Schema]:
        """The schemas by URN in lower case: the fixed parts of URNs have no letter case (RFC 8141). Older spellings map to the present schema."""
        return dict(self._spellings)

    @cached_property
    def _spellings(self) -> list[tuple[str, Schema]]:
        """Each spelling of a URN, in lower case, with its schema. The longest comes first, because some spellings begin with another."""
        spellings = [
            (spelling.lower(), schema)
            for schema in (self.core, *self.extensions)
            for spelling in (schema.urn, *urns.OLDER.get(schema.urn, ()))
        ]
        return sorted(spellings, key=lambda one: -len(one[0]))

    def schema(self, urn: str) -> Schema | None:
        return self.schemas.get(urn.lower())

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """Every attribute, without its sub-attributes."""
        return tuple(
            Target(None if schema is self.core else schema.urn, attribute)
            for schema in (self.core, *self.extensions)
            for attribute in schema.attributes
        )

    def find(self, path: str) -> Target | None:
        """Return the attribute at ``path``: ``name`` or ``name.sub``, each also after a URN and a colon.

        None for an unknown attribute, and for the URN of a schema alone.
        """
        if path in self._found:
            return self._found[path]
        found = self._find(path)
        if len(path) <= MAX_REMEMBERED and len(self._found) < MOST_REMEMBERED:
            self._found[path] = found
        return found

    @cached_property
    def _found(self) -> dict[str, Target | None]:
        """Answers of `find`: a client sends the same few paths again and again."""
        return {}

    def _find(self, path: str) -> Target | None:
        lower = path.lower()
        for spelling, schema in self._spellings if ":" in path else ():
            if lower.startswith(f"{spelling}:"):
                return _find(schema, path[len(spelling) + 1 :], None if schema is self.core else schema.urn)
        return _find(self.core, path, None) or _find(COMMON, path, None) or self._find_bare(path)

    def _find_bare(self, path: str) -> Target | None:
        for schema in self.extensions:
            target = _find(schema, path, schema.urn)
            if target is not None and target.attribute.bare:
                return target
        return None

    def is_foreign(self, path: str) -> bool:
        """Whether ``path`` is the URN of an extension that this service does not know, or begins with one.

        A core schema in any spelling is not foreign: its unknown attributes, such as ``isActive``, must not be passed over.
        """
        lower = path.lower()
        return (
            lower.startswith("urn:")
            and lower not in self.schemas
            and _URN.match(lower) is not None
            and not _CORE.match(lower)
            and not any(f"{lower}:".startswith(f"{spelling}:") for spelling, _ in self._spellings)
        )


def _find(schema: Schema, path: str, extension: str | None) -> Target | None:
    whole = schema.attribute(path)
    if whole is not None:
        return Target(extension, whole)
    name, _, sub_name = path.partition(".")
    attribute = schema.attribute(name)
    sub = attribute.sub(sub_name) if attribute else None
    return Target(extension, attribute, sub) if attribute and sub else None
