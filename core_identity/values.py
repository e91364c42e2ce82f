"""Frozen values that cross the borders between the apps. No Django."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

NOTICE: Final = timedelta(days=30)
"""How long before its end a certificate, key, token or secret is announced."""
NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
FIELD_NAMES: Final[Mapping[str, str]] = MappingProxyType(
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
    """The cause of a conflict (R9). Rows and events contain the values."""

    UID = "uid"  # the UID belongs to another identity of the connection
    EXTERNAL_ID = "external_id"  # the externalId does
    USER_NAME = "user_name"  # another user of the customer has this name; a NameID counts as userName
    EMAIL = "email"  # another user of the customer holds the address
    NO_MARK = "no_mark"  # a sign-in whose UID is known, and nothing else in it


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of a change, with the channel and the request.

    ``label`` is the name for administrators ("boss", "OAuth client of acme", "jane.doe by SSO"); ``request_id`` is the reference that
    the sender sees. Every event of the request contains it.
    """

    channel: Channel
    kind: ActorKind
    label: str
    id: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """The values of a person in one message of an IdP.

    ``None`` means that the message does not contain the value. The empty text means that the value is empty. Policy treats the two differently
    (R6, R17). ``attributes`` are the other SCIM attributes (phoneNumbers, locale, …). CORE stores and returns them as sent, and does not use them.
    A value of None in it clears that attribute.
    ``name_id``, ``groups``, ``groups_unlisted`` and ``more_emails`` come from a SAML assertion only. ``groups_unlisted``: the IdP states that it does
    not list the groups of this person (R31). ``more_emails`` are the further values of an Email attribute with several.
    ``field_names`` maps each field to the name that the sender uses, for refusals.
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
    field_names: Mapping[str, str] = field(default_factory=lambda: FIELD_NAMES, compare=False)


@dataclass(frozen=True, slots=True)
class GroupChange:
    """The values of a push group in one message.

    Members are SCIM ids of identities of the same connection. A text is in the canonical form of UUIDs, and costs a tenth of the object.
    ``external_id`` is None if the message does not contain it, and empty if the message removes it. No look-up uses it (R6).
    If ``members`` is not None, it replaces all members. After that, ``remove`` is applied, and then ``add``.
    """

    display_name: str | None = None
    external_id: str | None = None
    members: frozenset[UUID | str] | None = None
    add: frozenset[UUID | str] = frozenset()
    remove: frozenset[UUID | str] = frozenset()


@dataclass(frozen=True, slots=True)
class Collision:
    """The two sides of a conflict: the ``person`` of the message, and the user in the way.

    ``subject_id`` is the identity that the message names by id or externalId. ``other_identity_id`` is the identity of the user in the way, if the
    connection has one.
    """

    cause: Cause
    person: Person
    other_user_id: UUID
    other_identity_id: UUID | None = None
    subject_id: UUID | None = None
