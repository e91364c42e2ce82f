"""Reading the environment: every variable that the service knows, failing loudly and by name."""

import base64
import hashlib
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from core_identity.policy.bursts import BurstLimits

env = environ.Env()


def secret(name: str) -> str:
    """Return the variable ``name``, or the content of the file that ``name_FILE`` points to."""
    path: str = env.str(f"{name}_FILE", default="")
    if path:
        return Path(path).read_text(encoding="utf-8").strip()
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"Set {name}, or {name}_FILE to the path of a file that holds it.")
    return value


def key_encryption_keys(*, stand_in: str) -> list[str]:
    """Return the Fernet keys of ``SAML_KEY_ENCRYPTION_KEYS[_FILE]`` (commas or lines between them).

    If ``stand_in`` is given, a key made from it is the last one.
    """
    path: str = env.str("SAML_KEY_ENCRYPTION_KEYS_FILE", default="")
    text = Path(path).read_text(encoding="utf-8") if path else env.str("SAML_KEY_ENCRYPTION_KEYS", default="")
    keys = text.replace(",", " ").split()
    if stand_in:
        keys += [base64.urlsafe_b64encode(hashlib.sha256(f"saml keys {stand_in}".encode()).digest()).decode()]
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError as error:  # without the key itself, which must reach no log
            raise ImproperlyConfigured(
                f"Key {number} of SAML_KEY_ENCRYPTION_KEYS is no 32 bytes in URL-safe base64."
            ) from error
    return keys


def trusted_proxies() -> int:
    """Return how many proxies of ours append to X-Forwarded-For; ``TRUST_PROXY=on`` alone means one."""
    trusted: bool = env.bool("TRUST_PROXY", default=False)
    proxies: int = env.int("TRUSTED_PROXIES", default=int(trusted))
    if proxies < 0 or (trusted and not proxies):
        raise ImproperlyConfigured("TRUSTED_PROXIES must be 0 or more, and 1 or more where TRUST_PROXY is on.")
    return proxies


def burst_limits() -> BurstLimits:
    """Return from how many deactivations on an alarm is due (R22a)."""
    standard = BurstLimits()
    try:
        return BurstLimits(
            percent=env.int("BURST_PERCENT", default=standard.percent),
            people=env.int("BURST_PEOPLE", default=standard.people),
            least=env.int("BURST_LEAST", default=standard.least),
        )
    except ValueError as fault:
        raise ImproperlyConfigured(f"BURST_PERCENT, BURST_PEOPLE or BURST_LEAST: {fault}") from fault


class PublicUrl:
    """The address that browsers and IdPs see, and what follows from it.

    Plain http is for loopback only: there session cookies are not Secure and nothing redirects to https.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query or parts.fragment:
            raise ImproperlyConfigured("PUBLIC_URL must be scheme://host[:port] and nothing more.")
        self.host = parts.hostname
        self.https = parts.scheme == "https"
        self.loopback = _is_loopback(self.host)
        if not self.https and not self.loopback:
            raise ImproperlyConfigured("PUBLIC_URL must be https, except on localhost.")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
