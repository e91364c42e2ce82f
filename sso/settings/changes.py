"""The SAML side of a connection: apply its section of a connection file, or a form of an administrator."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction

from core_identity.errors import NotAllowed
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.services.permissions import require_superuser_for_own_idp
from core_identity.values import Actor, ActorKind, Channel
from sso.models import SamlSettings
from sso.saml.certificates import fingerprint
from sso.settings.email_domains import keep_only, unverify_domain, verify_domain
from sso.settings.keys import make_key_where_none
from sso.settings.live_settings import new_settings
from sso.settings.metadata_notes import metadata_notes
from sso.settings.section import FILE_KEYS, NEED_A_KEY, hints_for, metadata_in, read_section

if TYPE_CHECKING:
    from core_identity.models import Connection

Changes = dict[str, tuple[object, object]]
APPLY: Final = Actor(Channel.ADMIN, ActorKind.SYSTEM, "connection apply")


@transaction.atomic
def apply(
    connection: "Connection",
    section: Mapping[str, Any],
    *,
    base_dir: Path | None,
    actor: Actor = APPLY,
    seen: str | None = None,
) -> SamlSettings:
    """Change the SAML settings of ``connection`` to those in ``section``, the key ``saml`` of a connection file. Absent keys get their default.

    ``idp_metadata`` is a path relative to ``base_dir``, or the XML itself. A domain without ``verified`` keeps its state. ``seen`` is the
    `seen_as` of the changes that an administrator reviewed and confirmed.

    Raises `SettingsErrors` or `InvalidValue` with all faults, and `NotAllowed` if the changes are not the reviewed ones. Then nothing is changed.
    """
    values, domains = read_section(section, base_dir)
    require_superuser_for_own_idp(actor, connection)
    found = SamlSettings.objects.select_for_update().filter(connection=connection).first()
    saml = found or new_settings(connection)
    changes = _changes(found, values)
    if seen is not None and seen != seen_as(changes):
        raise NotAllowed("The settings changed while you were looking. Review the changes again.")
    if changes:
        for field, value in values.items():
            setattr(saml, field, value)
        saml.save()
        events.record(
            actor=actor, kind=EventKind.SAML_SETTINGS_CHANGED, subject=connection, changes=event_changes(changes)
        )
    keep_only(actor=actor, connection=connection, entered=saml.email_domains)
    for domain, verified in sorted(domains.items()):
        if verified is not None:
            act = verify_domain if verified else unverify_domain
            act(actor=actor, connection=connection, domain=domain)
    if any(values[name] for name in NEED_A_KEY):
        make_key_where_none(actor=actor, connection=connection)
    return saml


def plan(connection: "Connection", section: Mapping[str, Any], *, base_dir: Path | None) -> Changes:
    """Return the settings that `apply` would change, as field: (stored value, new value). Raises `SettingsErrors`."""
    values, _ = read_section(section, base_dir)
    return _changes(SamlSettings.objects.filter(connection=connection).first(), values)


def hints(saml: SamlSettings, section: Mapping[str, Any], *, base_dir: Path | None) -> list[str]:
    """Return hints, in sentences, for the administrator who applies ``section``: about older spellings, and about its metadata."""
    read = metadata_in(section, base_dir)
    return [*hints_for(section), *(metadata_notes(saml, read) if read else [])]


def section_of(saml: SamlSettings) -> dict[str, Any]:
    """Return the settings as a section of a connection file. Applying it changes nothing, so a form can change one key and keep the others."""
    fields = {name: name for name in FILE_KEYS if name not in {"idp_metadata", "attributes"}} | {
        "entity_id": "idp_entity_id"
    }
    section = {name: getattr(saml, field) for name, field in fields.items()}
    attributes = {name: getattr(saml, f"{name}_attribute") for name in SamlSettings.ATTRIBUTES}
    # An empty value means the same as an absent key.
    return {name: value for name, value in section.items() if value != ""} | {"attributes": attributes}


def seen_as(changes: Changes) -> str:
    """Return a digest of these changes. With it, an administrator confirms the reviewed changes and no later ones."""
    plain = json.dumps(changes, sort_keys=True, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()


def _changes(found: SamlSettings | None, values: Mapping[str, Any]) -> Changes:
    return {
        field: (getattr(found, field) if found else None, value)
        for field, value in values.items()
        if not found or getattr(found, field) != value
    }


def event_changes(changes: Mapping[str, tuple[object, object]]) -> Changes:
    """Return changes as events contain them: each certificate as its fingerprint."""
    return {
        field: (_fingerprints(before), _fingerprints(after)) if field == "certificates" else (before, after)
        for field, (before, after) in changes.items()
    }


def _fingerprints(certificates: Any) -> list[str] | None:
    return None if certificates is None else [fingerprint(pem) for pem in certificates]


def urls(connection: "Connection") -> dict[str, Any]:
    """Return the values that the IdP's administrator enters for SAML, and the address where people start."""
    base = f"{settings.PUBLIC_URL}/sso/{connection.slug}"
    return {
        "acs_url": f"{base}/acs",
        "entity_id": f"{base}/metadata",
        "login_url": f"{base}/login",
        "logout_url": f"{base}/logout",
        "metadata_url": f"{base}/metadata",
    }
