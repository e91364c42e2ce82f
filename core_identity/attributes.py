"""The list of all attributes of a person that CORE's user follows. All code about them derives from it. No Django.

To add an attribute, add a line here, and a field of the same names in `core_identity.values.Person`, in the models `Identity` and `User`, and in
`sso.models.SamlSettings` (``<field>_attribute``), with their migrations. That of core_identity creates the triggers of drift again
(`core_identity/migrations/_drift.py`). The test `tests/core_identity/test_attributes.py` finds every other place that names one, and
`CONTRIBUTING.md` lists the pages.
"""

from dataclasses import dataclass
from typing import Final

_ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass(frozen=True, slots=True)
class UserAttribute:
    """One value of a person.

    ``source`` is the field of a `Person` and of the identity, where the IdP's value is stored. ``field`` is the field of the user, which follows.
    ``scim`` is the path of the SCIM attribute. ``label`` is the name for people. ``okta``, ``entra`` and ``google`` are the values of the
    SAML attribute on the screens of these IdPs; empty if there is none.
    ``is_name``: it is a part of the person's name. A sign-in must contain it to create a user (R12), an empty value never clears it (R17), it
    does not follow if the UID rule is *name* (R4), and an offer shows it to the IdP (R10).
    """

    source: str
    field: str
    scim: str
    label: str
    okta: str
    entra: str
    google: str
    is_name: bool = False


FOLLOWED: Final = (
    UserAttribute(
        "given_name", "first_name", "name.givenName", "first name",
        okta="user.firstName", entra="user.givenname", google="Basic Information > First name", is_name=True,
    ),
    UserAttribute(
        "family_name", "last_name", "name.familyName", "last name",
        okta="user.lastName", entra="user.surname", google="Basic Information > Last name", is_name=True,
    ),
    UserAttribute(
        "title", "title", "title", "position",
        okta="user.title", entra="user.jobtitle", google="Employee Details > Title",
    ),
    UserAttribute(
        "organization", "company", f"{_ENTERPRISE}:organization", "company",
        okta="user.organization", entra="user.companyname", google="",
    ),
    UserAttribute(
        "department", "department", f"{_ENTERPRISE}:department", "department",
        okta="user.department", entra="user.department", google="Employee Details > Department",
    ),
)  # fmt: skip
"""In the order in which pages and documents show them."""

SOURCES: Final = tuple(attribute.source for attribute in FOLLOWED)
FIELDS: Final = tuple(attribute.field for attribute in FOLLOWED)
NAMES: Final = tuple(attribute for attribute in FOLLOWED if attribute.is_name)
