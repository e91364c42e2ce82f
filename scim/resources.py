"""Render SCIM resources: the identity as stored, never an echo of a request (R19). The only home of django-scim2.

Its adapters render by their ``to_dict``, with small frozen values and our own addresses. Its settings, URLs and models are not used. Its code for
writing is not used either: a message is read by `scim.wire`, and a service writes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2s
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from django_scim.adapters import SCIMGroup, SCIMUser

from core_identity.attributes import FOLLOWED
from core_identity.selectors.rows import ResourceRow
from scim.wire import urns
from scim.wire.preconditions import entity_tag
from scim.wire.user import main_first

if TYPE_CHECKING:
    from core_identity.models import PushGroup

Document = dict[str, Any]


@dataclass(frozen=True)
class Address:
    """The address of the SCIM service of a connection."""

    base: str

    def of(self, endpoint: str, resource_id: object) -> str:
        return f"{self.base}/{endpoint}/{resource_id}"


@dataclass(frozen=True)
class Resource:
    """The fields of both kinds of resource, under the names that the adapters use."""

    address: Address
    scim_id: UUID
    scim_external_id: str | None
    created: datetime
    last_modified: datetime
    version: str


class UserResource(NamedTuple):
    """A user under the names that the adapter uses, with all other values of an answer."""

    scim_id: str
    scim_external_id: str | None
    username: str
    first_name: str
    last_name: str
    is_active: bool
    row: ResourceRow
    address: Address
    version: str
    enterprise: Document
    core_values: Document


@dataclass(frozen=True)
class GroupResource(Resource):
    name: str
    members: Iterable[str]


class _Rendered:
    """Addresses and times of our own for an adapter of django-scim2."""

    obj: Resource
    resource_type: str
    endpoint: str

    @property
    def location(self) -> str:
        return self.obj.address.of(self.endpoint, self.obj.scim_id)

    @property
    def meta(self) -> Document:
        return {
            "resourceType": self.resource_type,
            "created": _time(self.obj.created),
            "lastModified": _time(self.obj.last_modified),
            "location": self.location,
            "version": entity_tag(self.obj.version),
        }


class User(SCIMUser):
    obj: UserResource

    @property
    def display_name(self) -> str | None:
        """Return the name as the IdP sent it. Okta would send a name of ours back as if it were its own."""
        name: str | None = self.obj.row.attributes.get("displayName")
        return name

    @property
    def name_formatted(self) -> str | None:
        name: str | None = self.obj.row.attributes.get("name.formatted")
        return name

    @property
    def emails(self) -> list[Document]:
        email = self.obj.row.email
        sent: list[Document] = self.obj.row.attributes.get("emails") or []
        main = main_first(sent)
        if main and main[0]["value"] == email:
            return sent
        return [{"value": email, "type": "work", "primary": True}] if email else []

    @property
    def groups(self) -> list[Document]:
        return [
            {"value": scim_id, "$ref": self.obj.address.of("Groups", scim_id), "display": name, "type": "direct"}
            for scim_id, name in self.obj.row.groups
        ]

    @property
    def location(self) -> str:
        return self.obj.address.of("Users", self.obj.scim_id)

    @property
    def meta(self) -> Document:
        return {
            "resourceType": self.resource_type,
            "created": _milliseconds(self.obj.row.created),
            "lastModified": _milliseconds(self.obj.row.changed),
            "location": self.location,
            "version": entity_tag(self.obj.version),
        }

    def to_dict(self) -> Document:
        document: Document = super().to_dict()
        document.update({name: self.obj.row.texts[source] for source, name in _TEXTS_OF_USER})
        for name, value in self.obj.row.attributes.items():
            whole, _, part = name.partition(".")
            if ":" in name or name == "emails":
                continue
            if part and whole == "name":
                document["name"][part] = value
            elif not part:
                document[name] = value
        document[urns.ENTERPRISE_USER] = self.obj.enterprise
        document[urns.CORE_USER] = self.obj.core_values
        return _without_empty(document, _USER_SCHEMAS)


_USER_SCHEMAS: Final = (urns.USER, urns.ENTERPRISE_USER, urns.CORE_USER)


class Group(_Rendered, SCIMGroup):
    endpoint = "Groups"
    obj: GroupResource

    @property
    def members(self) -> list[Document]:
        users = self.obj.address.of("Users", "")
        return [{"value": scim_id, "$ref": users + scim_id, "type": "User"} for scim_id in self.obj.members]

    def to_dict(self) -> Document:
        document: Document = super().to_dict()
        return _without_empty(document, (urns.GROUP,))


def user_document(row: ResourceRow, *, uid_attribute: str, address: Address) -> Document:
    """Return the User resource of an identity.

    The UID is under the connection's exact attribute name. A derived UID is left out, because the IdP never sent it (R6).
    """
    enterprise: Document = {
        name.removeprefix(_EXTENSION): value for name, value in row.attributes.items() if name.startswith(_EXTENSION)
    }
    enterprise |= {name: row.texts[source] for source, name in _TEXTS_OF_EXTENSION if row.texts[source]}
    if row.uid is not None:
        enterprise[uid_attribute] = row.uid
    resource = UserResource(
        scim_id=row.scim_id,
        scim_external_id=row.external_id,
        username=row.user_name,
        first_name=row.texts["given_name"],
        last_name=row.texts["family_name"],
        is_active=row.active,
        row=row,
        address=address,
        version=user_version(row),
        enterprise=enterprise,
        core_values=_core_values(row),
    )
    return User(resource).to_dict()


_EXTENSION: Final = f"{urns.ENTERPRISE_USER}:"
_TEXTS_OF_USER: Final = tuple((one.source, one.scim) for one in FOLLOWED if not one.is_name and ":" not in one.scim)
_TEXTS_OF_EXTENSION: Final = tuple(
    (one.source, one.scim.removeprefix(_EXTENSION)) for one in FOLLOWED if one.scim.startswith(_EXTENSION)
)


def user_version(row: ResourceRow) -> str:
    """Return the version of a user: the version of the identity's row, and a digest of the other values in an answer.

    The UID, the groups and the values of CORE can change without the identity. A client with old values must not get a 304.
    """
    beside = blake2s(repr((row.uid, _core_values(row), row.groups)).encode(), digest_size=4)
    return f"{row.version}.{beside.hexdigest()}"


def _core_values(row: ResourceRow) -> Document:
    return {"username": row.username, "email": row.core_email, "expired": row.expired}


def group_document(group: "PushGroup", *, members: Iterable[str], address: Address) -> Document:
    """Return the Group resource of a push group with the SCIM ids of these members. RFC 7643 section 8.7.1 has no names of members."""
    resource = GroupResource(
        address=address,
        scim_id=group.scim_id,
        scim_external_id=group.external_id or None,
        created=group.created_at,
        last_modified=group.changed_at,
        version=str(group.version),
        name=group.display_name,
        members=members,
    )
    return Group(resource).to_dict()


def _without_empty(document: Document, schemas: Sequence[str]) -> Document:
    """Leave out empty values, and schemas without attributes. Null and unassigned are the same (RFC 7643 section 2.5)."""
    document["name"] = {part: value for part, value in document.get("name", {}).items() if value}
    filled = {name: value for name, value in document.items() if value not in (None, "", [], {})}
    filled["schemas"] = [schemas[0], *(urn for urn in schemas[1:] if urn in filled)]
    return {"schemas": filled.pop("schemas"), **filled}


def _milliseconds(moment: str) -> str:
    """Return a time of `ResourceRow` as an answer shows it."""
    return f"{moment[:23]}Z"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
