"""The SCIM side of a connection file: apply its section, and return the values for the IdP's administrator."""

import secrets
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from core_identity import connection_schema
from core_identity.clock import database_now
from core_identity.connection_file import Section, one_of
from core_identity.errors import NotFound
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.services.permissions import require_superuser_for_own_idp, require_superuser_for_redirects
from core_identity.values import Actor, ActorKind, Channel
from scim.models import OAuthClient
from scim.oauth.client_secrets import add_secret, unusable_secret

if TYPE_CHECKING:
    from core_identity.models import Connection

APPLY: Final = Actor(Channel.ADMIN, ActorKind.SYSTEM, "connection apply")

AUTHORIZE_PATH: Final = "oauth/authorize/"
TOKEN_PATH: Final = "oauth/token/"  # noqa: S105 - a path
"""The addresses of OAuth, for `scim.urls` and for callers that show them: `django.urls.reverse` would load all pages."""


@transaction.atomic
def apply(
    connection: "Connection", section: Mapping[str, Any], *, rotate_secret: bool, actor: Actor = APPLY
) -> str | None:
    """Change the OAuth client of ``connection`` to ``section``, with ``redirect_uris`` and ``grants``. Create it if there is none.

    Returns the client secret if it is new. It is shown only once, and only its hash is stored. The former secrets end; to keep one for a while,
    use `scim.oauth.client_secrets.rotate_secret`.

    Raises `SettingsErrors` with all faults, and `NotAllowed` if redirect URIs differ and only a superuser may change them. Then nothing is changed.
    """
    redirect_uris, grants = read_section(section)
    require_superuser_for_own_idp(actor, connection)
    client = OAuthClient.objects.select_for_update().filter(connection=connection).first()
    fresh = client is None
    if client is None:
        client = OAuthClient(
            connection=connection,
            client_id=secrets.token_urlsafe(24),
            client_secret=unusable_secret(),
            name=connection.slug,
        )
    values = {
        "redirect_uris": " ".join(redirect_uris),
        "allows_authorization_code": "authorization_code" in grants,
        "allows_client_credentials": "client_credentials" in grants,
    }
    changes: dict[str, tuple[object, object]] = {
        field: (None if fresh else getattr(client, field), value)
        for field, value in values.items()
        if fresh or getattr(client, field) != value
    }
    if client.redirect_uris != values["redirect_uris"]:
        require_superuser_for_redirects(actor)
    for field, value in values.items():
        setattr(client, field, value)
    client.client_type = OAuthClient.CLIENT_CONFIDENTIAL
    client.authorization_grant_type = OAuthClient.GRANTS[grants[0]]
    if changes:
        client.save()
    secret = None
    if fresh or rotate_secret:
        secret = add_secret(client, former_until=database_now())
        changes["client_secret"] = ("", "created") if fresh else ("", "rotated")
    if changes:
        kind = EventKind.CLIENT_CREATED if fresh else EventKind.CLIENT_CHANGED
        events.record(actor=actor, kind=kind, subject=connection, changes=changes)
    return secret


@transaction.atomic
def add_redirect_uris(*, actor: Actor, connection: "Connection", uris: Sequence[str]) -> tuple[str, ...]:
    """Add ``uris`` to the redirect URIs of the connection's client, and return the new ones. Raises `NotFound` without a client, or `NotAllowed`."""
    client = OAuthClient.objects.select_for_update().filter(connection=connection).first()
    if client is None:
        raise NotFound(f"{connection} has no OAuth client yet.")
    present = client.redirect_uris.split()
    added = tuple(uri for uri in dict.fromkeys(uris) if uri not in present)
    if added:
        require_superuser_for_redirects(actor)
        before, client.redirect_uris = client.redirect_uris, " ".join([*present, *added])
        client.save(update_fields=["redirect_uris", "updated"])
        changes = {"redirect_uris": (before, client.redirect_uris)}
        events.record(actor=actor, kind=EventKind.CLIENT_CHANGED, subject=connection, changes=changes)
    return added


def section_of(connection: "Connection") -> dict[str, Any]:
    """Return the OAuth client as a section of a connection file; an empty one if there is no client. Applying it changes nothing."""
    client = OAuthClient.objects.filter(connection=connection).first()
    if client is None:
        return {}
    grants = [name for name in OAuthClient.GRANTS if getattr(client, f"allows_{name}")]
    return {"redirect_uris": client.redirect_uris.split(), "grants": grants}


def schema_keys() -> dict[str, Any]:
    """Return each key that `read_section` reads, with its JSON Schema."""
    grant = connection_schema.one_of(OAuthClient.GRANTS)
    return {"redirect_uris": connection_schema.TEXTS, "grants": {"type": "array", "minItems": 1, "items": grant}}


def urls(connection: "Connection") -> dict[str, Any]:
    """Return the values that the IdP's administrator enters for SCIM. ``client_id`` is None without a client."""
    client = getattr(connection, "oauth_client", None)
    return {
        "scim_base_url": f"{settings.PUBLIC_URL}/scim/{connection.slug}/v2",
        "authorize_url": f"{settings.PUBLIC_URL}/{AUTHORIZE_PATH}",
        "token_url": f"{settings.PUBLIC_URL}/{TOKEN_PATH}",
        "client_id": client.client_id if client else None,
    }


def read_section(content: object) -> tuple[list[str], list[str]]:
    """Return the redirect URIs and the grants; raise `SettingsErrors` with all that is wrong."""
    section = Section.of_service(content, path="scim")
    redirect_uris = section.texts("redirect_uris") or []
    for index, uri in enumerate(redirect_uris):
        wrong = _wrong_with(uri)
        if wrong:
            section.fault(f"redirect_uris[{index}]", "not_a_redirect_uri", wrong)
    grants = section.texts("grants")
    for index, grant in enumerate(grants or ()):
        if grant not in OAuthClient.GRANTS:
            section.fault(f"grants[{index}]", "not_a_choice", f"This must be {one_of(OAuthClient.GRANTS)}.")
    if section.raw("grants") == []:
        section.fault("grants", "required", "Name at least one grant.")
    section.check()
    return redirect_uris, list(OAuthClient.GRANTS) if grants is None else grants


def _wrong_with(uri: str) -> str | None:
    """Return the fault of a redirect URI as a sentence, or None.

    A redirect URI is exact and https, or on loopback if the service is there too.
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
