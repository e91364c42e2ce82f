"""Convert a verified assertion into a `Person` of core_identity (R12, R31)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from core_identity.attributes import FOLLOWED, NAMES
from core_identity.errors import InvalidValue
from core_identity.keys import key
from core_identity.values import Person
from sso.models import SamlSettings
from sso.saml.claims import VerifiedAssertion

SINGLE_VALUED: Final[Mapping[str, Callable[[str], str]]] = {"uid": key, "external_id": str}
"""The attributes that must not have different values, and how their values are compared (R5, R8a, R12)."""

OVERAGE: Final = frozenset(
    {
        "http://schemas.microsoft.com/claims/groups.link",
        "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups.link",
    }
)
"""The attributes that Entra sends in place of the groups of a person with more than 150, in lower case, because their spelling varies."""


def person_of(assertion: VerifiedAssertion, saml: SamlSettings) -> Person:
    """Return the person in a verified assertion, read by the attribute names of the connection.

    An absent attribute is None; one without a text is the empty string. Raises `InvalidValue` if the UID, the externalId or the groups cannot be
    read, and for different UIDs or externalIds.
    """
    names = {
        "uid": saml.connection.uid_attribute,
        "external_id": saml.external_id_attribute,
        "email": saml.email_attribute,
        **{attribute.source: getattr(saml, f"{attribute.field}_attribute") for attribute in FOLLOWED},
    }
    groups = _groups(assertion, saml)
    emails = different(assertion, saml.email_attribute, compared=str)
    keys: dict[str, Any] = {
        field: _only(assertion, names[field], compared=compared) for field, compared in SINGLE_VALUED.items()
    }
    texts: dict[str, Any] = {
        field: _first(assertion, name) for field, name in names.items() if field not in SINGLE_VALUED
    }
    return Person(
        **keys,
        **texts,
        name_id=assertion.name_id.strip() or None,
        groups=groups,
        groups_unlisted=groups is None and reads_groups(saml) and overage_attribute(assertion) is not None,
        more_emails=emails[1:],
        field_names={**names, "name_id": "NameID"},
    )


def called_here(field: str, saml: SamlSettings) -> str:
    """Return the name of the attribute for a field of `Person`, as set in this connection."""
    needed = {*(name.field for name in NAMES), "email"}
    return str(getattr(saml, f"{field}_attribute")) if field in needed else field


def different(assertion: VerifiedAssertion, name: str, *, compared: Callable[[str], str]) -> tuple[str, ...]:
    """Return the values of an attribute that are not empty and differ when ``compared``, each in its first spelling.

    If ``name`` is empty, the connection does not map the attribute. A message may contain an attribute without a name; it is not read.
    """
    if not name:
        return ()
    values = (value.strip() for value in assertion.attributes.get(name, ()))
    first: dict[str, str] = {}
    for value in values:
        if value:
            first.setdefault(compared(value), value)
    return tuple(first.values())


def _first(assertion: VerifiedAssertion, name: str) -> str | None:
    """Return the first value that is not empty (R12). A value that contains elements counts as not sent, because it has no single meaning."""
    if not name or name not in assertion.attributes:
        return None
    return next(iter(different(assertion, name, compared=str)), "")


def _only(assertion: VerifiedAssertion, name: str, *, compared: Callable[[str], str]) -> str | None:
    """Return the value of a key. Raises `InvalidValue` for different values, and for a value that contains elements (R12)."""
    _require_readable(assertion, name)
    found = different(assertion, name, compared=compared)
    if len(found) > 1:
        raise InvalidValue(name, f"The attribute {name} has {len(found)} different values; one was expected.")
    return _first(assertion, name)


def _require_readable(assertion: VerifiedAssertion, name: str) -> None:
    if name and name in assertion.unreadable:
        raise InvalidValue(name, f"The attribute {name} contains something else than plain text.")


def reads_groups(saml: SamlSettings) -> bool:
    """Whether this connection reads the groups of an assertion (R31)."""
    return bool(saml.groups_attribute) and saml.connection.takes_sso_groups


def overage_attribute(assertion: VerifiedAssertion) -> str | None:
    """Return the name of the attribute that marks the groups of this person as not listed; None if there is none (R31)."""
    sent = (name for name, values in assertion.attributes.items() if any(value.strip() for value in values))
    # ASCII only: `lower` makes a plain k of the Kelvin sign, and only the names that Entra uses may keep roles.
    return next((name for name in sent if name.isascii() and name.lower() in OVERAGE), None)


def _groups(assertion: VerifiedAssertion, saml: SamlSettings) -> tuple[str, ...] | None:
    """Return the groups; None if the attribute is absent or not read.

    An absent attribute means no groups (R31), because Okta leaves it out for a user without groups. It is recorded, because it may also be a
    mistake.
    """
    if not reads_groups(saml):
        return None
    name = saml.groups_attribute
    _require_readable(assertion, name)
    values = assertion.attributes.get(name)
    return None if values is None else tuple(value for value in values if value.strip())
