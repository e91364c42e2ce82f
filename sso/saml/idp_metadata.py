"""Reading the metadata of an IdP, naming every fault in it. What is read here decides whom a connection believes."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from lxml import etree

from sso.saml.gate import DS, SAMLP, parse, text_of
from sso.saml.messages import MD, REDIRECT_BINDING
from sso.saml.refusals import SamlRefusal

PEM: Final = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


class MetadataFaults(Exception):
    """All that is wrong with a metadata document, each a (code, sentence)."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(sentence for _, sentence in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class IdpMetadata:
    """What we take from it; ``certificates`` are PEM texts of signing certificates."""

    entity_id: str
    sso_url: str
    slo_url: str
    certificates: tuple[str, ...]


def read_idp_metadata(xml: bytes, *, now: datetime) -> IdpMetadata:
    """Return what a metadata document says of its one IdP; raise `MetadataFaults` with all that is wrong. ``now`` is aware."""
    try:
        root = parse(xml, drop_comments=True)
    except SamlRefusal as refusal:
        raise MetadataFaults([(refusal.code.value, "This is no XML that can be read safely.")]) from refusal
    entities = [root] if root.tag == f"{MD}EntityDescriptor" else list(root.iter(f"{MD}EntityDescriptor"))
    idps = [entity for entity in entities if entity.find(f"{MD}IDPSSODescriptor") is not None]
    if len(idps) != 1:
        sentence = f"It must describe one identity provider; it describes {len(idps)}."
        raise MetadataFaults([("not_one_idp", sentence)])
    entity = idps[0]
    faults: list[tuple[str, str]] = []
    entity_id = (entity.get("entityID") or "").strip()
    if not entity_id:
        faults.append(("no_entity_id", "The entityID is missing."))
    _check_validity(root, entity, now, faults)
    roles = entity.findall(f"{MD}IDPSSODescriptor")
    if len(roles) != 1 or SAMLP[1:-1] not in roles[0].get("protocolSupportEnumeration", "").split():
        faults.append(("not_saml_2", "It must have one IDPSSODescriptor for SAML 2.0."))
    sso_url = _location(roles[0], "SingleSignOnService")
    if not sso_url:
        faults.append(("no_sso_url", "There is no SingleSignOnService with the HTTP-Redirect binding."))
    elif not is_safe_url(sso_url):
        faults.append(("unsafe_url", "The SingleSignOnService must be https (http on localhost only)."))
    slo_url = _location(roles[0], "SingleLogoutService")
    if slo_url and not is_safe_url(slo_url):
        faults.append(("unsafe_url", "The SingleLogoutService must be https (http on localhost only)."))
    certificates = _certificates(roles[0], faults)
    if faults:
        raise MetadataFaults(faults)
    return IdpMetadata(entity_id, sso_url, slo_url, certificates)


def _check_validity(root: etree._Element, entity: etree._Element, now: datetime, faults: list[tuple[str, str]]) -> None:
    for element in {root, entity}:
        until = element.get("validUntil")
        if until is None:
            continue
        try:
            end = datetime.fromisoformat(until)
        except ValueError:
            faults.append(("bad_valid_until", "validUntil is no time."))
            continue
        if (end if end.tzinfo else end.replace(tzinfo=UTC)) <= now:
            faults.append(("outdated", f"It was good until {until} only. Fetch it from the identity provider again."))


def _location(role: etree._Element, name: str) -> str:
    for service in role.findall(f"{MD}{name}"):
        if service.get("Binding") == REDIRECT_BINDING:
            return (service.get("Location") or "").strip()
    return ""


def _certificates(role: etree._Element, faults: list[tuple[str, str]]) -> tuple[str, ...]:
    found: list[str] = []
    for descriptor in role.findall(f"{MD}KeyDescriptor"):
        if descriptor.get("use") not in {None, "signing"}:
            continue
        for element in descriptor.iter(f"{DS}X509Certificate"):
            try:
                found.append(normal_certificate(text_of(element) or ""))
            except ValueError as error:
                faults.append(("bad_certificate", str(error)))
    if not found and not any(code == "bad_certificate" for code, _ in faults):
        faults.append(("no_certificate", "There is no signing certificate."))
    return tuple(dict.fromkeys(found))


def normal_certificate(text: str) -> str:
    """Return one certificate as PEM, given as PEM or bare base64; raise ValueError with a sentence."""
    bare = re.sub(r"-----(BEGIN|END) CERTIFICATE-----|\s", "", text)
    pem = PEM.format("\n".join(bare[start : start + 64] for start in range(0, len(bare), 64)))
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
        key_size = getattr(certificate.public_key(), "key_size", 0)
    except (ValueError, UnicodeEncodeError, x509.UnsupportedGeneralNameType) as error:
        raise ValueError(
            "A certificate cannot be read. Paste it whole, from BEGIN CERTIFICATE to END CERTIFICATE."
        ) from error
    except Exception as error:  # cryptography raises its own family for unknown key types
        raise ValueError("A certificate holds a key that cannot be used.") from error
    if "RSA" in type(certificate.public_key()).__name__.upper() and key_size < 2048:
        raise ValueError(f"A certificate has an RSA key of {key_size} bits; 2048 are needed.")
    return pem


def is_safe_url(url: str) -> bool:
    """Whether a browser may be sent there: https, or http on this machine (for trying things out)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or any(character.isspace() or ord(character) < 32 for character in url):
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and _is_loopback(host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
