"""System checks of what settings alone cannot tell."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import Error, connection

from core_identity.errors import InvalidValue
from sso.keys import opens
from sso.models import SpKey


@register(Tags.database)
def saml_keys_can_be_opened(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """With ``check --database default``, and before each ``migrate``."""
    return _found() if databases and connection.alias in databases else []


@register(Tags.security, deploy=True)
def saml_keys_can_be_opened_in_production(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """With ``check --deploy``; where databases are named as well, the check above has asked them."""
    return [] if databases else _found()


def _found() -> list[CheckMessage]:
    try:
        if SpKey._meta.db_table not in connection.introspection.table_names():
            return []
        return [_error(key) for key in SpKey.objects.select_related("connection") if not _opens(key)]
    except Error:
        return []


def _opens(key: SpKey) -> bool:
    try:
        return opens(key)
    except InvalidValue:  # no sealing key is set at all
        return False


def _error(key: SpKey) -> CheckMessage:
    return checks.Error(
        f"The {key.state} SAML key of {key.connection} cannot be opened: encrypted sign-ins and signed requests fail.",
        hint="Put the key that sealed it back into SAML_KEY_ENCRYPTION_KEYS, not in the first place; then `connection saml-keys SLUG seal-again`.",
        id="sso.E001",
    )
