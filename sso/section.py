"""Read the key ``saml`` of a connection file into the fields of `SamlSettings`, and report all its faults at once."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from core_identity.clock import database_now
from core_identity.services.connections import SettingsError, SettingsErrors
from sso.email_domains import PUBLIC_MAIL, normal_domain
from sso.models import SamlSettings
from sso.saml.assertion import UNSPECIFIED
from sso.saml.certificates import normal_certificate
from sso.saml.expectations import MAX_SKEW, SKEW
from sso.saml.idp_metadata import IdpMetadata, MetadataFaults, read_idp_metadata
from sso.saml.places import Binding, is_safe_url
from sso.saml.signed import Signed

KEYS: Final = (
    "idp_metadata", "entity_id", *SamlSettings.PLACES, "certificates", "sso_binding", "slo_binding", "idp_initiated",
    "signed", "attributes", "want_encrypted", "sign_requests", "sign_metadata", "force_authn", "authn_context", "name_id_format",
    "clock_skew", "email_domains",
)  # fmt: skip
OLDER: Final = "want_response_signed"
"""The older spelling of ``signed``: true meant both, false the Assertion."""

NEED_A_KEY: Final = ("want_encrypted", "sign_requests", "sign_metadata")
MAX_DOMAINS: Final = 100
_MAX_FILE: Final = 1024 * 1024

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]{1,240}")

_NEEDED: Final = frozenset({"first_name", "last_name", "email"})
"""Attributes without which no user can be created (R12)."""


def read_section(section: object, base_dir: Path | None) -> tuple[dict[str, Any], dict[str, bool | None]]:
    """Return the value of each field, and each email domain with whether to verify it (None: unchanged). Raises `SettingsErrors`."""
    if not isinstance(section, Mapping):
        raise SettingsErrors([SettingsError("saml", "wrong_type", "This must be a mapping of keys to values.")])
    faults = [
        SettingsError(
            f"saml.{name}", "unknown_key", f"There is no such key here. The known keys are: {', '.join(KEYS)}."
        )
        for name in section
        if name not in {*KEYS, OLDER}
    ]
    idp = _idp(section, base_dir, faults)
    domains = _domains(section, "email_domains", faults)
    values = {
        "idp_entity_id": idp.entity_id,
        **{name: getattr(idp, name) for name in SamlSettings.PLACES},
        **{name: _binding(section, name, faults) for name in ("sso_binding", "slo_binding")},
        "certificates": list(idp.certificates),
        **({"metadata_valid_until": idp.valid_until} if section.get("idp_metadata") is not None else {}),
        "idp_initiated": _flag(section, "idp_initiated", faults, default=False),
        "signed": _signed(section, faults),
        **{name: _flag(section, name, faults, default=False) for name in (*NEED_A_KEY, "force_authn")},
        "authn_context": _uri(section, "authn_context", faults, default=""),
        "name_id_format": _uri(section, "name_id_format", faults, default=UNSPECIFIED),
        "clock_skew": _seconds(section, "clock_skew", faults),
        "email_domains": sorted(domains),
        **_attributes(section.get("attributes"), faults),
    }
    if faults:
        raise SettingsErrors(faults)
    return values, domains


def metadata_in(section: Mapping[str, Any], base_dir: Path | None) -> IdpMetadata | None:
    """Return the metadata in a section that `read_section` accepted; None if the section describes the IdP without metadata."""
    return _idp(section, base_dir, []) if section.get("idp_metadata") is not None else None


def _idp(section: Mapping[str, Any], base_dir: Path | None, faults: list[SettingsError]) -> IdpMetadata:
    by_hand = [name for name in ("entity_id", *SamlSettings.PLACES, "certificates") if section.get(name) is not None]
    if section.get("idp_metadata") is None:
        return _idp_by_hand(section, faults)
    if by_hand:
        sentence = f"Write either idp_metadata or {', '.join(by_hand)}, not both."
        faults.append(SettingsError("saml.idp_metadata", "not_both", sentence))
    try:
        xml = _metadata(section["idp_metadata"], base_dir)
        return read_idp_metadata(xml, now=database_now(), loopback=settings.PUBLIC_URL_IS_LOOPBACK)
    except ValueError as error:
        faults.append(SettingsError("saml.idp_metadata", "unreadable", str(error)))
    except MetadataFaults as several:
        faults += [SettingsError("saml.idp_metadata", code, sentence) for code, sentence in several.faults]
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


def _idp_by_hand(section: Mapping[str, Any], faults: list[SettingsError]) -> IdpMetadata:
    entity_id = _text(section, "entity_id", faults, required=True)
    if len(entity_id) > 1024:
        faults.append(SettingsError("saml.entity_id", "too_long", "An entity ID has at most 1024 characters."))
    places: dict[str, Any] = {}
    for name in SamlSettings.PLACES:
        required = name == "sso_url" and section.get("sso_post_url") is None
        places[name] = _text(section, name, faults, required=required)
        if places[name] and not is_safe_url(places[name], loopback=settings.PUBLIC_URL_IS_LOOPBACK):
            sentence = "This must be https, without a user name or a # in it."
            faults.append(SettingsError(f"saml.{name}", "unsafe_url", sentence))
    certificates = section.get("certificates")
    pems: list[str] = []
    if not isinstance(certificates, list) or not certificates:
        faults.append(SettingsError("saml.certificates", "required", "Name at least one signing certificate, as PEM."))
        certificates = []
    for index, certificate in enumerate(certificates):
        try:
            pems.append(normal_certificate(str(certificate)))
        except ValueError as error:
            faults.append(SettingsError(f"saml.certificates[{index}]", "bad_certificate", str(error)))
    for name in ("slo", "slo_post"):
        places[f"{name}_answer_url"] = places[f"{name}_answer_url"] or places[f"{name}_url"]
    return IdpMetadata(entity_id=entity_id, certificates=tuple(dict.fromkeys(pems)), **places)


def _attributes(section: object, faults: list[SettingsError]) -> dict[str, str]:
    """Return the attribute name for each field. Two fields with the same name are refused: one of them would be wrong."""
    if section is not None and not isinstance(section, Mapping):
        faults.append(SettingsError("saml.attributes", "wrong_type", "This must be a mapping of keys to values."))
        section = None
    names: Mapping[str, Any] = section or {}
    known, defaults = SamlSettings.ATTRIBUTES, SamlSettings()
    faults += [
        SettingsError(
            f"saml.attributes.{name}",
            "unknown_key",
            f"There is no such key here. The known keys are: {', '.join(known)}.",
        )
        for name in names
        if name not in known
    ]
    values: dict[str, str] = {}
    for name in known:
        value = names.get(name, getattr(defaults, f"{name}_attribute"))
        text = value.strip() if isinstance(value, str) else ""
        if (value is not None and not isinstance(value, str)) or (not text and name in _NEEDED):
            faults.append(
                SettingsError(f"saml.attributes.{name}", "wrong_type", "This must be the name of an attribute.")
            )
        elif text and text in values.values():
            faults.append(SettingsError(f"saml.attributes.{name}", "not_both", f"{text!r} is named twice."))
        values[f"{name}_attribute"] = text
    return values


def _text(section: Mapping[str, Any], name: str, faults: list[SettingsError], *, required: bool) -> str:
    value = section.get(name)
    if value is None:
        if required:
            faults.append(SettingsError(f"saml.{name}", "required", "This is required if there is no idp_metadata."))
        return ""
    if not isinstance(value, str) or not value.strip():
        faults.append(SettingsError(f"saml.{name}", "wrong_type", "This must be a text that is not empty."))
        return ""
    return value.strip()


def _binding(section: Mapping[str, Any], name: str, faults: list[SettingsError]) -> str:
    value = section.get(name)
    if value is None:
        return str(getattr(SamlSettings(), name))
    if value not in list(Binding):
        faults.append(SettingsError(f"saml.{name}", "wrong_type", f"This must be {' or '.join(Binding)}."))
        return ""
    return str(value)


def _signed(section: Mapping[str, Any], faults: list[SettingsError]) -> str:
    if section.get(OLDER) is not None:
        if section.get("signed") is not None:
            faults.append(
                SettingsError(f"saml.{OLDER}", "not_both", "Remove this older spelling: the file contains signed too.")
            )
        return str(Signed.BOTH if _flag(section, OLDER, faults, default=True) else Signed.ASSERTION)
    value = section.get("signed")
    if value is None:
        return str(Signed.BOTH)
    if value not in list(Signed):
        faults.append(SettingsError("saml.signed", "wrong_type", f"This must be one of {', '.join(Signed)}."))
    return str(value)


def hints_for(section: object) -> list[str]:
    """Return the current spelling for each older spelling in a section, in sentences."""
    if not isinstance(section, Mapping) or section.get(OLDER) is None:
        return []
    return [f"saml.{OLDER} is an older spelling. Write this instead: signed: {_signed(section, [])}."]


def _uri(section: Mapping[str, Any], name: str, faults: list[SettingsError], *, default: str) -> str:
    value = section.get(name, default)
    if value is None or value == default:
        return default
    if not isinstance(value, str) or not _URI.fullmatch(value):
        faults.append(
            SettingsError(f"saml.{name}", "wrong_type", "This must be a URI, such as urn:oasis:names:tc:SAML:…")
        )
        return default
    return value


def _flag(section: Mapping[str, Any], name: str, faults: list[SettingsError], *, default: bool) -> bool:
    value = section.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        faults.append(SettingsError(f"saml.{name}", "wrong_type", "This must be true or false."))
        return default
    return value


def _seconds(section: Mapping[str, Any], name: str, faults: list[SettingsError]) -> int:
    default, most = int(SKEW.total_seconds()), int(MAX_SKEW.total_seconds())
    value = section.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        faults.append(SettingsError(f"saml.{name}", "wrong_type", f"This must be a number of seconds, 0 to {most}."))
        return default
    return value


def _domains(section: Mapping[str, Any], name: str, faults: list[SettingsError]) -> dict[str, bool | None]:
    """Return each domain in the form of `normal_domain`. An entry is a domain, or a mapping with ``domain`` and ``verified``."""
    value = section.get(name)
    if value is None:
        return {}
    if not isinstance(value, list) or len(value) > MAX_DOMAINS:
        faults.append(
            SettingsError(f"saml.{name}", "wrong_type", f"This must be a list of up to {MAX_DOMAINS} domains.")
        )
        return {}
    domains: dict[str, bool | None] = {}
    for index, one in enumerate(value):
        path = f"saml.{name}[{index}]"
        entry: Mapping[str, Any] = one if isinstance(one, Mapping) else {"domain": one}
        text, verified = entry.get("domain"), entry.get("verified")
        domain = normal_domain(text) if isinstance(text, str) else ""
        if not domain or set(entry) - {"domain", "verified"} or not isinstance(verified, bool | None):
            fault = "This must be a domain of email addresses, such as acme.com, or {domain: acme.com, verified: true}."
            faults.append(SettingsError(path, "wrong_type", fault))
        elif domain in PUBLIC_MAIL:
            faults.append(
                SettingsError(
                    path, "public_mail", f"Anybody can have an address at {domain}, so it cannot belong to a customer."
                )
            )
        else:
            domains[domain] = verified
    return domains
