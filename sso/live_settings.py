"""The SAML side of a connection, as an address names it."""

from django.http import Http404

from core_identity.errors import NotFound
from core_identity.selectors.connections import live_connection
from sso.models import SamlSettings


def live_settings(slug: str) -> SamlSettings:
    """Return the SAML side of a live connection. Switched off and never made look the same from outside (R1a)."""
    try:
        connection = live_connection(slug)
    except NotFound as error:
        raise Http404("There is no such connection.") from error
    found = SamlSettings.objects.select_related("connection").filter(connection=connection).first()
    if found is None:
        raise Http404("Sign-in is not set up for this connection.")
    return found


def require_live(saml: SamlSettings) -> None:
    """Raise ``Http404``, as for a connection that was never made, where it is switched off: only its test goes on there (R37)."""
    if not saml.connection.enabled:
        raise Http404("There is no such connection.")
