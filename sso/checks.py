"""System checks that need the database: the SAML keys that cannot be opened."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import Error, connection
from django.utils import timezone

from sso.models import SpKey

if TYPE_CHECKING:
    from sso.settings.trust_warnings import TrustWarning


@register(Tags.database)
def saml_keys_can_be_opened(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Run with ``check --database default``, and before each ``migrate``."""
    return _found() if databases and connection.alias in databases else []


@register(Tags.security, deploy=True)
def saml_keys_can_be_opened_in_production(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Run with ``check --deploy``, unless databases are named: then the check above runs."""
    return [] if databases else _found()


@register(Tags.database)
def trust_does_not_end(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """With ``check --database default``: certificates and metadata of IdPs, and keys of ours, that end soon or have ended."""
    if not databases or connection.alias not in databases:
        return []
    from sso.settings.trust_warnings import trust_that_ends  # imported late: other commands do not need SAML

    try:
        found = trust_that_ends(timezone.now())
    except Error:
        return []  # not migrated yet
    return [
        checks.Warning(
            f"{slug}: {' '.join(map(str, warnings))}",
            hint=f"Open the page of the connection, or run: {' and '.join(_commands(slug, warnings))}",
            id="core_identity.W002",
        )
        for slug, warnings in found
    ]


def _commands(slug: str, warnings: "Sequence[TrustWarning]") -> Iterator[str]:
    """Yield what renews the trust that ends: the IdP's metadata, our key, or both."""
    if any(not one.is_ours for one in warnings):
        yield f"manage.py connection metadata {slug} --url URL"
    if any(one.is_ours for one in warnings):
        yield f"manage.py connection saml-keys {slug} create"


def _found() -> list[CheckMessage]:
    from sso.settings.keys import opens  # imported late: other commands do not need cryptography

    try:
        if SpKey._meta.db_table not in connection.introspection.table_names():
            return []
        return [_warning(key) for key in SpKey.objects.select_related("connection") if not opens(key)]
    except Error:
        return []


def _warning(key: SpKey) -> CheckMessage:
    """A warning, because an error would stop `migrate` for all customers."""
    return checks.Warning(
        f"The {key.state} SAML key of {key.connection} cannot be opened: its encrypted sign-ins and signed requests fail.",
        hint="Put the key that encrypted it back into SAML_KEY_ENCRYPTION_KEYS, but not as the first one; then "
        "`connection saml-keys SLUG seal-again`.",
        id="sso.W001",
    )
