"""Connections as code: a description is applied whole or not at all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from django.conf import settings
from django.db import transaction

import scim.connections
import sso.settings.changes
import sso.settings.section
from core_identity.connection_file import Section
from core_identity.connection_section import (
    ConnectionEntry,
    CustomerEntry,
    RoleEntry,
    read_connection,
    read_customers,
    read_entries,
    read_roles,
)
from core_identity.errors import IdentityError, InvalidValue, SettingsError, SettingsErrors
from core_identity.keys import key
from core_identity.models import Connection, Customer, Role
from core_identity.services import connections, customers, roles
from core_identity.values import Actor

Result = TypeVar("Result")

ADMIN_PAGE: Final = "/admin/core_identity/connection/{}/change/"
"""The page of a connection. To ask Django for an address loads all pages, which takes longer than to apply a connection."""


def parse(text: str) -> Any:
    """Return the content of a YAML (or JSON) file; raise `SettingsErrors` if it is not one."""
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
    role_entries, entries = list(read_roles(top)), read_entries(top, "connections")
    customer_entries = list(read_customers(top))
    top.finish()
    readable = list(_readable(entries, base_dir, faults))
    for role in role_entries:
        _or_faults(faults, "roles", partial(_apply_role, actor=actor, entry=role))
    for customer in customer_entries:
        _or_faults(faults, customer.path, partial(_apply_customer, actor=actor, entry=customer))
    applied = [
        _Application(actor, entry, base_dir, faults).run(rotate_secret=rotate_secret, only_one=len(entries) == 1)
        for entry in readable
    ]
    if faults:
        raise SettingsErrors(faults)
    return applied


def _readable(entries: list[Any], base_dir: Path | None, faults: list[SettingsError]) -> Iterator[ConnectionEntry]:
    """Read each connection with all its parts, and yield those without a fault."""
    for index, content in enumerate(entries):
        known = len(faults)
        entry = read_connection(Section(content, path=f"connections[{index}]", faults=faults))
        if entry.saml is not None:
            _or_faults(faults, entry.path, partial(sso.settings.section.read_section, entry.saml, base_dir))
        _or_faults(faults, entry.path, partial(scim.connections.read_section, entry.scim))
        if len(faults) == known:
            yield entry


def _apply_role(*, actor: Actor, entry: RoleEntry) -> None:
    role = Role.objects.filter(name_key=key(entry.name)).first()
    if role is None:
        # Opened by each connection's own list below, never by being the only connection of the moment.
        roles.create_role(actor=actor, name=entry.name, grantable_by=[], aliases=entry.aliases or ())
    elif entry.aliases is not None:
        roles.change_role(actor=actor, role_id=role.pk, aliases=entry.aliases)


def _apply_customer(*, actor: Actor, entry: CustomerEntry) -> None:
    customer = _customer(actor, entry.name)
    if entry.support is None:
        return
    try:
        customers.set_support_contact(actor=actor, customer_id=customer.pk, contact=entry.support)
    except InvalidValue as error:
        raise InvalidValue(error.field.replace("_", ".", 1), error.message) from error


def _customer(actor: Actor, name: str) -> Customer:
    """Return the customer of this name, which is made if it does not exist."""
    found = Customer.objects.filter(name_key=key(name)).first()
    return found or customers.create_customer(actor=actor, name=name)


@dataclass(frozen=True, slots=True)
class _Application:
    """One connection of the file on its way into the database. A service that refuses adds to ``faults``."""

    actor: Actor
    entry: ConnectionEntry
    base_dir: Path | None
    faults: list[SettingsError]

    def run(self, *, rotate_secret: bool, only_one: bool) -> dict[str, Any]:
        """Return the values to enter at the IdP; nothing useful if there were faults."""
        path = self.entry.path
        connection = _or_faults(self.faults, path, self.connection)
        if connection is None:
            return {}
        _or_faults(self.faults, f"{path}.roles.grantable", partial(self.open_roles, connection, only_one=only_one))
        hints = _or_faults(self.faults, path, partial(self.saml, connection)) if self.entry.saml is not None else None
        apply_scim = partial(scim.connections.apply, connection, self.entry.scim, rotate_secret=rotate_secret)
        secret = _or_faults(self.faults, path, apply_scim)
        return {
            **describe(connection),
            **({"client_secret": secret} if secret else {}),
            **({"hints": hints} if hints else {}),
        }

    def connection(self) -> Connection:
        entry = self.entry
        found = Connection.objects.select_related("customer").filter(slug=entry.slug).first()
        if found is None:
            customer = _customer(self.actor, entry.customer)
            return connections.create_connection(actor=self.actor, customer=customer, slug=entry.slug, **entry.settings)
        if found.customer.name_key != key(entry.customer):
            fault = f"This connection belongs to the customer {found.customer}. This cannot change."
            raise InvalidValue("customer", fault)
        return connections.change_connection(actor=self.actor, connection_id=found.pk, **entry.settings)

    def open_roles(self, connection: Connection, *, only_one: bool) -> None:
        """Set the roles that groups of the connection give. If the file names none, the only connection gets all roles (R28)."""
        names = self.entry.grantable
        if names is None:
            alone = only_one and not Connection.objects.exclude(pk=connection.pk).exists()
            chosen = list(Role.objects.all()) if alone else []
        else:
            known = {role.name_key: role for role in Role.objects.filter(name_key__in=[key(name) for name in names])}
            missing = [name for name in names if key(name) not in known]
            if missing:
                raise InvalidValue(
                    "", f"There is no role named {', '.join(missing)}. Add it under `roles` to create it."
                )
            chosen = list(known.values())
        connections.set_grantable_roles(actor=self.actor, connection=connection, roles=chosen, confirm_waiting=True)

    def saml(self, connection: Connection) -> list[str]:
        applied = sso.settings.changes.apply(connection, self.entry.saml, base_dir=self.base_dir)
        return sso.settings.changes.hints(applied, self.entry.saml, base_dir=self.base_dir)


def describe(connection: Connection) -> dict[str, Any]:
    """Return the values of a connection that an administrator of the IdP needs. None of them is secret."""
    return {
        "slug": connection.slug,
        **sso.settings.changes.urls(connection),
        **scim.connections.urls(connection),
        "admin_url": f"{settings.PUBLIC_URL}{ADMIN_PAGE.format(connection.pk)}",
    }


def _or_faults(faults: list[SettingsError], path: str, act: Callable[[], Result]) -> Result | None:
    """Run ``act``. If it is refused, add the reasons as faults at ``path`` and return None, so that more faults can be found.

    The whole transaction is rolled back in the end.
    """
    try:
        with transaction.atomic():
            return act()
    except SettingsErrors as several:
        faults += [SettingsError(f"{path}.{one.path}", one.code, one.message) for one in several.faults]
    except InvalidValue as error:
        faults.append(SettingsError(f"{path}.{error.field}".rstrip("."), error.code, error.message))
    except IdentityError as error:
        faults.append(SettingsError(path, error.code, error.message))
    return None
