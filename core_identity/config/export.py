"""A connection as the file that `connection apply` reads. Applying it changes nothing here, and makes the same connection elsewhere."""

from typing import Any

import yaml

import scim.connections
import sso.settings.changes
from core_identity.models import Connection
from sso.models import SamlSettings
from sso.settings.email_domains import verified_domains


def file_of(connection: Connection) -> dict[str, Any]:
    """Return the content of the file. It contains no secret: applying the file elsewhere makes a new client secret and new keys."""
    grantable = list(connection.grantable_roles.prefetch_related("aliases").order_by("name_key"))
    saml = SamlSettings.objects.filter(connection=connection).first()
    scim_section = scim.connections.section_of(connection)
    entry = {
        "slug": connection.slug,
        "name": connection.name,
        "customer": connection.customer.name,
        "own_idp": connection.own_idp,
        "sso_creates_users": connection.sso_creates_users,
        "uid": {
            "attribute": connection.uid_attribute,
            "rule": str(connection.uid_rule),
            "mark": str(connection.uid_mark),
            "external_id_may_change": connection.external_id_may_change,
            "required_in_scim": connection.uid_required_in_scim,
        },
        "roles": {
            "grantable": [role.name for role in grantable],
            "from": str(connection.roles_from),
            "overage_days": connection.overage_days,
        },
        **({"saml": _saml(connection, saml)} if saml is not None else {}),
        "scim": {
            "unknown_group": str(connection.unknown_group),
            "reactivation": str(connection.reactivation),
            **scim_section,
        },
    }
    roles = [{"name": role.name, "aliases": [alias.name for alias in role.aliases.all()]} for role in grantable]
    support = connection.customer.support_contact
    customers = {"customers": [{"name": connection.customer.name, "support": support}]} if support else {}
    return {"roles": roles, **customers, "connections": [entry]}


def as_yaml(content: dict[str, Any]) -> str:
    """Return the text of the file, with its keys in the order of the documentation and each certificate as a block.

    If a value contains a character that is not printable, such as a space that never breaks, all letters outside ASCII are escaped, because a
    command prints no such character.
    """
    text = _dump(content, allow_unicode=True)
    return text if all(map(str.isprintable, text.split("\n"))) else _dump(content, allow_unicode=False)


def _dump(content: dict[str, Any], *, allow_unicode: bool) -> str:
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, width=120))


class _Dumper(yaml.SafeDumper):
    """Writes a text with several lines as a block, so that people can read it."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _saml(connection: Connection, saml: SamlSettings) -> dict[str, Any]:
    verified = set(verified_domains(connection).values_list("domain", flat=True))
    domains = [{"domain": domain, "verified": domain in verified} for domain in saml.email_domains]
    return {**sso.settings.changes.section_of(saml), "email_domains": domains}
