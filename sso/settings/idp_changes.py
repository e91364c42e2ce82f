"""Changes that an IdP's metadata would make to a connection. They are shown first, and an administrator accepts them; a schedule never does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from core_identity.brand import BRAND
from core_identity.clock import database_now
from core_identity.errors import InvalidValue, NotAllowed, SettingsError, SettingsErrors
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.services.permissions import require_superuser_for_own_idp
from core_identity.values import Actor
from sso.models import SamlSettings
from sso.saml.certificates import end_of, fingerprint
from sso.saml.idp_metadata import IdpMetadata, MetadataFaults, read_idp_metadata
from sso.settings.changes import Changes, event_changes, seen_as
from sso.settings.live_settings import new_settings
from sso.settings.metadata_notes import metadata_notes
from sso.settings.metadata_source import fetch
from sso.settings.trust_warnings import endings

if TYPE_CHECKING:
    from core_identity.models import Connection

FIELDS: Final = ("idp_entity_id", *SamlSettings.PLACES, "certificates", "metadata_url", "metadata_valid_until")
CHANGED: Final = "The settings or the metadata changed while you were looking. Review the changes again."
_PROPOSABLE: Final = (*SamlSettings.PLACES, "certificates")


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes, as field: (stored value, new value); empty if all values are stored already. ``notes`` are sentences."""

    changes: Changes
    notes: tuple[str, ...]

    @property
    def seen(self) -> str:
        """Return a digest of this difference. With it, an administrator confirms the reviewed changes and no later ones."""
        return seen_as(self.changes)

    def lines(self) -> list[str]:
        """Return the difference for people: one line for each value that is added or removed."""
        lines = []
        for field, (before, after) in self.changes.items():
            label = str(SamlSettings._meta.get_field(field).verbose_name)  # type: ignore[union-attr]
            if field != "certificates":
                lines.append(f"{label}: {before or 'nothing'} → {after or 'nothing'}")
                continue
            old, new = list(before or ()), list(after or ())  # type: ignore[call-overload]
            lines += [f"certificate removed: {_certificate(pem)}" for pem in old if pem not in new]
            lines += [f"certificate added: {_certificate(pem)}" for pem in new if pem not in old]
        return lines


def read_source(
    connection: "Connection", *, xml: bytes | None = None, url: str = "", entity_id: str = ""
) -> tuple[IdpMetadata, bool]:
    """Return the changes to accept, and whether a refresh proposed them. They come from a document, an address, or the last refresh.

    Raises `SettingsErrors` with all faults, and `NotAllowed` if there is no metadata to read.
    """
    now = database_now()
    if xml is None and not url:
        return _with_endings(_proposed(connection), now), True
    try:
        document = fetch(url) if xml is None else xml
        loopback: bool = settings.PUBLIC_URL_IS_LOOPBACK
        read = read_idp_metadata(document, now=now, loopback=loopback, entity_id=entity_id)
        return _with_endings(read, now), False
    except MetadataFaults as several:
        path = "url" if xml is None else "metadata"
        raise SettingsErrors([SettingsError(path, code, sentence) for code, sentence in several.faults]) from several


def difference(saml: SamlSettings, read: IdpMetadata, *, url: str | None = None) -> Difference:
    """Return the changes that accepting ``read`` would make. ``url`` None: keep the address for refreshes."""
    values = {
        "idp_entity_id": read.entity_id,
        **{name: getattr(read, name) for name in SamlSettings.PLACES},
        "certificates": list(read.certificates),
        "metadata_url": saml.metadata_url if url is None else url,
        "metadata_valid_until": read.valid_until,
    }
    changes: Changes = {}
    for field in FIELDS:
        before, after = getattr(saml, field) or None, values[field]
        if before != (after or None) and not (field == "certificates" and set(before or ()) == set(read.certificates)):
            changes[field] = (before, after)
    notes = metadata_notes(saml, read)
    if "idp_entity_id" in changes and saml.idp_entity_id:
        notes.append(f"The entity ID changes: this is not the identity provider that {BRAND} has now.")
    return Difference(changes, tuple(notes))


def settings_or_new(connection: "Connection") -> SamlSettings:
    """Return the SAML settings of a connection, or new ones that are not saved."""
    return SamlSettings.objects.filter(connection=connection).first() or new_settings(connection)


@transaction.atomic
def adopt(
    *, actor: Actor, connection: "Connection", read: IdpMetadata, seen: str, url: str | None = None, reason: str = ""
) -> Difference:
    """Store the values of ``read``, if the changes are those that were ``seen``, and clear the proposal. Raises `NotAllowed`."""
    require_superuser_for_own_idp(actor, connection)
    locked = SamlSettings.objects.select_for_update().filter(connection=connection).first()
    saml = locked or new_settings(connection)
    found = difference(saml, read, url=url)
    if found.seen != seen:
        raise NotAllowed(CHANGED)
    for field, (_, after) in found.changes.items():
        setattr(saml, field, after)
    if found.changes or saml.proposed is not None:
        saml.proposed = None
        try:
            saml.save()
        except IntegrityError as error:  # two requests may create the first settings at the same instant
            raise NotAllowed(CHANGED) from error
    if found.changes:
        events.record(
            actor=actor,
            kind=EventKind.SAML_SETTINGS_CHANGED,
            subject=connection,
            changes=event_changes(found.changes),
            reason=reason,
        )
    return found


@dataclass(frozen=True, slots=True)
class Refresh:
    """The result of one refresh. ``faults`` are sentences; ``waiting`` are lines for an administrator to review."""

    faults: tuple[str, ...]
    waiting: tuple[str, ...]


def refresh(*, actor: Actor, connection: "Connection") -> Refresh:
    """Fetch the IdP's metadata again and store a difference as a proposal. The trusted values do not change. Raises `InvalidValue`."""
    saml = settings_or_new(connection)
    if not saml.metadata_url:
        raise InvalidValue(
            "url",
            "No metadata address is stored for this connection. Adopt the metadata by its address first, and keep the address.",
        )
    try:
        # Read only the stored IdP: if the address now describes another one, it proposes nothing.
        read, _ = read_source(connection, url=saml.metadata_url, entity_id=saml.idp_entity_id)
    except SettingsErrors as several:
        faults = tuple(fault.message for fault in several.faults)
        return _note(actor, connection, saml.metadata_url, None, faults)
    return _note(actor, connection, saml.metadata_url, read, ())


@transaction.atomic
def _note(
    actor: Actor, connection: "Connection", url: str, read: IdpMetadata | None, faults: tuple[str, ...]
) -> Refresh:
    saml = SamlSettings.objects.select_for_update().get(connection=connection)
    if saml.metadata_url != url or (read is not None and saml.idp_entity_id != read.entity_id):
        return Refresh(("The settings changed meanwhile.",), ())
    changes: dict[str, tuple[object, object]] = {}
    fault = " ".join(faults)[:2000]
    if fault != saml.refresh_fault:
        changes["refresh_fault"] = (saml.refresh_fault, fault)
    saml.refreshed_at, saml.refresh_fault = timezone.now(), fault
    waiting: tuple[str, ...] = ()
    if read is not None:
        found = difference(saml, read)
        waits: dict[str, Any] = {name: found.changes[name][1] for name in _PROPOSABLE if name in found.changes}
        waiting = tuple(Difference({name: found.changes[name] for name in waits}, ()).lines())
        if (waits or None) != saml.proposed:
            changes["proposed"] = (_proposal_in_event(saml.proposed), _proposal_in_event(waits or None))
            saml.proposed = waits or None
        saml.metadata_valid_until = read.valid_until
    saml.save(update_fields=["refreshed_at", "refresh_fault", "proposed", "metadata_valid_until"])
    if changes:
        events.record(actor=actor, kind=EventKind.SAML_SETTINGS_REFRESHED, subject=connection, changes=changes)
    return Refresh(faults, waiting)


def _proposal_in_event(waits: Mapping[str, Any] | None) -> object:
    if waits is None:
        return None
    return {
        name: [fingerprint(pem) for pem in value] if name == "certificates" else value for name, value in waits.items()
    }


def _proposed(connection: "Connection") -> IdpMetadata:
    saml = settings_or_new(connection)
    if not saml.proposed:
        raise NotAllowed("No change is pending. Enter the metadata or its address.")
    proposed = {name: saml.proposed.get(name, getattr(saml, name)) for name in _PROPOSABLE}
    proposed["certificates"] = tuple(proposed["certificates"])
    return IdpMetadata(entity_id=saml.idp_entity_id, valid_until=saml.metadata_valid_until, **proposed)


def _with_endings(read: IdpMetadata, now: datetime) -> IdpMetadata:
    return replace(read, notes=(*read.notes, *map(str, endings(read.certificates, now))))


def _certificate(pem: str) -> str:
    return f"{fingerprint(pem)}, ends on {end_of(pem).date()}"
