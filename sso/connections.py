"""The SAML side of a connection, as its file or an administrator describes it."""

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
from core_identity.values import Actor, ActorKind, Channel
from sso.email_domains import keep_only, unverify_domain, verify_domain
from sso.keys import make_key_where_none
from sso.metadata_notes import metadata_notes
from sso.models import SamlSettings
from sso.saml.certificates import fingerprint
from sso.section import KEYS, NEED_A_KEY, hints_for, metadata_in, read_section

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
    """Make the SAML settings of ``connection`` what ``section`` says (the key ``saml`` of a connection file); left-out keys have their default.

    ``idp_metadata`` is a path from ``base_dir``, or the XML itself. A domain that says nothing of being verified stays as it is. ``seen`` names the
    changes that somebody was shown and confirms (`seen_as` of `plan`). Raises `SettingsErrors` or `InvalidValue` with all that is wrong,
    `NotAllowed` where other changes were seen; and then changed nothing.
    """
    wished, wished_domains = read_section(section, base_dir)
    found = SamlSettings.objects.select_for_update().filter(connection=connection).first()
    saml = found or SamlSettings(connection=connection)
    changes = _changes(found, wished)
    if seen is not None and seen != seen_as(changes):
        raise NotAllowed("The settings changed while you were looking. Review the changes again.")
    if changes:
        for field, value in wished.items():
            setattr(saml, field, value)
        saml.save()
        events.record(actor=actor, kind=EventKind.SAML_SETTINGS_CHANGED, subject=connection, changes=told(changes))
    keep_only(actor=actor, connection=connection, entered=saml.email_domains)
    for domain, verified in sorted(wished_domains.items()):
        if verified is not None:
            act = verify_domain if verified else unverify_domain
            act(actor=actor, connection=connection, domain=domain)
    if any(wished[name] for name in NEED_A_KEY):
        make_key_where_none(actor=actor, connection=connection)
    return saml


def plan(connection: "Connection", section: Mapping[str, Any], *, base_dir: Path | None) -> Changes:
    """Return what `apply` would change of the settings: field, what stands, what would stand. Raises `SettingsErrors`."""
    wished, _ = read_section(section, base_dir)
    return _changes(SamlSettings.objects.filter(connection=connection).first(), wished)


def hints(saml: SamlSettings, section: Mapping[str, Any], *, base_dir: Path | None) -> list[str]:
    """Return what somebody who applied ``section`` should know, in sentences: of its spelling, and of the metadata in it."""
    read = metadata_in(section, base_dir)
    return [*hints_for(section), *(metadata_notes(saml, read) if read else [])]


def section_of(saml: SamlSettings) -> dict[str, Any]:
    """Return the settings as a connection file would say them: to apply it changes nothing. Whoever changes one key keeps the others by it."""
    fields = {name: name for name in KEYS if name not in {"idp_metadata", "attributes"}} | {
        "entity_id": "idp_entity_id"
    }
    said = {name: getattr(saml, field) for name, field in fields.items()}
    attributes = {name: getattr(saml, f"{name}_attribute") for name in SamlSettings.ATTRIBUTES}
    # What is empty is left out: that is what it means to leave it out.
    return {name: value for name, value in said.items() if value != ""} | {"attributes": attributes}


def seen_as(changes: Changes) -> str:
    """Return what names these changes: whoever confirms them confirms these, and not what came after they were shown."""
    plain = json.dumps(changes, sort_keys=True, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()


def _changes(found: SamlSettings | None, wished: Mapping[str, Any]) -> Changes:
    return {
        field: (getattr(found, field) if found else None, value)
        for field, value in wished.items()
        if not found or getattr(found, field) != value
    }


def told(changes: Mapping[str, tuple[object, object]]) -> Changes:
    """Return changes as events tell them: certificates by what tells them apart."""
    return {
        field: (_fingerprints(before), _fingerprints(after)) if field == "certificates" else (before, after)
        for field, (before, after) in changes.items()
    }


def _fingerprints(certificates: Any) -> list[str] | None:
    return None if certificates is None else [fingerprint(pem) for pem in certificates]


def urls(connection: "Connection") -> dict[str, Any]:
    """Return what the IdP's administrator enters for SAML, and where its people start."""
    base = f"{settings.PUBLIC_URL}/sso/{connection.slug}"
    return {
        "acs_url": f"{base}/acs",
        "entity_id": f"{base}/metadata",
        "login_url": f"{base}/login",
        "logout_url": f"{base}/logout",
        "metadata_url": f"{base}/metadata",
    }
