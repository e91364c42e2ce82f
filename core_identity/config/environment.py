"""Read the environment: every variable that the service knows. A wrong value stops the start, and the error names the variable."""

import base64
import hashlib
import os
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
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
        raise ImproperlyConfigured(f"Set {name}, or {name}_FILE to the path of a file that contains it.")
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
                f"Key {number} of SAML_KEY_ENCRYPTION_KEYS is not 32 bytes in URL-safe base64."
            ) from error
    return keys


def trusted_proxies() -> int:
    """Return how many proxies of ours append to X-Forwarded-For; ``TRUST_PROXY=on`` alone means one."""
    trusted: bool = env.bool("TRUST_PROXY", default=False)
    proxies: int = env.int("TRUSTED_PROXIES", default=int(trusted))
    if proxies < 0 or (trusted and not proxies):
        raise ImproperlyConfigured("TRUSTED_PROXIES must be 0 or more, and 1 or more if TRUST_PROXY is on.")
    return proxies


def dns_resolvers() -> list[tuple[str, int]]:
    """Return the addresses and ports of ``DNS_RESOLVERS``. Empty: those of the host."""
    resolvers = []
    for text in env.list("DNS_RESOLVERS", default=[]):
        parts = urlsplit(f"//{text}")
        try:
            resolvers.append((str(ip_address(parts.hostname or "")), parts.port or 53))
        except ValueError as fault:
            raise ImproperlyConfigured(
                "DNS_RESOLVERS must be IP addresses with commas between them, each with or without a port: 10.0.0.2,[fd00::2]:53"
            ) from fault
    return resolvers


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


_CLIENT_SETTINGS: Final[Mapping[str, tuple[str, int]]] = {
    "connect_timeout": ("DATABASE_CONNECT_TIMEOUT", 3),
    "keepalives_idle": ("DATABASE_KEEPALIVES_IDLE", 10),
    "keepalives_interval": ("DATABASE_KEEPALIVES_INTERVAL", 5),
    "keepalives_count": ("DATABASE_KEEPALIVES_COUNT", 3),
}
"""Settings of libpq: the variable and the default, in seconds (the last one is a count). A pooler never sees them."""

PREPARE_FROM: Final = 5
"""How often a connection runs a statement before it prepares it."""

LOCK_TIMEOUT: Final = 10
_SESSION_SETTINGS: Final[Mapping[str, tuple[str, int]]] = {
    "statement_timeout": ("DATABASE_STATEMENT_TIMEOUT", 30),
    "idle_in_transaction_session_timeout": ("DATABASE_IDLE_IN_TRANSACTION_TIMEOUT", 60),
    "lock_timeout": ("DATABASE_LOCK_TIMEOUT", LOCK_TIMEOUT),
}
"""Settings of the PostgreSQL session: the variable and the default in seconds. 0 means: without a limit."""


def database() -> dict[str, Any]:
    """Return the database of ``DATABASE_URL`` with its time limits. An option that the URL contains overrides ours.

    Parameters are bound by the server, and what a connection runs for the fifth time it prepares. A pooler in transaction mode gives the next
    transaction another server connection, which does not know what was prepared, so ``DATABASE_POOLER`` prepares nothing.

    Session settings are sent as startup options, because a ``SET`` would stay on a pooled connection and reach another client.
    PgBouncer refuses startup options, so ``DATABASE_POOLER`` omits them; there the role holds the settings (``ALTER ROLE … SET``).
    """
    config: dict[str, Any] = env.db_url("DATABASE_URL", engine="core_identity.config.postgresql")
    pooler: bool = env.bool("DATABASE_POOLER", default=False)
    from_url = config.get("OPTIONS", {})
    limits = {name: _seconds(*known) for name, known in _CLIENT_SETTINGS.items()}
    options: dict[str, Any] = {"keepalives": 1, **limits}
    options["tcp_user_timeout"] = _seconds("DATABASE_TCP_USER_TIMEOUT", 10) * 1000
    options |= {"server_side_binding": True, "prepare_threshold": None if pooler else PREPARE_FROM} | from_url
    if not pooler:
        session = [f"-c {name}={_seconds(*known)}s" for name, known in _SESSION_SETTINGS.items()]
        options["options"] = " ".join([*session, *([from_url["options"]] if "options" in from_url else [])])
    config["OPTIONS"] = options
    config["CONN_HEALTH_CHECKS"] = True
    config.setdefault("CONN_MAX_AGE", env.int("CONN_MAX_AGE", default=0 if pooler else 300))
    config["DISABLE_SERVER_SIDE_CURSORS"] = pooler  # such a cursor belongs to one server connection
    return config


_WITHOUT_PAGES: Final = frozenset(
    {"conflict", "connection", "drift", "events", "group", "housekeeping", "provisioning", "role", "signins", "user"}
)
"""Our commands, which show no page. Without the pages and what these need, a command starts in half the time."""


def has_pages() -> bool:
    """Whether this process shows pages, or checks them: all do, except for commands of ours."""
    program, command = (*sys.argv, "", "")[:2]
    return not (program.endswith("manage.py") and command in _WITHOUT_PAGES)


def lift_time_limits() -> None:
    """Let commands run without the limits of a request: a migration, an export or housekeeping may take long."""
    for name, _ in _SESSION_SETTINGS.values():
        os.environ[name] = "0"


def _seconds(name: str, default: int) -> int:
    value: int = env.int(name, default=default)
    if value < 0:
        raise ImproperlyConfigured(f"{name} must be 0 or a positive number of seconds.")
    return value


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
