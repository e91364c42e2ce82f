"""Read the key ``saml`` of a connection file into the fields of `SamlSettings`, and report all its faults at once."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from core_identity.attributes import NAMES
from core_identity.clock import database_now
from core_identity.connection_file import Section
from sso.models import SamlSettings
from sso.saml.certificates import normal_certificate
from sso.saml.expectations import MAX_SKEW, SKEW
from sso.saml.idp_metadata import IdpMetadata, MetadataFaults, read_idp_metadata
from sso.saml.parties import UNSPECIFIED, Binding, Signed, is_safe_url
from sso.settings.email_domains import PUBLIC_MAIL, normal_domain

FILE_KEYS: Final = (
    "idp_metadata", "entity_id", *SamlSettings.PLACES, "certificates", "sso_binding", "slo_binding", "idp_initiated",
    "signed", "attributes", "want_encrypted", "sign_requests", "sign_metadata", "force_authn", "authn_context", "name_id_format",
    "clock_skew", "email_domains",
)  # fmt: skip
OLDER: Final = "want_response_signed"
"""The older spelling of ``signed``: true meant both, false the Assertion."""

NEED_A_KEY: Final = ("want_encrypted", "sign_requests", "sign_metadata")
MAX_DOMAINS: Final = 100
_MAX_FILE: Final = 1024 * 1024

BINDINGS: Final = tuple(Binding)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]{1,240}")

_NEEDED: Final = frozenset({*(name.field for name in NAMES), "email"})
"""Attributes without which no user can be created (R12)."""


def read_section(content: object, base_dir: Path | None) -> tuple[dict[str, Any], dict[str, bool | None]]:
    """Return the value of each field, and each email domain with whether to verify it (None: unchanged). Raises `SettingsErrors`."""
    section = Section.of_service(content, path="saml")
    idp = _idp(section, base_dir)
    domains = _domains(section, "email_domains")
    fields = {
        "idp_entity_id": idp.entity_id,
        **{name: getattr(idp, name) for name in SamlSettings.PLACES},
        **{name: section.choice(name, BINDINGS, default=_default(name)) for name in ("sso_binding", "slo_binding")},
        "certificates": list(idp.certificates),
        **({"metadata_valid_until": idp.valid_until} if section.has("idp_metadata") else {}),
        "idp_initiated": section.flag("idp_initiated", default=False),
        "signed": _signed(section),
        **{name: section.flag(name, default=False) for name in (*NEED_A_KEY, "force_authn")},
        "authn_context": _uri(section, "authn_context", default=""),
        "name_id_format": _uri(section, "name_id_format", default=UNSPECIFIED),
        "clock_skew": section.number(
            "clock_skew", default=int(SKEW.total_seconds()), most=int(MAX_SKEW.total_seconds()), of="seconds"
        ),
        "email_domains": sorted(domains),
        **_attributes(section.section("attributes")),
    }
    section.check()
    return fields, domains


def metadata_in(content: Mapping[str, Any], base_dir: Path | None) -> IdpMetadata | None:
    """Return the metadata in a section that `read_section` accepted; None if the section describes the IdP without metadata."""
    section = Section(content, path="saml")
    return _idp(section, base_dir) if section.has("idp_metadata") else None


def hints_for(content: object) -> list[str]:
    """Return the current spelling for each older spelling in a section, in sentences."""
    if not isinstance(content, Mapping) or content.get(OLDER) is None:
        return []
    signed = _signed(Section(content, path="saml"))
    return [f"saml.{OLDER} is an older spelling. Write this instead: signed: {signed}."]


def _default(name: str) -> str:
    return str(getattr(SamlSettings(), name))


def _idp(section: Section, base_dir: Path | None) -> IdpMetadata:
    by_hand = [name for name in ("entity_id", *SamlSettings.PLACES, "certificates") if section.has(name)]
    if not section.has("idp_metadata"):
        return _idp_by_hand(section)
    if by_hand:
        section.fault("idp_metadata", "not_both", f"Write either idp_metadata or {', '.join(by_hand)}, not both.")
    try:
        xml = _metadata(section.raw("idp_metadata"), base_dir)
        return read_idp_metadata(xml, now=database_now(), loopback=settings.PUBLIC_URL_IS_LOOPBACK)
    except ValueError as error:
        section.fault("idp_metadata", "unreadable", str(error))
    except MetadataFaults as several:
        for code, sentence in several.faults:
            section.fault("idp_metadata", code, sentence)
    return IdpMetadata("", "", "", ())


def _metadata(value: object, base_dir: Path | None) -> bytes:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("This must be the path of a file, or the metadata itself.")
    if value.lstrip("\ufeff \t\r\n").startswith("<"):
        return value.encode()
    if base_dir is None:
        raise ValueError("This must be the metadata itself, an XML text.")
    try:
        with (base_dir / value).open("rb") as file:
            return file.read(_MAX_FILE + 1)
    except OSError as error:
        raise ValueError(f"{value} cannot be read: {error.strerror}.") from error


def _idp_by_hand(section: Section) -> IdpMetadata:
    missing = "This is required if there is no idp_metadata."
    entity_id = section.text("entity_id", missing=missing)
    if len(entity_id) > 1024:
        section.fault("entity_id", "too_long", "An entity ID has at most 1024 characters.")
    places: dict[str, Any] = {}
    for name in SamlSettings.PLACES:
        required = name == "sso_url" and not section.has("sso_post_url")
        places[name] = section.text(name, default=None if required else "", missing=missing)
        if places[name] and not is_safe_url(places[name], loopback=settings.PUBLIC_URL_IS_LOOPBACK):
            section.fault(name, "unsafe_url", "This must be https, without a user name or a # in it.")
    pems = _certificates(section)
    for name in ("slo", "slo_post"):
        places[f"{name}_answer_url"] = places[f"{name}_answer_url"] or places[f"{name}_url"]
    return IdpMetadata(entity_id=entity_id, certificates=pems, **places)


def _certificates(section: Section) -> tuple[str, ...]:
    certificates = section.raw("certificates")
    if not isinstance(certificates, list) or not certificates:
        section.fault("certificates", "required", "Name at least one signing certificate, as PEM.")
        return ()
    pems: list[str] = []
    for index, certificate in enumerate(certificates):
        try:
            pems.append(normal_certificate(str(certificate)))
        except ValueError as error:
            section.fault(f"certificates[{index}]", "bad_certificate", str(error))
    return tuple(dict.fromkeys(pems))


def _attributes(section: Section) -> dict[str, str]:
    """Return the attribute name for each field. Two fields with the same name are refused: one of them would be wrong."""
    names: dict[str, str] = {}
    for attribute in SamlSettings.ATTRIBUTES:
        field = f"{attribute}_attribute"
        value = section.raw(attribute, default=_default(field))
        name = value.strip() if isinstance(value, str) else ""
        if (value is not None and not isinstance(value, str)) or (not name and attribute in _NEEDED):
            section.fault(attribute, "wrong_type", "This must be the name of an attribute.")
        elif name and name in names.values():
            section.fault(attribute, "not_both", f"{name!r} is named twice.")
        names[field] = name
    return names


def _signed(section: Section) -> str:
    older = section.raw(OLDER, older=True)
    if older is None:
        return section.choice("signed", list(Signed), default=Signed.BOTH)
    if section.has("signed"):
        section.fault(OLDER, "not_both", "Remove this older spelling: the file contains signed too.")
    if not isinstance(older, bool):
        section.fault(OLDER, "wrong_type", "This must be true or false.")
    return str(Signed.BOTH if older else Signed.ASSERTION)


def _uri(section: Section, name: str, *, default: str) -> str:
    value = section.raw(name)
    if value is None or value == default:
        return default
    if not isinstance(value, str) or not _URI.fullmatch(value):
        section.fault(name, "wrong_type", "This must be a URI, such as urn:oasis:names:tc:SAML:…")
        return default
    return value


def _domains(section: Section, name: str) -> dict[str, bool | None]:
    """Return each domain in the form of `normal_domain`. An entry is a domain, or a mapping with ``domain`` and ``verified``."""
    value = section.raw(name)
    if value is None:
        return {}
    if not isinstance(value, list) or len(value) > MAX_DOMAINS:
        section.fault(name, "wrong_type", f"This must be a list of up to {MAX_DOMAINS} domains.")
        return {}
    domains: dict[str, bool | None] = {}
    for index, entry in enumerate(value):
        parts: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {"domain": entry}
        text, verified = parts.get("domain"), parts.get("verified")
        domain = normal_domain(text) if isinstance(text, str) else ""
        if not domain or set(parts) - {"domain", "verified"} or not isinstance(verified, bool | None):
            fault = "This must be a domain of email addresses, such as acme.com, or {domain: acme.com, verified: true}."
            section.fault(f"{name}[{index}]", "wrong_type", fault)
        elif domain in PUBLIC_MAIL:
            fault = f"Anybody can have an address at {domain}, so it cannot belong to a customer."
            section.fault(f"{name}[{index}]", "public_mail", fault)
        else:
            domains[domain] = verified
    return domains
