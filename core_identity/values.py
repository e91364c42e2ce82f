"""Frozen values that cross the borders between the apps. Nothing here knows Django."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
CALLED: Final[Mapping[str, str]] = MappingProxyType(
    {"uid": "UID", "external_id": "externalId", "user_name": "userName", "name_id": "NameID"}
)


class Channel(StrEnum):
    """The way a change came."""

    SSO = "sso"
    SCIM = "scim"
    ADMIN = "admin"


class ActorKind(StrEnum):
    ADMIN = "admin"
    SCIM_CLIENT = "scim_client"
    SIGN_IN = "sign_in"
    SETUP_LINK = "setup_link"
    SYSTEM = "system"


class Cause(StrEnum):
    """What a conflict is about (R9); the values stand in rows and events."""

    UID = "uid"  # the UID belongs to another identity of the connection
    EXTERNAL_ID = "external_id"  # the externalId does
    USER_NAME = "user_name"  # another user of the customer is called so; a NameID counts as userName
    EMAIL = "email"  # another user of the customer holds the address
    NO_MARK = "no_mark"  # a sign-in whose UID is known, and nothing else in it


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it, by which channel, in which request.

    ``label`` is what an administrator reads ("boss", "OAuth client of acme", "jane.doe by SSO"); ``request_id`` is the reference that the
    other side was shown and that every event of the request carries.
    """

    channel: Channel
    kind: ActorKind
    label: str
    id: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """What one message of an IdP says about a person.

    ``None`` means *not said*, the empty string means *said to be empty*; policy treats the two differently (R6, R17).
    ``attributes`` are the other SCIM attributes (phoneNumbers, locale, …), kept as sent and answered as sent, of no meaning to CORE;
    a value of None in it clears that attribute.
    ``name_id``, ``groups``, ``groups_unlisted`` and ``more_emails`` come from a SAML assertion only. ``groups_unlisted``: the IdP says that it does
    not list the groups of this person (R31). ``more_emails`` are the further values of an Email attribute with several.
    ``called`` names the fields as the sender knows them, so that a refusal does too.
    """

    uid: str | None = None
    external_id: str | None = None
    user_name: str | None = None
    active: bool | None = None
    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    title: str | None = None
    organization: str | None = None
    department: str | None = None
    attributes: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    name_id: str | None = None
    groups: tuple[str, ...] | None = None
    groups_unlisted: bool = False
    more_emails: tuple[str, ...] = ()
    called: Mapping[str, str] = field(default_factory=lambda: CALLED, compare=False)


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What one message says about a push group.

    Members are SCIM ids of identities of the same connection. A text is in the canonical form of UUIDs, and costs a tenth of the object.
    ``external_id`` is None where it was not said, empty where it was taken away: it finds no group, so unlike that of a person it may go (R6).
    ``members`` replaces the whole membership where it is not None; then ``remove`` and after it ``add`` are applied.
    """

    display_name: str | None = None
    external_id: str | None = None
    members: frozenset[UUID | str] | None = None
    add: frozenset[UUID | str] = frozenset()
    remove: frozenset[UUID | str] = frozenset()


@dataclass(frozen=True, slots=True)
class Collision:
    """Who met whom in a conflict: the ``person`` of the message, and the user in the way.

    ``subject_id`` is the identity that the message named as its own (by id or externalId), ``other_identity_id`` that of the user in the way, if the
    connection knows one.
    """

    cause: Cause
    person: Person
    other_user_id: UUID
    other_identity_id: UUID | None = None
    subject_id: UUID | None = None
