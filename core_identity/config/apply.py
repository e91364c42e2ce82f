"""Connections as code: a description is applied whole or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from django.conf import settings
from django.db import transaction

import scim.connections
import sso.connections
from core_identity.connection_file import Section
from core_identity.errors import IdentityError, InvalidValue
from core_identity.keys import key
from core_identity.models import Connection, Customer, Role
from core_identity.models.connection import Mark, Reactivation, RolesFrom, UidRule, UnknownGroup
from core_identity.policy.overage import MAX_DAYS
from core_identity.services import connections, roles
from core_identity.services.connections import SettingsError, SettingsErrors
from core_identity.values import Actor

ADMIN_PAGE: Final = "/admin/core_identity/connection/{}/change/"
"""The page of a connection. To ask Django for an address loads all pages, which takes longer than to apply a connection."""


def parse(text: str) -> Any:
    """Return the content of a YAML (or JSON) file; raise `SettingsErrors` where it is none."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise SettingsErrors([SettingsError("", "not_yaml", f"This is not YAML{where}: {problem}.")]) from error


@transaction.atomic
def apply(*, actor: Actor, content: object, base_dir: Path | None, rotate_secret: bool = False) -> list[dict[str, Any]]:
    """Apply ``content`` and return the values to enter at each IdP. Raise `SettingsErrors` with all faults, and then change nothing.

    Paths in it are relative to ``base_dir``. An answer contains ``client_secret`` only if it was created now.
    """
    faults: list[SettingsError] = []
    top = Section(content if content is not None else {}, path="", faults=faults)
    roles_in_file = _roles(top)
    entries = top.raw("connections") or []
    top.finish()
    if not isinstance(entries, list):
        top.fault("connections", "wrong_type", "This must be a list.")
        entries = []
    for name, aliases in roles_in_file:
        with _as_faults(faults, "roles"):
            role = Role.objects.filter(name_key=key(name)).first()
            if role is None:
                # Opened by each connection's own list below, never by being the only connection of the moment.
                roles.create_role(actor=actor, name=name, grantable_by=[], aliases=aliases or ())
            elif aliases is not None:
                roles.change_role(actor=actor, role_id=role.pk, aliases=aliases)
    answers = [
        _apply_one(
            actor=actor,
            section=Section(entry, path=f"connections[{index}]", faults=faults),
            base_dir=base_dir,
            rotate_secret=rotate_secret,
            only_one=len(entries) == 1,
        )
        for index, entry in enumerate(entries)
    ]
    if faults:
        raise SettingsErrors(faults)
    return answers


def _roles(top: Section) -> list[tuple[str, list[str] | None]]:
    """Return each role with its aliases, or None where the file says nothing of them: an entry is a name, or a mapping with ``name``."""
    entries = top.raw("roles") or []
    if not isinstance(entries, list):
        top.fault("roles", "wrong_type", "This must be a list.")
        return []
    entries_read = []
    for index, entry in enumerate(entries):
        mapping = entry if isinstance(entry, Mapping) else {"name": entry}
        section = Section(mapping, path=f"roles[{index}]", faults=top.faults)
        name, aliases = section.text("name"), section.texts("aliases")
        section.finish()
        if name:
            entries_read.append((name, aliases))
    return entries_read


def _apply_one(
    *, actor: Actor, section: Section, base_dir: Path | None, rotate_secret: bool, only_one: bool
) -> dict[str, Any]:
    slug = section.text("slug")
    name = section.text("name", default=slug)
    customer_name = section.text("customer", default=name)
    uid = section.section("uid")
    given = section.section("roles")
    saml = section.raw("saml")
    scim_section = section.raw("scim")
    scim_policy = Section(scim_section, path=f"{section.path}.scim", faults=section.faults)
    wanted = {
        "name": name,
        "uid_attribute": uid.text("attribute", default="UID"),
        "uid_rule": uid.choice("rule", UidRule.values, default=UidRule.NAME),
        "uid_mark": uid.choice("mark", Mark.values, default=Mark.REQUIRED),
        "external_id_may_change": uid.flag("external_id_may_change", default=False),
        "uid_required_in_scim": uid.flag("required_in_scim", default=False),
        "sso_makes_users": section.flag("sso_makes_users", default=True),
        "own_idp": section.flag("own_idp", default=False),
        "roles_from": given.choice(
            "from", RolesFrom.values, default=RolesFrom.SSO_GROUPS if scim_section is None else RolesFrom.PUSH_GROUPS
        ),
        "overage_days": given.number("overage_days", default=MAX_DAYS, most=MAX_DAYS),
        "unknown_group": scim_policy.choice("unknown_group", UnknownGroup.values, default=UnknownGroup.WAIT),
        "reactivation": scim_policy.choice("reactivation", Reactivation.values, default=Reactivation.KEEP_EXPIRED),
    }
    if wanted["uid_mark"] == Mark.WAIVED and wanted["uid_rule"] != UidRule.OTHER:
        uid.fault("mark", "not_a_choice", "The second mark can be waived for the rule `other` only.")
    if wanted["external_id_may_change"] and wanted["uid_rule"] != UidRule.OTHER:
        uid.fault("external_id_may_change", "not_a_choice", "The externalId may change for the rule `other` only.")
    grantable = given.texts("grantable")
    section.finish()
    if section.faults:
        return {}
    applied_to: list[Connection] = []
    with _as_faults(section.faults, section.path):
        applied_to.append(_connection(actor=actor, slug=slug, customer_name=customer_name, wanted=wanted))
    if not applied_to:
        return {}
    connection = applied_to[0]
    with _as_faults(section.faults, f"{section.path}.roles.grantable"):
        _open_roles(actor=actor, connection=connection, names=grantable, only_one=only_one)
    hints: list[str] = []
    if saml is not None:
        with _as_faults(section.faults, section.path):
            applied = sso.connections.apply(connection, saml, base_dir=base_dir)
            hints += sso.connections.hints(applied, saml, base_dir=base_dir)
    secret = None
    with _as_faults(section.faults, section.path):
        rest = _without(scim_section, "unknown_group", "reactivation")
        secret = scim.connections.apply(connection, rest, rotate_secret=rotate_secret)
    if section.faults:
        return {}
    secrets = {"client_secret": secret} if secret else {}
    return {**describe(connection), **secrets, **({"hints": hints} if hints else {})}


def describe(connection: Connection) -> dict[str, Any]:
    """Return what an administrator of the IdP has to know of a connection; nothing in it is secret."""
    return {
        "slug": connection.slug,
        **sso.connections.urls(connection),
        **scim.connections.urls(connection),
        "admin_url": f"{settings.PUBLIC_URL}{ADMIN_PAGE.format(connection.pk)}",
    }


def _connection(*, actor: Actor, slug: str, customer_name: str, wanted: Mapping[str, Any]) -> Connection:
    found = Connection.objects.select_related("customer").filter(slug=slug).first()
    if found is None:
        customer = Customer.objects.filter(name_key=key(customer_name)).first()
        if customer is None:
            customer = connections.create_customer(actor=actor, name=customer_name)
        return connections.create_connection(actor=actor, customer=customer, slug=slug, **wanted)
    if found.customer.name_key != key(customer_name):
        raise InvalidValue("customer", f"This connection belongs to the customer {found.customer}. This cannot change.")
    return connections.change_connection(actor=actor, connection_id=found.pk, **wanted)


def _open_roles(*, actor: Actor, connection: Connection, names: list[str] | None, only_one: bool) -> None:
    """Set the roles that groups of the connection give. If the file names none, a connection that is the only one gets all roles (R28)."""
    if names is None:
        alone = only_one and not Connection.objects.exclude(pk=connection.pk).exists()
        chosen = list(Role.objects.all()) if alone else []
    else:
        known = {role.name_key: role for role in Role.objects.filter(name_key__in=[key(name) for name in names])}
        missing = [name for name in names if key(name) not in known]
        if missing:
            raise InvalidValue(
                "", f"There is no role named {', '.join(missing)}. Name it under `roles` to have it made."
            )
        chosen = list(known.values())
    connections.set_grantable_roles(actor=actor, connection=connection, roles=chosen, confirm_waiting=True)


@contextmanager
def _as_faults(faults: list[SettingsError], path: str) -> Iterator[None]:
    """Turn the refusal of a service into a fault at ``path``, and continue to find more. The whole transaction is then rolled back."""
    try:
        with transaction.atomic():
            yield
    except SettingsErrors as several:
        faults += [SettingsError(f"{path}.{one.path}", one.code, one.message) for one in several.faults]
    except InvalidValue as error:
        faults.append(SettingsError(f"{path}.{error.field}".rstrip("."), error.code, error.message))
    except IdentityError as error:
        faults.append(SettingsError(path, error.code, error.message))


def _without(section: object, *names: str) -> Any:
    if section is None:
        return {}
    return (
        {name: value for name, value in section.items() if name not in names}
        if isinstance(section, Mapping)
        else section
    )
