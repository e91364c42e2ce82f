"""A key of ours: it signs our messages and opens assertions that are encrypted to us."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

KEY_BITS: Final = 3072
LASTS: Final = timedelta(days=3 * 365)
"""How long our certificates last. IdPs warn before a certificate ends, and until then a rollover is routine."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """``private`` is PKCS 8 as PEM, and the repr of this object does not contain it. ``certificate`` is PEM."""

    private: str = field(repr=False)
    certificate: str

    @property
    def key(self) -> rsa.RSAPrivateKey:
        # The numbers of the key are not checked again: the check takes 0.1 s, strangers could trigger it, and we created and encrypted the key.
        key = load_pem_private_key(self.private.encode(), password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("Our keys are RSA keys.")
        return key


def make_key_pair(name: str, *, now: datetime) -> KeyPair:
    """Return a new RSA key with a certificate that it signed itself. ``name`` becomes its common name; ``now`` is aware."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LASTS)
        .sign(key, hashes.SHA256())
    )
    return KeyPair(
        private=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        certificate=certificate.public_bytes(Encoding.PEM).decode(),
    )
