"""Certificates of an IdP: read strictly, identified, and checked for their end."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

PEM: Final = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


def normal_certificate(text: str) -> str:
    """Return one certificate as PEM, given as PEM or bare base64; raise ValueError with a sentence."""
    bare = re.sub(r"-----(BEGIN|END) CERTIFICATE-----|\s", "", text)
    pem = PEM.format("\n".join(bare[start : start + 64] for start in range(0, len(bare), 64)))
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
        key = certificate.public_key()
    except (ValueError, UnicodeEncodeError, x509.UnsupportedGeneralNameType) as error:
        raise ValueError(
            "A certificate cannot be read. Paste it whole, from BEGIN CERTIFICATE to END CERTIFICATE."
        ) from error
    except Exception as error:  # cryptography raises its own family for unknown key types
        raise ValueError("A certificate contains a key that cannot be used.") from error
    # The gate accepts only RSA and ECDSA signatures, so a key of another kind could never verify one.
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < 2048:
            raise ValueError(f"A certificate has an RSA key of {key.key_size} bits; 2048 are needed.")
    elif not isinstance(key, ec.EllipticCurvePublicKey) or key.key_size < 256:
        raise ValueError("A certificate contains a key that cannot be used: neither RSA nor EC of at least 256 bits.")
    return pem


@lru_cache(maxsize=256)
def is_strong(pem: str) -> bool:
    """Whether its signatures can be believed. A certificate may have been stored without this check, so each sign-in checks it again."""
    try:
        normal_certificate(pem)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=256)
def public_key(pem: str) -> CertificatePublicKeyTypes:
    """Return the key of a certificate. It is cached, because each message needs it."""
    return x509.load_pem_x509_certificate(pem.encode()).public_key()


def fingerprint(pem: str) -> str:
    """Return the first 16 digits of the SHA-256 of a certificate, which identify it in events and on pages."""
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex()[:16]


def end_of(pem: str) -> datetime:
    """Return when a certificate ends (aware)."""
    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc


def outdated(pem: str, now: datetime) -> str:
    """Return a sentence about a certificate that has ended by ``now`` (aware), otherwise an empty text."""
    end = end_of(pem)
    return f"The certificate {fingerprint(pem)} ended on {end.date()}." if end <= now else ""


def not_yet(pem: str, now: datetime) -> str:
    """Return a sentence about a certificate that begins after ``now`` (aware), otherwise an empty text."""
    begin = x509.load_pem_x509_certificate(pem.encode()).not_valid_before_utc
    return f"The certificate {fingerprint(pem)} is not valid before {begin.date()}." if begin > now else ""


def authorities(pems: Sequence[str]) -> set[str]:
    """Return those certificates that issued another one in the list. A key that signs certificates does not sign messages (XML Signature 4.5.4).

    Raises ValueError with a sentence.
    """
    if len(pems) < 2:
        return set()
    certificates = [(pem, x509.load_pem_x509_certificate(pem.encode())) for pem in pems]
    try:
        issuers = {one.issuer for _, one in certificates if one.issuer != one.subject}
        return {pem for pem, one in certificates if one.subject in issuers}
    except ValueError as error:
        raise ValueError("A certificate contains a name that cannot be read.") from error
