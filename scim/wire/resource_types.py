"""The registry of the attributes that this service stores. Any other attribute is ignored.

``caseExact`` is how a filter really compares. ``password`` is missing on purpose: it is dropped unread, so it must not be announced.
"""

from functools import lru_cache
from typing import Final

from core_identity.attributes import FOLLOWED
from core_identity.brand import BRAND
from scim.wire import urns
from scim.wire.attributes import Attribute, ResourceType, Schema

PASSWORD: Final = "password"  # noqa: S105 - the name of an attribute


def _plural(name: str, description: str, value: Attribute, *more: Attribute, types: tuple[str, ...] = ()) -> Attribute:
    """Return a multi-valued attribute with the sub-attributes of RFC 7643 section 2.4."""
    return Attribute(
        name,
        description,
        "complex",
        multi_valued=True,
        sub_attributes=(
            value,
            Attribute("display", "A name to show.", case_exact=True),
            Attribute("type", "The purpose of the value.", case_exact=True, canonical_values=types),
            Attribute("primary", "Whether this is the preferred value.", "boolean"),
            *more,
        ),
    )


def _value(description: str) -> Attribute:
    return Attribute("value", description, case_exact=True)


_NAME: Final = Attribute(
    "name",
    "The components of the name.",
    "complex",
    sub_attributes=(
        Attribute("formatted", "The full name, as the identity provider writes it."),
        Attribute("familyName", "The last name."),
        Attribute("givenName", "The first name."),
        Attribute("middleName", "The middle names."),
        Attribute("honorificPrefix", "The part before the name."),
        Attribute("honorificSuffix", "The part after the name."),
    ),
)

EMAILS: Final = Attribute(
    "emails",
    "Email addresses. The main one is the primary, else the one for work, else the first.",
    "complex",
    multi_valued=True,
    sub_attributes=(
        Attribute("value", "The address."),
        Attribute("display", "A name to show.", case_exact=True),
        Attribute("type", "The purpose of the address.", canonical_values=("work", "home", "other")),
        Attribute("primary", "Whether this is the preferred address.", "boolean"),
    ),
)

_ADDRESSES: Final = Attribute(
    "addresses",
    "Postal addresses.",
    "complex",
    multi_valued=True,
    sub_attributes=(
        *(
            Attribute(name, description, case_exact=True)
            for name, description in (
                ("formatted", "The whole address."),
                ("streetAddress", "Street and number."),
                ("locality", "City."),
                ("region", "State or region."),
                ("postalCode", "Postal code."),
                ("country", "Country."),
            )
        ),
        Attribute("type", "The purpose of the address.", case_exact=True, canonical_values=("work", "home", "other")),
        Attribute("primary", "Whether this is the preferred address.", "boolean"),
    ),
)

_GROUPS: Final = Attribute(
    "groups",
    "The pushed groups that the user is in. Change the members of a group to change this.",
    "complex",
    multi_valued=True,
    mutability="readOnly",
    sub_attributes=(
        Attribute("value", "The id of the group.", case_exact=True, mutability="readOnly"),
        Attribute("$ref", "The address of the group.", "reference", mutability="readOnly", reference_types=("Group",)),
        Attribute("display", "The name of the group.", mutability="readOnly"),
        Attribute("type", "Always direct.", mutability="readOnly", canonical_values=("direct",)),
    ),
)

# The descriptions are those of RFC 7643 section 8.7.1, because clients show them as the name of the resource.
_USER: Final = Schema(
    urn=urns.USER,
    name="User",
    description="User Account",
    attributes=(
        Attribute(
            "userName",
            "The identity provider's present name for the person. It follows the identity provider; lookups match it.",
            required=True,
            uniqueness="server",
        ),
        _NAME,
        Attribute("displayName", "The name to show."),
        Attribute("nickName", "The casual name."),
        Attribute(
            "profileUrl", "A page about the person.", "reference", case_exact=True, reference_types=("external",)
        ),
        Attribute("title", "The position of the person."),
        Attribute("userType", "Employee, contractor and the like."),
        Attribute("preferredLanguage", "The language that the person prefers."),
        Attribute("locale", "The locale of the person."),
        Attribute("timezone", "The time zone of the person."),
        Attribute(
            "active",
            f"Whether the person is active at the identity provider. False expires the user in {BRAND}.",
            "boolean",
        ),
        EMAILS,
        _plural(
            "phoneNumbers",
            "Phone numbers.",
            _value("The number."),
            types=("work", "home", "mobile", "fax", "pager", "other"),
        ),
        _plural("ims", "Instant messaging addresses.", _value("The address.")),
        _plural(
            "photos",
            "Addresses of photos.",
            Attribute("value", "The address.", "reference", case_exact=True, reference_types=("external",)),
            types=("photo", "thumbnail"),
        ),
        _ADDRESSES,
        _GROUPS,
        _plural(
            "entitlements", f"Entitlements, stored as sent; they give no role in {BRAND}.", _value("The entitlement.")
        ),
        _plural(
            "roles",
            f"Roles at the identity provider, stored as sent; they give no role in {BRAND}.",
            _value("The role."),
        ),
    ),
)

_ENTERPRISE_FOLLOWED: Final = tuple(
    Attribute(one.scim.removeprefix(f"{urns.ENTERPRISE_USER}:"), f"The {one.label}.")
    for one in FOLLOWED
    if one.scim.startswith(urns.ENTERPRISE_USER)
)
_ENTERPRISE_STORED: Final = (
    Attribute("employeeNumber", "The number of the employee."),
    Attribute("costCenter", "The cost center."),
    Attribute("division", "The division."),
)
_ENTERPRISE: Final = (
    *(one for one in _ENTERPRISE_STORED if one.name not in {followed.name for followed in _ENTERPRISE_FOLLOWED}),
    *_ENTERPRISE_FOLLOWED,
    Attribute(
        "manager",
        "The manager, as the identity provider sends it.",
        "complex",
        bare=True,  # Entra searches for and patches a plain ``manager``
        sub_attributes=(
            Attribute("value", "The id of the manager.", case_exact=True),
            Attribute("$ref", "The address of the manager.", "reference", case_exact=True, reference_types=("User",)),
            Attribute("displayName", "The name of the manager."),
        ),
    ),
)

_CORE_USER: Final = Schema(
    urn=urns.CORE_USER,
    name="CoreUser",
    description=f"{BRAND}'s own values of the person, which the identity provider cannot change.",
    attributes=(
        Attribute("username", f"The login name in {BRAND}. Set once.", mutability="readOnly"),
        Attribute("email", f"The address in {BRAND}. Only an administrator changes it.", mutability="readOnly"),
        Attribute(
            "expired",
            f"Whether the person may not sign in. Only an administrator of {BRAND} unexpires.",
            "boolean",
            mutability="readOnly",
        ),
    ),
)


@lru_cache(maxsize=256)
def user_type(uid_attribute: str, *, uid_required: bool = False) -> ResourceType:
    """Return the User resource type of a connection whose UID attribute has this name (R2), in exactly this letter case.

    A UID attribute with the name of an extension's attribute (employeeNumber, for example) replaces it. ``uid_required`` is only for discovery:
    messages are read without it, because a removed UID is kept and not refused (R6).
    """
    uid = Attribute(
        uid_attribute,
        "The UID: the value that identifies the same person in SAML and SCIM.",
        required=uid_required,
        uniqueness="server",
    )
    others = tuple(one for one in _ENTERPRISE if one.name.lower() != uid_attribute.lower())
    enterprise = Schema(urns.ENTERPRISE_USER, "EnterpriseUser", "Enterprise User", (uid, *others))
    return ResourceType("User", "/Users", _USER, (enterprise, _CORE_USER))


GROUP_TYPE: Final = ResourceType(
    "Group",
    "/Groups",
    Schema(
        urn=urns.GROUP,
        name="Group",
        description="Group",
        attributes=(
            Attribute("displayName", "The name of the group.", required=True, uniqueness="server"),
            Attribute(
                "members",
                "The people in the group. Unknown ids are not stored.",
                "complex",
                multi_valued=True,
                sub_attributes=(
                    Attribute("value", "The id of the user.", case_exact=True, mutability="immutable"),
                    Attribute(
                        "$ref",
                        "The address of the user.",
                        "reference",
                        mutability="immutable",
                        reference_types=("User",),
                    ),
                    Attribute("type", "Always User.", mutability="immutable", canonical_values=("User",)),
                ),
            ),
        ),
    ),
)
