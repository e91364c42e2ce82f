"""Read the metadata of an IdP, and name every fault in it. The result decides which certificates a connection believes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final, NamedTuple

from lxml import etree

from core_identity.brand import BRAND
from sso.saml.certificates import authorities, fingerprint, normal_certificate, not_yet, outdated
from sso.saml.gate import SAMLP, parse, text_of
from sso.saml.messages import MD, POST_BINDING, REDIRECT_BINDING
from sso.saml.parties import is_safe_url
from sso.saml.refusals import Code, SamlRefusal
from sso.saml.signatures import DS

MAX_ENTITY_ID: Final = 1024
MAX_URL: Final = 2000
MAX_CERTIFICATES: Final = 10

_UNREADABLE: Final = {
    Code.TOO_LARGE: "It is too large: more than 256 kB, or too many or too deeply nested elements and attributes.",
    Code.FORBIDDEN_XML: f"It has a DTD, an entity, a processing instruction or another encoding than UTF-8. {BRAND} accepts none of these.",
}
_HTML: Final = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+)?html\b", re.IGNORECASE)
_WEB_PAGE: Final = "This is a web page, not metadata. If the metadata needs a sign-in, download it there and paste it."
_ENTITY_ID: Final = re.compile(r"[^\s\x00-\x1f\x7f]+")


class MetadataFaults(Exception):
    """All faults of a metadata document, each a (code, sentence)."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(sentence for _, sentence in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class IdpMetadata:
    """The values from a metadata document; ``certificates`` are PEM texts of signing certificates.

    ``sso_url`` and ``slo_url`` are of the Redirect binding, ``sso_post_url`` and ``slo_post_url`` of the POST binding. Answers to a logout go to
    ``slo_answer_url`` and ``slo_post_answer_url``: the ResponseLocation if there is one, otherwise the same address (SAML metadata 2.2.2). Missing
    values are empty. ``valid_until`` is aware, None if the document has no end. ``notes`` are sentences about parts that were left out.
    ``wants_signed_requests``: the IdP may refuse an AuthnRequest without a signature (2.4.3).
    """

    entity_id: str
    sso_url: str
    slo_url: str
    certificates: tuple[str, ...]
    valid_until: datetime | None = None
    notes: tuple[str, ...] = ()
    sso_post_url: str = ""
    slo_post_url: str = ""
    slo_answer_url: str = ""
    slo_post_answer_url: str = ""
    wants_signed_requests: bool = False


def read_idp_metadata(xml: bytes, *, now: datetime, loopback: bool, entity_id: str = "") -> IdpMetadata:
    """Return the values for one IdP from a metadata document; raise `MetadataFaults` with all faults.

    ``now`` is aware. ``loopback``: whether http on this machine is accepted. ``entity_id`` chooses if the document describes several IdPs.
    """
    try:
        root = parse(xml, drop_comments=True)
    except SamlRefusal as refusal:
        sentence = _UNREADABLE.get(refusal.code, "This is not XML that can be read safely.")
        if _HTML.match(xml):
            raise MetadataFaults([("not_metadata", _WEB_PAGE)]) from refusal
        raise MetadataFaults([(refusal.code.value, sentence)]) from refusal
    entity = _choose(root, entity_id)
    faults: list[tuple[str, str]] = []
    _check_entity_id(entity, faults)
    roles = entity.findall(f"{MD}IDPSSODescriptor")
    if len(roles) != 1:
        sentence = f"It has {len(roles)} IDPSSODescriptor elements; so it is not clear which of them signs people in."
        faults.append(("several_roles", sentence))
    elif SAMLP[1:-1] not in roles[0].get("protocolSupportEnumeration", "").split():
        faults.append(("not_saml_2", "Its IDPSSODescriptor is not for SAML 2.0."))
    valid_until = _valid_until([*entity.iterancestors(), entity, *roles], now, faults)
    find = partial(_places, roles[0], faults, loopback=loopback)
    sso, sso_post = find("SingleSignOnService", REDIRECT_BINDING), find("SingleSignOnService", POST_BINDING)
    slo, slo_post = find("SingleLogoutService", REDIRECT_BINDING), find("SingleLogoutService", POST_BINDING)
    if not sso.url and not sso_post.url:
        sentence = "There is no SingleSignOnService with the HTTP-Redirect or the HTTP-POST binding."
        faults.append(("no_sso_url", sentence))
    certificates, notes = _certificates(roles[0], now, faults)
    if faults:
        raise MetadataFaults(list(dict.fromkeys(faults)))
    return IdpMetadata(
        entity_id=entity.get("entityID", "").strip(),
        sso_url=sso.url,
        slo_url=slo.url,
        certificates=certificates,
        valid_until=valid_until,
        notes=notes,
        sso_post_url=sso_post.url,
        slo_post_url=slo_post.url,
        slo_answer_url=slo.answer_url,
        slo_post_answer_url=slo_post.answer_url,
        wants_signed_requests=roles[0].get("WantAuthnRequestsSigned", "").strip() in {"true", "1"},
    )


def _choose(root: etree._Element, entity_id: str) -> etree._Element:
    """Return the EntityDescriptor to read. One inside Extensions, or in any other wrong place, is ignored."""
    if root.tag not in {f"{MD}EntityDescriptor", f"{MD}EntitiesDescriptor"}:
        name = etree.QName(root).localname
        sentence = _WEB_PAGE if name.lower() == "html" else f"It is not SAML metadata: it begins with {name[:80]}."
        raise MetadataFaults([("not_metadata", sentence)])
    idps = [one for one in _entities(root) if one.find(f"{MD}IDPSSODescriptor") is not None]
    if entity_id:
        chosen = [one for one in idps if (one.get("entityID") or "").strip() == entity_id]
        if len(chosen) != 1:
            sentence = f"It describes {len(chosen)} identity providers with the entity ID {entity_id}; one is needed."
            raise MetadataFaults([("not_this_idp", sentence)])
        return chosen[0]
    if len(idps) != 1:
        sentence = f"It must describe one identity provider; it describes {len(idps)}."
        if not idps and next(root.iter(f"{MD}SPSSODescriptor"), None) is not None:
            sentence += " It describes a service provider."
        if idps:
            names = ", ".join((one.get("entityID") or "(no entityID)")[:200] for one in idps[:5])
            sentence += f" Choose one by its entity ID: {names}{', …' if len(idps) > 5 else ''}."
        raise MetadataFaults([("not_one_idp", sentence)])
    return idps[0]


def _entities(element: etree._Element) -> Iterator[etree._Element]:
    if element.tag == f"{MD}EntityDescriptor":
        yield element
    elif element.tag == f"{MD}EntitiesDescriptor":
        for child in element:
            yield from _entities(child)


def _check_entity_id(entity: etree._Element, faults: list[tuple[str, str]]) -> None:
    entity_id = (entity.get("entityID") or "").strip()
    if not entity_id:
        faults.append(("no_entity_id", "The entityID is missing."))
    elif len(entity_id) > MAX_ENTITY_ID:
        faults.append(("too_long", f"The entityID is longer than {MAX_ENTITY_ID} characters."))
    elif not _ENTITY_ID.fullmatch(entity_id):
        faults.append(("bad_entity_id", "The entityID has a space or a control character in it."))


def _valid_until(elements: list[etree._Element], now: datetime, faults: list[tuple[str, str]]) -> datetime | None:
    """Return the earliest end in ``elements`` (SAML metadata 2.3.1, 2.3.2, 2.4.1): each limits its content."""
    ends = []
    for until in filter(None, (element.get("validUntil") for element in elements)):
        try:
            end = datetime.fromisoformat(until.strip())
            end = end.astimezone(UTC) if end.tzinfo else end.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            faults.append(("bad_valid_until", "validUntil is not a time."))
            continue
        ends.append(end)
        if end <= now:
            sentence = f"The metadata was valid until {until}. Fetch it from the identity provider again."
            faults.append(("outdated", sentence))
    return min(ends, default=None)


class _Place(NamedTuple):
    url: str = ""
    answer_url: str = ""


def _places(role: etree._Element, faults: list[tuple[str, str]], name: str, binding: str, *, loopback: bool) -> _Place:
    """Return the addresses of the first service with this name and binding."""
    service = next((one for one in role.findall(f"{MD}{name}") if one.get("Binding") == binding), None)
    if service is None:
        return _Place()
    url = (service.get("Location") or "").strip()
    answer_url = (service.get("ResponseLocation") or "").strip() or url
    for address in (url, answer_url):
        if len(address) > MAX_URL:
            faults.append(("too_long", f"The address of the {name} is longer than {MAX_URL} characters."))
        elif address and not is_safe_url(address, loopback=loopback):
            sentence = f"The address of the {name} must be https, without a user name or a # in it."
            faults.append(("unsafe_url", sentence))
    return _Place(url, answer_url)


@dataclass(frozen=True, slots=True)
class _Certificates:
    """The certificates in a metadata document that may sign, as PEM, in their order.

    ``authorities`` are those of them that issued another one in the same KeyDescriptor. ``faults`` are of the unreadable ones.
    """

    listed: list[str]
    authorities: set[str]
    faults: list[tuple[str, str]]


def _certificates(
    role: etree._Element, now: datetime, faults: list[tuple[str, str]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the signing certificates that have not ended, and notes about the others."""
    found = _signing_certificates(role)
    left_out = _left_out(found, now)
    accepted = tuple(dict.fromkeys(pem for pem in found.listed if pem not in left_out))
    faults += found.faults
    if len(accepted) > MAX_CERTIFICATES:
        faults.append(("too_many_certificates", f"It has more than {MAX_CERTIFICATES} signing certificates."))
    if not accepted:
        faults += [("expired_certificate", reason) for reason in left_out.values()]
    if not accepted and not left_out and not found.faults:
        faults.append(("no_certificate", "There is no signing certificate."))
    early = filter(None, (not_yet(pem, now) for pem in accepted))
    return accepted, (
        *(f"{reason} It is left out." for reason in left_out.values()),
        *(f"{reason} It is accepted." for reason in early),
    )


def _signing_certificates(role: etree._Element) -> _Certificates:
    """Collect the certificates of the KeyDescriptors for signing. One for encryption only may not sign (SAML metadata 2.4.1.1)."""
    found = _Certificates([], set(), [])
    for descriptor in role.findall(f"{MD}KeyDescriptor"):
        if descriptor.get("use") not in {None, "signing"}:
            continue
        for data in descriptor.iterfind(f"{DS}KeyInfo/{DS}X509Data"):
            chain: list[str] = []
            for element in data.iterfind(f"{DS}X509Certificate"):
                try:
                    chain.append(normal_certificate(text_of(element) or ""))
                except ValueError as error:
                    found.faults.append(("bad_certificate", str(error)))
            found.listed.extend(chain)
            try:
                found.authorities.update(authorities(chain))
            except ValueError as error:
                found.faults.append(("bad_certificate", str(error)))
    return found


def _left_out(found: _Certificates, now: datetime) -> dict[str, str]:
    """Return the certificates that must not be believed, each with the reason as a sentence."""
    reasons = {pem: outdated(pem, now) or (_authority(pem) if pem in found.authorities else "") for pem in found.listed}
    return {pem: reason for pem, reason in reasons.items() if reason}


def _authority(pem: str) -> str:
    return f"The certificate {fingerprint(pem)} belongs to an authority that issued another one."
