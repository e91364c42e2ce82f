"""The keys that sign, and the certificates that go into the metadata: made once, since the product keeps the certificates."""

import base64
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
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

FILE_NAMES: Final = {"current": "idp-key.pem", "second": "idp-second-key.pem", "old": "idp-old-key.pem"}
ANNOUNCED: Final = ("current", "second")
"""The certificates in the metadata: both during a rollover. The metadata no longer contains the old one, which makes it old."""


class UnusableKey(Exception):
    """The file is there, but is not what was written. The message is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """``pem`` holds the private key, and after it the certificate."""

    pem: bytes = field(repr=False)
    certificate: x509.Certificate

    @property
    def certificate_base64(self) -> str:
        """The content of an X509Certificate element."""
        return base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode("ascii")


SigningKeys = Mapping[str, SigningKey]
"""By their names in `FILE_NAMES`."""


def load_or_make(folder: Path) -> SigningKeys:
    """Return the keys kept in ``folder``, made (with the folder) where there are none. Raises `UnusableKey` or `OSError`."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {name: _load_or_make(folder / file) for name, file in FILE_NAMES.items()}


def _load_or_make(file: Path) -> SigningKey:
    try:
        pem = file.read_bytes()
    except FileNotFoundError:
        pem = _make()
        _write(file, pem)
    try:
        load_pem_private_key(pem, password=None)
        return SigningKey(pem, x509.load_pem_x509_certificate(pem))
    except ValueError as error:
        raise UnusableKey(
            f"{file} does not hold a key and its certificate. Delete it; a new one will be created."
        ) from error


def _make() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Demo identity provider")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def _write(file: Path, pem: bytes) -> None:
    """Key and certificate appear together or not at all. mkstemp makes files that only their owner may read."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
