"""The SCIM side of a connection, as its file describes it."""

import secrets
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from core_identity.clock import database_now
from core_identity.errors import NotFound
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.services.connections import SettingsError, SettingsErrors
from core_identity.values import Actor, ActorKind, Channel
from scim.client_secrets import add_secret, unusable_secret
from scim.models import OAuthClient

if TYPE_CHECKING:
    from core_identity.models import Connection

APPLY: Final = Actor(Channel.ADMIN, ActorKind.SYSTEM, "connection apply")
_KEYS: Final = ("redirect_uris", "grants")

AUTHORIZE_PATH: Final = "oauth/authorize/"
TOKEN_PATH: Final = "oauth/token/"  # noqa: S105 - a path
"""Where OAuth is, for `scim.urls` and for who is told of it: to ask Django for an address loads all pages."""


@transaction.atomic
def apply(
    connection: "Connection", section: Mapping[str, Any], *, rotate_secret: bool, actor: Actor = APPLY
) -> str | None:
    """Make the OAuth client of ``connection`` what ``section`` says, with ``redirect_uris`` and ``grants``.

    Make it if there is none.

    Returns the client secret if it was just made: it is shown this once, and only its hash is kept. The former ones end with it; to keep
    one for a while there is `scim.client_secrets.rotate_secret`. Raises
    `SettingsErrors` with all that is wrong, and then changed nothing.
    """
    redirect_uris, grants = _read(section)
    client = OAuthClient.objects.select_for_update().filter(connection=connection).first()
    fresh = client is None
    if client is None:
        client = OAuthClient(
            connection=connection,
            client_id=secrets.token_urlsafe(24),
            client_secret=unusable_secret(),
            name=connection.slug,
        )
    wanted = {
        "redirect_uris": " ".join(redirect_uris),
        "allows_authorization_code": "authorization_code" in grants,
        "allows_client_credentials": "client_credentials" in grants,
    }
    changes: dict[str, tuple[object, object]] = {
        field: (None if fresh else getattr(client, field), value)
        for field, value in wanted.items()
        if fresh or getattr(client, field) != value
    }
    for field, value in wanted.items():
        setattr(client, field, value)
    client.client_type = OAuthClient.CLIENT_CONFIDENTIAL
    client.authorization_grant_type = OAuthClient.GRANTS[grants[0]]
    if changes:
        client.save()
    secret = None
    if fresh or rotate_secret:
        secret = add_secret(client, former_until=database_now())
        changes["client_secret"] = ("", "made") if fresh else ("", "rotated")
    if changes:
        kind = EventKind.CLIENT_CREATED if fresh else EventKind.CLIENT_CHANGED
        events.record(actor=actor, kind=kind, subject=connection, changes=changes)
    return secret


@transaction.atomic
def add_redirect_uris(*, actor: Actor, connection: "Connection", uris: Sequence[str]) -> tuple[str, ...]:
    """Let codes of the connection's client go to ``uris`` too, and return those that are new. Raises `NotFound` without a client."""
    client = OAuthClient.objects.select_for_update().filter(connection=connection).first()
    if client is None:
        raise NotFound(f"{connection} has no OAuth client yet.")
    known = client.redirect_uris.split()
    added = tuple(uri for uri in dict.fromkeys(uris) if uri not in known)
    if added:
        before, client.redirect_uris = client.redirect_uris, " ".join([*known, *added])
        client.save(update_fields=["redirect_uris", "updated"])
        told = {"redirect_uris": (before, client.redirect_uris)}
        events.record(actor=actor, kind=EventKind.CLIENT_CHANGED, subject=connection, changes=told)
    return added


def urls(connection: "Connection") -> dict[str, Any]:
    """Return what the IdP's administrator enters for SCIM; ``client_id`` is None while there is no client."""
    client = OAuthClient.objects.filter(connection=connection).first()
    return {
        "scim_base_url": f"{settings.PUBLIC_URL}/scim/{connection.slug}/v2",
        "authorize_url": f"{settings.PUBLIC_URL}/{AUTHORIZE_PATH}",
        "token_url": f"{settings.PUBLIC_URL}/{TOKEN_PATH}",
        "client_id": client.client_id if client else None,
    }


def _read(section: object) -> tuple[list[str], list[str]]:
    if not isinstance(section, Mapping):
        raise SettingsErrors([SettingsError("scim", "wrong_type", "This must be a mapping of keys to values.")])
    faults = [
        SettingsError(
            f"scim.{name}", "unknown_key", f"There is no such key here. The known keys are: {', '.join(_KEYS)}."
        )
        for name in section
        if name not in _KEYS
    ]
    redirect_uris = _texts(section, "redirect_uris", [], faults)
    for index, uri in enumerate(redirect_uris):
        wrong = _wrong_with(uri)
        if wrong:
            faults.append(SettingsError(f"scim.redirect_uris[{index}]", "not_a_redirect_uri", wrong))
    grants = _texts(section, "grants", list(OAuthClient.GRANTS), faults)
    for index, grant in enumerate(grants):
        if grant not in OAuthClient.GRANTS:
            told = f"This must be one of {', '.join(OAuthClient.GRANTS)}."
            faults.append(SettingsError(f"scim.grants[{index}]", "not_a_choice", told))
    if not grants and "grants" in section:
        faults.append(SettingsError("scim.grants", "required", "Name at least one grant."))
    if faults:
        raise SettingsErrors(faults)
    return redirect_uris, grants


def _texts(section: Mapping[str, Any], name: str, default: list[str], faults: list[SettingsError]) -> list[str]:
    value = section.get(name)
    if value is None:
        return default
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        faults.append(SettingsError(f"scim.{name}", "wrong_type", "This must be a list of texts."))
        return default
    return value


def _wrong_with(uri: str) -> str | None:
    """Say what is wrong with a redirect URI.

    Codes go to exact addresses, by https, or on loopback if the service is there too.
    """
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "This is not a URI."
    if not host or any(character.isspace() or not character.isprintable() for character in uri) or "*" in uri:
        return "This must be a whole URI, without spaces or wildcards."
    if parts.username is not None or parts.password is not None or "#" in uri:
        return "A redirect URI has no user, password or fragment."
    if parts.scheme == "https" or (parts.scheme == "http" and settings.PUBLIC_URL_IS_LOOPBACK and _is_loopback(host)):
        return None
    return "This must be https. (http is for localhost, if PUBLIC_URL is localhost too.)"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
