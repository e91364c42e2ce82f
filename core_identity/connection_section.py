"""The keys of a connection file that core_identity knows, read with all their faults. Nothing is applied here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core_identity.connection_file import Section
from core_identity.models.connection import Mark, Reactivation, RolesFrom, UidRule, UnknownGroup
from core_identity.policy.overage import MAX_DAYS
from core_identity.support_contact import FIELDS

_POLICIES: Final = ("unknown_group", "reactivation")
"""Keys of the part ``scim`` that are settings of core_identity."""


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """A role of the file. ``aliases`` is None if the file does not contain them: then they stay as they are."""

    name: str
    aliases: list[str] | None


@dataclass(frozen=True, slots=True)
class CustomerEntry:
    """A customer of the file. ``support`` is None if the file does not contain it: then the support contact stays as it is."""

    path: str
    name: str
    support: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class ConnectionEntry:
    """A connection of the file. ``saml`` and ``scim`` are read by their packages; ``saml`` is None if the file does not contain it."""

    path: str
    slug: str
    customer: str
    settings: Mapping[str, Any]
    grantable: list[str] | None
    saml: Any
    scim: Mapping[str, Any]


def read_entries(top: Section, name: str) -> list[Any]:
    """Return the list ``roles``, ``customers`` or ``connections`` of a file; a list that is left out is empty."""
    entries = top.raw(name) or []
    if isinstance(entries, list):
        return entries
    top.fault(name, "wrong_type", "This must be a list.")
    return []


def read_roles(top: Section) -> Iterator[RoleEntry]:
    """Yield the roles that have a name. An entry is a name, or a mapping with ``name``."""
    for index, entry in enumerate(read_entries(top, "roles")):
        mapping = entry if isinstance(entry, Mapping) else {"name": entry}
        section = Section(mapping, path=f"roles[{index}]", faults=top.faults)
        name, aliases = section.text("name"), section.texts("aliases")
        section.finish()
        if name:
            yield RoleEntry(name, aliases)


def read_customers(top: Section) -> Iterator[CustomerEntry]:
    """Yield the customers that have a name."""
    for index, entry in enumerate(read_entries(top, "customers")):
        section = Section(entry, path=f"customers[{index}]", faults=top.faults)
        name = section.text("name")
        support = section.section("support")
        contact = {field: support.text(field, default="") for field in FIELDS} if section.has("support") else None
        section.finish()
        if name:
            yield CustomerEntry(section.path, name, contact)


def read_connection(section: Section) -> ConnectionEntry:
    slug = section.text("slug")
    name = section.text("name", default=slug)
    customer = section.text("customer", default=name)
    groups, scim = section.section("roles"), section.raw("scim")
    policy = Section(scim, path=f"{section.path}.scim", faults=section.faults)
    settings = {
        "name": name,
        **_uid(section.section("uid")),
        "sso_creates_users": section.flag("sso_creates_users", default=True),
        "own_idp": section.flag("own_idp", default=False),
        "roles_from": groups.choice(
            "from", RolesFrom.values, default=RolesFrom.SSO_GROUPS if scim is None else RolesFrom.PUSH_GROUPS
        ),
        "overage_days": groups.number("overage_days", default=MAX_DAYS, most=MAX_DAYS),
        "unknown_group": policy.choice("unknown_group", UnknownGroup.values, default=UnknownGroup.WAIT),
        "reactivation": policy.choice("reactivation", Reactivation.values, default=Reactivation.KEEP_EXPIRED),
    }
    entry = ConnectionEntry(
        path=section.path,
        slug=slug,
        customer=customer,
        settings=settings,
        grantable=groups.texts("grantable"),
        saml=section.raw("saml"),
        scim={name: value for name, value in policy.content.items() if name not in _POLICIES},
    )
    section.finish()
    return entry


def _uid(section: Section) -> dict[str, Any]:
    settings = {
        "uid_attribute": section.text("attribute", default="UID"),
        "uid_rule": section.choice("rule", UidRule.values, default=UidRule.NAME),
        "uid_mark": section.choice("mark", Mark.values, default=Mark.REQUIRED),
        "external_id_may_change": section.flag("external_id_may_change", default=False),
        "uid_required_in_scim": section.flag("required_in_scim", default=False),
    }
    if settings["uid_mark"] == Mark.WAIVED and settings["uid_rule"] != UidRule.OTHER:
        section.fault("mark", "not_a_choice", "The mark beside the UID can be waived for the rule `other` only.")
    if settings["external_id_may_change"] and settings["uid_rule"] != UidRule.OTHER:
        section.fault("external_id_may_change", "not_a_choice", "The externalId may change for the rule `other` only.")
    return settings
