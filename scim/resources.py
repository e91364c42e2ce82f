"""What SCIM answers: the identity as stored, never an echo of a request (R19). The one home of django-scim2.

Its adapters render; their ``to_dict`` runs for real, over small frozen values and with addresses of our own, so neither
its settings nor its URLs nor its models are in play. Their writing half is not used: writing goes wire → Person →
service.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2s
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from django_scim.adapters import SCIMGroup, SCIMUser

from core_identity.attributes import FOLLOWED
from core_identity.selectors.rows import ShownIdentity
from scim.wire import urns
from scim.wire.preconditions import entity_tag
from scim.wire.user import main_first

if TYPE_CHECKING:
    from core_identity.models import PushGroup

Document = dict[str, Any]


@dataclass(frozen=True)
class Address:
    """Where the SCIM service of a connection is."""

    base: str

    def of(self, endpoint: str, resource_id: object) -> str:
        return f"{self.base}/{endpoint}/{resource_id}"


@dataclass(frozen=True)
class Resource:
    """What the two kinds of resource have in common, under the names that the adapters look for."""

    address: Address
    scim_id: UUID
    scim_external_id: str | None
    created: datetime
    last_modified: datetime
    version: str


class UserResource(NamedTuple):
    """A user under the names that the adapter looks for, and all else that an answer shows."""

    scim_id: str
    scim_external_id: str | None
    username: str
    first_name: str
    last_name: str
    is_active: bool
    shown: ShownIdentity
    address: Address
    version: str
    enterprise: Document
    held: Document


@dataclass(frozen=True)
class GroupResource(Resource):
    name: str
    members: Iterable[str]


class _Rendered:
    """What replaces the URLs of django-scim2, on top of either adapter."""

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
        """As the IdP sent it: one that we composed would come back from Okta as if it were theirs."""
        name: str | None = self.obj.shown.attributes.get("displayName")
        return name

    @property
    def name_formatted(self) -> str | None:
        name: str | None = self.obj.shown.attributes.get("name.formatted")
        return name

    @property
    def emails(self) -> list[Document]:
        email = self.obj.shown.email
        sent: list[Document] = self.obj.shown.attributes.get("emails") or []
        main = main_first(sent)
        if main and main[0]["value"] == email:
            return sent
        return [{"value": email, "type": "work", "primary": True}] if email else []

    @property
    def groups(self) -> list[Document]:
        return [
            {"value": scim_id, "$ref": self.obj.address.of("Groups", scim_id), "display": name, "type": "direct"}
            for scim_id, name in self.obj.shown.groups
        ]

    @property
    def location(self) -> str:
        return self.obj.address.of("Users", self.obj.scim_id)

    @property
    def meta(self) -> Document:
        return {
            "resourceType": self.resource_type,
            "created": _milliseconds(self.obj.shown.created),
            "lastModified": _milliseconds(self.obj.shown.changed),
            "location": self.location,
            "version": entity_tag(self.obj.version),
        }

    def to_dict(self) -> Document:
        document: Document = super().to_dict()
        document.update({name: self.obj.shown.texts[source] for source, name in _TEXTS_OF_USER})
        for name, value in self.obj.shown.attributes.items():
            whole, _, part = name.partition(".")
            if ":" in name or name == "emails":
                continue
            if part and whole == "name":
                document["name"][part] = value
            elif not part:
                document[name] = value
        document[urns.ENTERPRISE_USER] = self.obj.enterprise
        document[urns.CORE_USER] = self.obj.held
        return _said(document, _USER_SCHEMAS)


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
        return _said(document, (urns.GROUP,))


def user_document(shown: ShownIdentity, *, uid_attribute: str, address: Address) -> Document:
    """Return the User resource of an identity.

    The UID stands under the connection's exact attribute name, and not at all while it is derived: the IdP never said
    it (R6).
    """
    enterprise: Document = {
        name.removeprefix(_EXTENSION): value for name, value in shown.attributes.items() if name.startswith(_EXTENSION)
    }
    enterprise |= {name: shown.texts[source] for source, name in _TEXTS_OF_EXTENSION if shown.texts[source]}
    if shown.uid is not None:
        enterprise[uid_attribute] = shown.uid
    resource = UserResource(
        scim_id=shown.scim_id,
        scim_external_id=shown.external_id,
        username=shown.user_name,
        first_name=shown.texts["given_name"],
        last_name=shown.texts["family_name"],
        is_active=shown.active,
        shown=shown,
        address=address,
        version=user_version(shown),
        enterprise=enterprise,
        held=_held(shown),
    )
    return User(resource).to_dict()


_EXTENSION: Final = f"{urns.ENTERPRISE_USER}:"
_TEXTS_OF_USER: Final = tuple((one.source, one.scim) for one in FOLLOWED if not one.is_name and ":" not in one.scim)
_TEXTS_OF_EXTENSION: Final = tuple(
    (one.source, one.scim.removeprefix(_EXTENSION)) for one in FOLLOWED if one.scim.startswith(_EXTENSION)
)


def user_version(shown: ShownIdentity) -> str:
    """Return the version of a user: that of the identity's row, and of what is shown beside it.

    The UID, groups, and what CORE itself holds, can change without the identity. A client that has seen old values must not get a 304.
    """
    beside = blake2s(repr((shown.uid, _held(shown), shown.groups)).encode(), digest_size=4)
    return f"{shown.version}.{beside.hexdigest()}"


def _held(shown: ShownIdentity) -> Document:
    return {"username": shown.username, "email": shown.core_email, "expired": shown.expired}


def group_document(group: "PushGroup", *, members: Iterable[str], address: Address) -> Document:
    """Return the Group resource of a push group with the SCIM ids of these members (RFC 7643 section 8.7.1 knows no names of members)."""
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


def _said(document: Document, schemas: Sequence[str]) -> Document:
    """Leave out what is not there, schemas without attributes included.

    Null and unassigned are the same (RFC 7643 section 2.5).
    """
    document["name"] = {part: value for part, value in document.get("name", {}).items() if value}
    kept = {name: value for name, value in document.items() if value not in (None, "", [], {})}
    kept["schemas"] = [schemas[0], *(urn for urn in schemas[1:] if urn in kept)]
    return {"schemas": kept.pop("schemas"), **kept}


def _milliseconds(moment: str) -> str:
    """Return a time of `ShownIdentity` as an answer shows it."""
    return f"{moment[:23]}Z"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
