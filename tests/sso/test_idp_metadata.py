"""Metadata of IdPs that must be refused, and permitted variations of good metadata. No database: reading is pure."""

import base64
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sso.saml.idp_metadata import IdpMetadata, MetadataFaults, read_idp_metadata
from sso.saml.parties import is_safe_url
from tests.support.saml import TestIdp

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MD = 'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
DS = 'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def certificate(
    key: object = KEY, *, days: int = 90, serial: int = 1, begins: int = -400, name: str = "idp.test", issuer: str = ""
) -> str:
    """Return bare base64 of one that begins and ends so many days after `NOW`."""
    subject, above = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, issuer or name))
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(above).serial_number(serial)
    builder = builder.public_key(key.public_key())  # type: ignore[attr-defined]
    builder = builder.not_valid_before(NOW + timedelta(days=begins)).not_valid_after(NOW + timedelta(days=days))
    signed = builder.sign(KEY, hashes.SHA256())
    return base64.b64encode(signed.public_bytes(Encoding.DER)).decode()


GOOD = certificate()


def key(text: str = GOOD, use: str = 'use="signing"') -> str:
    data = f"<ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data>"
    return f"<md:KeyDescriptor {use}><ds:KeyInfo {DS}>{data}</ds:KeyInfo></md:KeyDescriptor>"


def place(url: str = "https://idp.test/sso", name: str = "SingleSignOnService", binding: str = REDIRECT) -> str:
    return f'<md:{name} Binding="{binding}" Location="{url}"/>'


def role(inside: str = key() + place(), protocol: str = "urn:oasis:names:tc:SAML:2.0:protocol", extra: str = "") -> str:
    return f'<md:IDPSSODescriptor protocolSupportEnumeration="{protocol}" {extra}>{inside}</md:IDPSSODescriptor>'


def entity(inside: str = role(), entity_id: str = "https://idp.test/metadata", extra: str = "") -> str:
    return f'<md:EntityDescriptor {MD} entityID="{entity_id}" {extra}>{inside}</md:EntityDescriptor>'


def group(*inside: str, extra: str = "") -> str:
    return f"<md:EntitiesDescriptor {MD} {extra}>{''.join(inside)}</md:EntitiesDescriptor>"


def read(text: str | bytes, *, entity_id: str = "", loopback: bool = False) -> IdpMetadata:
    xml = text if isinstance(text, bytes) else text.encode()
    return read_idp_metadata(xml, now=NOW, loopback=loopback, entity_id=entity_id)


def codes(text: str | bytes, *, entity_id: str = "") -> list[str]:
    with pytest.raises(MetadataFaults) as refusal:
        read(text, entity_id=entity_id)
    assert all(sentence.endswith(".") for _, sentence in refusal.value.faults)
    return [code for code, _ in refusal.value.faults]


OTHER = entity(entity_id="https://other.test/metadata")
BOMB = "<!DOCTYPE x [" + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9)) + "]>"
WEAK = certificate(rsa.generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PAST = 'validUntil="2026-05-31T00:00:00Z"'

HOSTILE: dict[str, tuple[str | bytes, list[str]]] = {
    "a bomb of entities": (BOMB + entity(), ["forbidden_xml"]),
    "an external entity": ('<!DOCTYPE x SYSTEM "file:///etc/passwd">' + entity(), ["forbidden_xml"]),
    "an instruction": (f'<?xml-stylesheet href="x.xsl"?>{entity()}', ["forbidden_xml"]),
    "UTF-16": (entity().encode("utf-16"), ["forbidden_xml"]),
    "too many bytes": (entity(role() + " " * 300_000), ["too_large"]),
    "too deep": (entity("<x>" * 60 + "</x>" * 60 + role()), ["too_large"]),
    "too many elements": (entity("<x/>" * 4000 + role()), ["too_large"]),
    "cut off": (entity()[:-10], ["not_xml"]),
    "a page of HTML": ("<html><body>Sign in</body></html>", ["not_metadata"]),
    "a page of HTML that is no XML": ("<!DOCTYPE html>\n<html><head><meta charset=utf-8><title>Sign in</title>", ["not_metadata"]),
    "a page of XHTML": ('<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0" "http://www.w3.org/x.dtd"><html/>', ["not_metadata"]),
    "JSON": ('{"issuer": "https://idp.test"}', ["not_xml"]),
    "nothing": ("", ["not_xml"]),
    "UTF-7": (b'<?xml version="1.0" encoding="UTF-7"?>+ADw-x/+AD4-', ["forbidden_xml"]),
    "a Response": (f"<Response>{entity()}</Response>", ["not_metadata"]),
    "an EntityDescriptor of no namespace": ('<EntityDescriptor entityID="x"/>', ["not_metadata"]),
    "too many attributes": (entity(extra=" ".join(f'a{n}="x"' for n in range(60))), ["too_large"]),
    "a parameter entity": ('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://evil.test/x.dtd"> %p;]>' + entity(), ["forbidden_xml"]),
    "XML 1.1": (f'<?xml version="1.1"?>{entity()}', ["forbidden_xml"]),
    "XInclude instead of a role": (
        entity('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'),
        ["not_one_idp"],
    ),
    "an SP": (entity(f"<md:SPSSODescriptor {MD}/>"), ["not_one_idp"]),
    "an IdP in Extensions": (entity(f"<md:Extensions>{entity()}</md:Extensions>"), ["not_one_idp"]),
    "two IdPs": (group(entity(), OTHER), ["not_one_idp"]),
    "two IdPs, nested": (group(entity(), group(OTHER)), ["not_one_idp"]),
    "two roles": (entity(role() + role(key(certificate(serial=2)) + place())), ["several_roles"]),
    "the same role twice": (entity(role() * 2), ["several_roles"]),
    "SAML 1.1": (entity(role(protocol="urn:oasis:names:tc:SAML:1.1:protocol")), ["not_saml_2"]),
    "no entity ID": (entity(entity_id=" "), ["no_entity_id"]),
    "an entity ID of two words": (entity(entity_id="https://idp.test/ x"), ["bad_entity_id"]),
    "an endless entity ID": (entity(entity_id="https://idp.test/" + "x" * 1024), ["too_long"]),
    "an entity ID with a NUL in it": (entity(entity_id="https://idp.test/&#0;"), ["not_xml"]),
    "an entity ID of two lines": (entity(entity_id="https://idp.test/&#10;x"), ["bad_entity_id"]),
    "javascript": (entity(role(key() + place("javascript:alert(1)"))), ["unsafe_url"]),
    "plain http": (entity(role(key() + place("http://idp.test/sso"))), ["unsafe_url"]),
    "http on loopback in production": (entity(role(key() + place("http://127.0.0.1/sso"))), ["unsafe_url"]),
    "a port that no service has": (entity(role(key() + place("https://idp.test:0/"))), ["unsafe_url"]),
    "a user name in the address": (entity(role(key() + place("https://okta.com@evil.test/"))), ["unsafe_url"]),
    "a backslash in the address": (entity(role(key() + place("https://evil.test\\@idp.test/"))), ["unsafe_url"]),
    **{
        f"the address {url!r}": (entity(role(key() + place(url))), ["unsafe_url"])
        for url in (
            "file:///etc/passwd", "data:text/html,x", "ftp://idp.test/", "//idp.test/sso", "/sso", "idp.test/sso", "https:///sso",
            "https://idp.test/&#9;sso", "https://idp.test/&#10;sso", "https://idp.test/sso#part", "https://idp.test/sso#",
            "https://user:secret@idp.test/", "https://@idp.test/", "HTTP://idp.test/", "vbscript:x", "https://idp.test:0443x/", "https://[::1/",
        )
    },
    "an address of nothing": (entity(role(key() + place(" "))), ["no_sso_url"]),
    "an endless address": (entity(role(key() + place("https://idp.test/" + "x" * 2000))), ["too_long"]),
    "an unsafe logout": (
        entity(role(key() + place() + place("data:text/html,x", "SingleLogoutService"))),
        ["unsafe_url"],
    ),
    "sign-on by SOAP only": (entity(role(key() + place(binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP"))), ["no_sso_url"]),
    "an unsafe logout by POST": (
        entity(role(key() + place() + place("http://idp.test/", "SingleLogoutService", REDIRECT[:-8] + "POST"))),
        ["unsafe_url"],
    ),
    "an unsafe address for answers": (
        entity(role(key() + place() + place("https://idp.test/", "SingleLogoutService")[:-2] + ' ResponseLocation="//evil.test/"/>')
        ),
        ["unsafe_url"],
    ),
    "an unsafe address by POST beside a good one": (
        entity(role(key() + place() + place("javascript:x", binding=REDIRECT[:-8] + "POST"))),
        ["unsafe_url"],
    ),
    "no key": (entity(role(place())), ["no_certificate"]),
    "a key for encryption only": (entity(role(key(use='use="encryption"') + place())), ["no_certificate"]),
    "a key of unknown use": (entity(role(key(use='use="any"') + place())), ["no_certificate"]),
    "a certificate outside KeyInfo": (
        entity(role(f"<md:KeyDescriptor><ds:X509Certificate {DS}>{GOOD}</ds:X509Certificate></md:KeyDescriptor>" + place())),
        ["no_certificate"],
    ),
    "a cut certificate": (entity(role(key(GOOD[:-40]) + place())), ["bad_certificate"]),
    "an element in a certificate": (entity(role(key(f"{GOOD[:40]}<x/>{GOOD[40:]}") + place())), ["bad_certificate"]),
    "a private key instead": (entity(role(key(PRIVATE) + place())), ["bad_certificate"]),
    "a certificate of nothing": (entity(role(key(" ") + place())), ["bad_certificate"]),
    "no base64 in a certificate": (entity(role(key("not base64!") + place())), ["bad_certificate"]),
    "the name of a key only": (
        entity(role(f"<md:KeyDescriptor><ds:KeyInfo {DS}><ds:KeyName>x</ds:KeyName></ds:KeyInfo></md:KeyDescriptor>" + place())),
        ["no_certificate"],
    ),
    "RSA of 1024 bits": (entity(role(key(WEAK) + place())), ["bad_certificate"]),
    "RSA of 1024 bits beside a good one": (entity(role(key() + key(WEAK) + place())), ["bad_certificate"]),
    "Ed25519": (entity(role(key(certificate(ed25519.Ed25519PrivateKey.generate())) + place())), ["bad_certificate"]),
    "an expired certificate": (entity(role(key(certificate(days=-1)) + place())), ["expired_certificate"]),
    "a crowd of certificates": (
        entity(role("".join(key(certificate(serial=n)) for n in range(1, 12)) + place())),
        ["too_many_certificates"],
    ),
    "outdated": (entity(extra=PAST), ["outdated"]),
    "outdated by its group": (group(entity(), extra=PAST), ["outdated"]),
    "outdated by its role": (entity(role(extra=PAST)), ["outdated"]),
    "good until a time that no calendar has": (entity(extra='validUntil="9999-12-31T23:59:59-14:00"'), ["bad_valid_until"]),
    "good until no time": (entity(extra='validUntil="never"'), ["bad_valid_until"]),
    "everything at once": (
        entity(role(key(WEAK) + place("javascript:x"), protocol="x"), entity_id="", extra=PAST),
        ["no_entity_id", "not_saml_2", "outdated", "unsafe_url", "bad_certificate"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_metadata_that_cannot_be_trusted_is_refused_by_name(case: str) -> None:
    text, expected = HOSTILE[case]
    assert codes(text) == expected


def test_the_described_idps_are_named_and_one_is_chosen_by_its_entity_id() -> None:
    both = group(entity(), OTHER)
    with pytest.raises(MetadataFaults, match=r"https://idp\.test/metadata, https://other\.test/metadata"):
        read(both)
    assert read(both, entity_id="https://other.test/metadata").entity_id == "https://other.test/metadata"
    assert codes(both, entity_id="https://third.test") == ["not_this_idp"]
    assert codes(group(OTHER, OTHER), entity_id="https://other.test/metadata") == ["not_this_idp"]


def test_several_signing_certificates_are_taken_and_those_for_encryption_are_not() -> None:
    second, sealing = certificate(EC, serial=2), certificate(serial=3)
    text = entity(role(key() + key(second, use="") + key(sealing, 'use="encryption"') + key() + place()))
    certificates = ["".join(pem.split("-----")[2].split()) for pem in read(text).certificates]
    assert certificates == [GOOD, second]


def test_an_expired_certificate_beside_a_good_one_is_left_out_with_a_note() -> None:
    found = read(entity(role(key(certificate(days=-3, serial=9)) + key() + place())))
    assert len(found.certificates) == 1
    assert [note.endswith("ended on 2026-05-29. It is left out.") for note in found.notes] == [True]


def test_the_earliest_of_several_ends_counts() -> None:
    text = group(entity(extra='validUntil="2026-08-01T00:00:00+02:00"'), extra='validUntil="2026-09-01T00:00:00Z"')
    assert read(text).valid_until == datetime(2026, 7, 31, 22, tzinfo=UTC)
    assert read(entity()).valid_until is None


def test_both_bindings_and_the_address_for_logout_answers_are_read() -> None:
    post = REDIRECT[:-8] + "POST"
    logout = (
        place("https://idp.test/slo", "SingleLogoutService")[:-2] + ' ResponseLocation="https://idp.test/slo/done"/>'
    )
    found = read(
        entity(
            role(
                key()
                + place("https://idp.test/soap", "SingleLogoutService", "urn:oasis:names:tc:SAML:2.0:bindings:SOAP")
                + place("https://idp.test/slo/post", "SingleLogoutService", post)
                + logout
                + place("https://idp.test/sso/post", binding=post)
                + place()
            )
        )
    )
    assert (found.sso_url, found.sso_post_url) == ("https://idp.test/sso", "https://idp.test/sso/post")
    assert (found.slo_url, found.slo_answer_url) == ("https://idp.test/slo", "https://idp.test/slo/done")
    assert (found.slo_post_url, found.slo_post_answer_url) == ("https://idp.test/slo/post", "https://idp.test/slo/post")


def test_metadata_with_POST_only_is_accepted() -> None:
    found = read(entity(role(key() + place(binding=REDIRECT[:-8] + "POST"))))
    assert (found.sso_url, bool(found.sso_post_url)) == ("", True)


def test_a_certificate_that_begins_later_is_accepted_with_a_note() -> None:
    """An IdP announces its next key before it uses it."""
    found = read(entity(role(key() + key(certificate(serial=4, begins=20)) + place())))
    assert len(found.certificates) == 2
    assert [note.endswith("is not valid before 2026-06-21. It is accepted.") for note in found.notes] == [True]


def test_an_authority_listed_beside_the_certificate_that_it_issued_is_not_believed() -> None:
    """Otherwise its owner could sign as the IdP."""
    leaf, above = certificate(issuer="CA"), certificate(EC, name="CA", serial=5)
    both = f"{leaf}</ds:X509Certificate><ds:X509Certificate>{above}"
    for pair in (both, f"{above}</ds:X509Certificate><ds:X509Certificate>{leaf}"):
        found = read(entity(role(key(pair) + place())))
        assert ["".join(pem.split("-----")[2].split()) for pem in found.certificates] == [leaf]
        assert [note.endswith("that issued another one. It is left out.") for note in found.notes] == [True]
    alone = read(entity(role(key(leaf) + key(above) + place())))
    assert len(alone.certificates) == 2, "a KeyDescriptor of its own is a key of its own"
    twins = f"{GOOD}</ds:X509Certificate><ds:X509Certificate>{certificate(serial=6)}"
    assert len(read(entity(role(key(twins) + place()))).certificates) == 2, "both signed themselves, under one name"


IDPS: dict[str, dict[str, str]] = {
    "okta": {"entity_id": "http://www.okta.com/exk1a2b3c4d5e6f7g8h9", "sso": "https://acme.okta.test/app/acme/exk1/sso/saml"},
    "entra": {"entity_id": "https://sts.entra.test/8f2a1a0e-8c2b-4a27-9a0f-0d4d8f5d6e11/", "sso": "https://login.entra.test/8f2a/saml2"},
    "adfs": {"entity_id": "http://adfs.acme.test/adfs/services/trust", "sso": "https://adfs.acme.test/adfs/ls/"},
    "keycloak": {"entity_id": "https://keycloak.acme.test/realms/acme", "sso": "https://keycloak.acme.test/realms/acme/protocol/saml"},
    "shibboleth": {"entity_id": "https://idp.acme.test/idp/shibboleth", "sso": "https://idp.acme.test/idp/profile/SAML2/Redirect/SSO"},
    "simplesamlphp": {
        "entity_id": "https://ssp.acme.test/simplesaml/saml2/idp/metadata.php",
        "sso": "https://ssp.acme.test/simplesaml/module.php/saml/idp/singleSignOnService",
    },
    "google": {"entity_id": "https://accounts.google.test/o/saml2?idpid=C01abc234", "sso": "https://accounts.google.test/o/saml2/idp?idpid=C01abc234"},
    "auth0": {"entity_id": "urn:acme.auth0.test", "sso": "https://acme.auth0.test/samlp/abc"},
    "onelogin": {
        "entity_id": "https://app.onelogin.test/saml/metadata/1a2b3c4d-0000-4000-8000-000000000009",
        "sso": "https://acme.onelogin.test/trust/saml2/http-redirect/sso/12345",
    },
    "pingfederate": {"entity_id": "acme:ping:idp", "sso": "https://sso.acme.test:9031/idp/SSO.saml2"},
    "jumpcloud": {"entity_id": "JumpCloud", "sso": "https://sso.jumpcloud.test/saml2/acme"},
}  # fmt: skip
BY_POST = {"okta", "entra", "adfs", "keycloak", "shibboleth", "google", "auth0", "onelogin", "pingfederate"}
TWO_KEYS = {"entra", "shibboleth"}
FOLDER = Path(__file__).parents[1] / "data" / "saml" / "metadata"


@pytest.mark.parametrize("name", IDPS)
@pytest.mark.parametrize(
    "form", [str, lambda text: f"\ufeff{text}", lambda text: text.replace("\n", "\r\n")], ids=["", "BOM", "CRLF"]
)
def test_the_metadata_of_each_idp_as_it_comes_is_read(name: str, form: Callable[[str], str]) -> None:
    second = certificate(EC, serial=2)
    lines = "\n".join(textwrap.wrap(GOOD, 64))
    words = {"certificate": GOOD, "lines": lines, "second": second, "other": certificate(serial=3)}
    found = read(form(Template((FOLDER / f"{name}.xml").read_text()).substitute(words)))
    assert (found.entity_id, found.sso_url) == (IDPS[name]["entity_id"], IDPS[name]["sso"])
    assert bool(found.sso_post_url) is (name in BY_POST)
    certificates = ["".join(pem.split("-----")[2].split()) for pem in found.certificates]
    assert certificates == ([GOOD, second] if name in TWO_KEYS else [GOOD])
    assert found.notes == ()


def test_comments_and_a_byte_order_mark_do_no_harm() -> None:
    assert read(b"\xef\xbb\xbf" + f"<!-- Okta -->{entity()}".encode()) == read(entity())


def test_the_metadata_of_the_idp_of_the_other_tests_is_read(idp: TestIdp) -> None:
    found = read_idp_metadata(idp.metadata().encode(), now=datetime.now(UTC), loopback=False)
    assert (found.entity_id, found.sso_url, found.certificates) == (idp.entity_id, idp.sso_url, (idp.pem,))


@pytest.mark.parametrize(
    ("url", "anywhere", "with_loopback"),
    [
        ("https://idp.test/sso?a=b", True, True),
        ("https://idp.test:8443/", True, True),
        ("https://idp.test:9031/idp/SSO.saml2", True, True),
        ("https://idp.test:9443/samlsso", True, True),
        ("https://idp.test:9200/", True, True),
        ("https://idp.test:44300/adfs/ls/", True, True),
        ("https://idp.test:0/", False, False),
        ("https://idp.test:/", False, False),
        ("https://idp.test:443x/", False, False),
        ("http://idp.test:8443/", False, False),
        ("https://idp.test/#", False, False),
        ("https://idp.test:99999/", False, False),
        ("http://localhost:8001/sso", False, True),
        ("http://[::1]:8001/sso", False, True),
        ("http://localhost.evil.test/", False, False),
        ("//idp.test/", False, False),
        ("https://", False, False),
        ("https://idp.test/\nx", False, False),
        ("ftp://localhost/", False, False),
        ("https://idp_1.xn--bcher-kva.test/", True, True),
        ("https://[2001:db8::1]/", True, True),
        ("https://idp.test;sandbox/", False, False),
        ("https://idp.test,default-src/", False, False),
        ("https://*/", False, False),
        ("https://*.test/", False, False),
        ("https://'none'/", False, False),
        ("https://b\u00fccher.test/", False, False),
        ("https://idp.test\u3002evil.test/", False, False),
        ('https://idp.test"/', False, False),
        ("https://idp%2etest/", False, False),
    ],
)
def test_only_https_and_loopback_addresses_are_safe(url: str, anywhere: bool, with_loopback: bool) -> None:
    assert is_safe_url(url, loopback=False) is anywhere
    assert is_safe_url(url, loopback=True) is with_loopback
