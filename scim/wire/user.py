"""Read a User message as a `Person`: lenient about its form, strict about its types."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final

from core_identity.attributes import FOLLOWED, NAMES
from core_identity.values import FIELD_NAMES, Person
from scim.wire import urns
from scim.wire.apply_patch import apply_patch
from scim.wire.attributes import ResourceType, Target
from scim.wire.document import Flat, flatten
from scim.wire.errors import InvalidValue
from scim.wire.patch_op import named_attributes, parse_patch
from scim.wire.resource_types import user_type
from scim.wire.values import coerce

_NAMES: Final = {name.scim.removeprefix("name."): name.source for name in NAMES}
_TEXTS: Final = {attribute.scim: attribute.source for attribute in FOLLOWED if not attribute.is_name}
_SCIM_NAMES: Final = {"email": "emails", **{attribute.source: attribute.scim for attribute in FOLLOWED}}


@dataclass(frozen=True)
class UserWire:
    """Read the User messages of a connection whose UID attribute has this name (R2)."""

    uid_attribute: str

    @cached_property
    def resource_type(self) -> ResourceType:
        return user_type(self.uid_attribute)

    @cached_property
    def uid_path(self) -> str:
        return f"{urns.ENTERPRISE_USER}:{self.uid_attribute}"

    @cached_property
    def field_names(self) -> Mapping[str, str]:
        """The fields of a `Person`, each with its name in SCIM."""
        return {**FIELD_NAMES, **_SCIM_NAMES, "uid": self.uid_path}

    def read_new(self, body: object) -> Person:
        """Read a POST. An absent attribute is None. An empty or null UID or externalId is an empty text and counts as absent (R6)."""
        return self._person(flatten(body, self.resource_type))

    def read_whole(self, body: object, stored: Collection[str] = ()) -> Person:
        """Read a PUT. Raises `InvalidValue` if userName is missing (RFC 7644 section 3.5.1).

        ``stored`` are the names of the identity's attributes that CORE only stores. Those that the message omits are cleared, because Okta omits
        null values. The attributes that CORE uses stay when they are omitted (R17).
        """
        flat = flatten(body, self.resource_type)
        if not flat.get("userName"):
            raise InvalidValue("userName is required and must not be empty.")
        return self._person(flat, cleared=[name for name in stored if name.partition(".")[0] != "emails"])

    def read_patch(self, body: object, document: Mapping[str, Any]) -> Person:
        """Read a PATCH. ``document`` is the present resource, to which the operations apply.

        An attribute that no operation changes is None. A UID or externalId in an operation without a value is an empty text: the message contains
        it, so it does not count as unchanged (R8a).
        """
        before = flatten(document, self.resource_type)
        after, touched = apply_patch(parse_patch(body, self.resource_type), before)
        changes = {name: after.get(name) for name in touched}
        if "name" in changes:  # a part of the name that is removed becomes empty
            changes["name"] = {**dict.fromkeys(before.get("name", {})), **(changes["name"] or {})}
        person = self._person(changes)
        named = named_attributes(body, self.resource_type)
        return replace(
            person,
            uid="" if person.uid is None and self.uid_path in named else person.uid,
            external_id="" if person.external_id is None and "externalId" in named else person.external_id,
        )

    def _person(self, flat: Flat, *, cleared: Iterable[str] = ()) -> Person:
        """Return the person of a message. The attributes ``cleared`` are None unless the message contains them."""
        fields: dict[str, Any] = {}
        others: dict[str, object] = dict.fromkeys(cleared)
        for target in self.resource_type.targets:
            if target.key in flat:
                value = flat[target.key]
                if target.key == "name" and isinstance(value, dict):
                    value = {name: "" if part is None else part for name, part in value.items()}
                self._place(target, coerce(target.attribute, value, target.key), fields, others)
        if "externalId" in flat:
            external_id = self.resource_type.find("externalId")
            assert external_id is not None  # noqa: S101 - one of COMMON
            fields["external_id"] = coerce(external_id.attribute, flat["externalId"], "externalId") or ""
        return Person(**fields, attributes=others, field_names=self.field_names)

    def _place(self, target: Target, value: Any, fields: dict[str, Any], others: dict[str, object]) -> None:
        match target.key:
            case self.uid_path:
                fields["uid"] = "" if value is None else value
            case "userName":
                fields["user_name"] = value
            case "active":
                fields["active"] = value
            case "name":
                _place_name(target, value or {}, fields, others)
            case "emails":
                mails = main_first(value)
                others["emails"] = mails or None
                fields["email"] = mails[0]["value"] if mails else ""
            case key if key in _TEXTS:
                fields[_TEXTS[key]] = value or ""
            case key:
                others[key] = value if value != "" else None


@lru_cache(maxsize=256)
def user_wire(uid_attribute: str) -> UserWire:
    """Return the reader for connections with this UID attribute, the same at every call."""
    return UserWire(uid_attribute)


def _place_name(target: Target, value: Mapping[str, Any], fields: dict[str, Any], others: dict[str, object]) -> None:
    for sub in target.attribute.sub_attributes:
        if sub.name in _NAMES:
            # An absent part of a name is unchanged; a null or empty one is cleared.
            if sub.name in value:
                fields[_NAMES[sub.name]] = value[sub.name] or ""
        else:
            others[f"name.{sub.name}"] = value.get(sub.name) or None


def main_first(emails: object) -> list[dict[str, Any]]:
    """Return the addresses that have a value, the main one first: the primary, else the one for work, else the first."""
    mails = [
        {**mail, "value": mail["value"].strip()}
        for mail in (emails if isinstance(emails, list) else ())
        if isinstance(mail.get("value"), str) and mail["value"].strip()
    ]
    mails.sort(key=lambda mail: (mail.get("primary") is not True, str(mail.get("type", "")).lower() != "work"))
    return mails
