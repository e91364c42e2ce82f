"""From what an assertion says to what core_identity understands (R12, R31)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from core_identity.attributes import FOLLOWED, NAMES
from core_identity.errors import InvalidValue
from core_identity.keys import key
from core_identity.values import Person
from sso.models import SamlSettings
from sso.saml.assertion import VerifiedAssertion

KEYS: Final[Mapping[str, Callable[[str], str]]] = {"uid": key, "external_id": str}
"""The attributes of which different values refuse a sign-in, and how their values are compared (R5, R8a, R12)."""


OVERAGE: Final = frozenset(
    {
        "http://schemas.microsoft.com/claims/groups.link",
        "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups.link",
    }
)
"""The attributes that Entra sends in place of the groups of a person with more than 150, in lower case: their spelling differs."""


def person_of(assertion: VerifiedAssertion, saml: SamlSettings) -> Person:
    """Return the person that a verified assertion speaks of, by the names of attributes that the connection has set.

    An absent attribute is None; one without a text is the empty string. Raises `InvalidValue` if the UID, the externalId or the groups cannot
    be read, and for different UIDs or externalIds.
    """
    called = {
        "uid": saml.connection.uid_attribute,
        "external_id": saml.external_id_attribute,
        "email": saml.email_attribute,
        **{attribute.source: getattr(saml, f"{attribute.field}_attribute") for attribute in FOLLOWED},
    }
    groups = _groups(assertion, saml)
    emails = different(assertion, saml.email_attribute, compared=str)
    keys: dict[str, Any] = {
        field: _only(assertion, called[field], compared=compared) for field, compared in KEYS.items()
    }
    texts: dict[str, Any] = {field: _first(assertion, name) for field, name in called.items() if field not in KEYS}
    return Person(
        **keys,
        **texts,
        name_id=assertion.name_id.strip() or None,
        groups=groups,
        groups_unlisted=groups is None and reads_groups(saml) and overage_attribute(assertion) is not None,
        more_emails=emails[1:],
        called={**called, "name_id": "NameID"},
    )


def called_here(field: str, saml: SamlSettings) -> str:
    """Return the name of the attribute that carries a field of `Person`, as this connection has set it."""
    needed = {*(name.field for name in NAMES), "email"}
    return str(getattr(saml, f"{field}_attribute")) if field in needed else field


def different(assertion: VerifiedAssertion, name: str, *, compared: Callable[[str], str]) -> tuple[str, ...]:
    """Return the values of an attribute that are not empty and differ as ``compared``, each in its first spelling.

    An empty ``name`` is an attribute that the connection does not map: a message may contain a nameless one, and nothing reads it.
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
    """Return the first value that is not empty (R12). A value with elements inside counts as not sent: which part would be meant?"""
    if not name or name not in assertion.attributes:
        return None
    return next(iter(different(assertion, name, compared=str)), "")


def _only(assertion: VerifiedAssertion, name: str, *, compared: Callable[[str], str]) -> str | None:
    """Return the value of a key. Different values, or a value with elements inside, refuse the sign-in (R12)."""
    _require_readable(assertion, name)
    found = different(assertion, name, compared=compared)
    if len(found) > 1:
        raise InvalidValue(name, f"The attribute {name} has {len(found)} different values; one was expected.")
    return _first(assertion, name)


def _require_readable(assertion: VerifiedAssertion, name: str) -> None:
    if name and name in assertion.unreadable:
        raise InvalidValue(name, f"The attribute {name} contains something else than plain text.")


def reads_groups(saml: SamlSettings) -> bool:
    """Whether the groups of an assertion are read at this connection (R31)."""
    return bool(saml.groups_attribute) and saml.connection.takes_sso_groups


def overage_attribute(assertion: VerifiedAssertion) -> str | None:
    """Return the name of the attribute by which the IdP says that it does not list the groups of this person; None if there is none (R31)."""
    said = (name for name, values in assertion.attributes.items() if any(value.strip() for value in values))
    # ASCII only: `lower` makes a plain k of the Kelvin sign, and only the names that Entra uses may keep roles.
    return next((name for name in said if name.isascii() and name.lower() in OVERAGE), None)


def _groups(assertion: VerifiedAssertion, saml: SamlSettings) -> tuple[str, ...] | None:
    """Return the groups, or None where the attribute is absent or not read.

    That says none as well (R31), for Okta leaves it out for a user without groups; but it is remembered, for it may be a mistake.
    """
    if not reads_groups(saml):
        return None
    name = saml.groups_attribute
    _require_readable(assertion, name)
    values = assertion.attributes.get(name)
    return None if values is None else tuple(value for value in values if value.strip())
