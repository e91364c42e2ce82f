"""From what an assertion says to what core_identity understands (R12, R31)."""

from typing import Any

from core_identity.errors import InvalidValue
from core_identity.values import Person
from sso.models import SamlSettings
from sso.saml.assertion import VerifiedAssertion


def person_of(assertion: VerifiedAssertion, saml: SamlSettings) -> Person:
    """Return the person that a verified assertion speaks of, by the names of attributes that the connection has set.

    An attribute that is not there is not said (None); one that is there and empty is said to be empty. Raises `InvalidValue` where a value
    that must be one clean text is something else.
    """
    called = {
        "uid": saml.connection.uid_attribute,
        "external_id": saml.external_id_attribute,
        "given_name": saml.first_name_attribute,
        "family_name": saml.last_name_attribute,
        "email": saml.email_attribute,
        "title": saml.title_attribute,
        "organization": saml.company_attribute,
        "department": saml.department_attribute,
    }
    said: dict[str, Any] = {field: _one(assertion, name) for field, name in called.items()}
    return Person(
        **said,
        name_id=assertion.name_id.strip() or None,
        groups=_groups(assertion, saml),
        called={**called, "name_id": "NameID"},
    )


def called_here(field: str, saml: SamlSettings) -> str:
    """Return the name of the attribute that carries a field of `Person`, as this connection has set it."""
    names = {
        "first_name": saml.first_name_attribute,
        "last_name": saml.last_name_attribute,
        "email": saml.email_attribute,
    }
    return names.get(field, field)


def _one(assertion: VerifiedAssertion, name: str) -> str | None:
    """Return the one value of an attribute. Two values, or a value with elements inside, are a refusal: which part would be meant?"""
    if not name:
        return None
    if name in assertion.unreadable:
        raise InvalidValue(name, f"The attribute {name} holds something else than plain text.")
    values = assertion.attributes.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise InvalidValue(name, f"The attribute {name} has {len(values)} values; one was expected.")
    return values[0].strip() if values else ""


def _groups(assertion: VerifiedAssertion, saml: SamlSettings) -> tuple[str, ...] | None:
    """Return the groups, or None where the attribute is absent or not read.

    That says none as well (R31), for Okta leaves it out for a user without groups; but it is remembered, for it may be a mistake.
    """
    name = saml.groups_attribute
    if not name or not saml.connection.takes_sso_groups:
        return None
    if name in assertion.unreadable:
        raise InvalidValue(name, f"The attribute {name} holds something else than plain text.")
    values = assertion.attributes.get(name)
    return None if values is None else tuple(value for value in values if value.strip())
