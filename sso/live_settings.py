"""The SAML side of a connection, as an address names it."""

from typing import Final

from django.db.models import SlugField
from django.http import Http404

from core_identity.compiled import Compiled, Given
from sso.models import SamlSettings

NOBODY: Final = "Nobody signs in here."

_LIVE: Final = Compiled(
    lambda: SamlSettings.objects.select_related("connection").filter(
        connection__slug=Given("slug", SlugField()), connection__enabled=True
    )
)


def live_settings(slug: str) -> SamlSettings:
    """Return the SAML side of a live connection, by one query.

    Switched off, never made and without SAML look the same from outside, and take as long (R1a).
    """
    saml = _LIVE.first(slug=slug)
    if saml is None:
        raise Http404(NOBODY)
    return saml


def require_live(saml: SamlSettings) -> None:
    """Raise ``Http404``, as for a connection that was never made, where it is switched off: only its test goes on there (R37)."""
    if not saml.connection.enabled:
        raise Http404(NOBODY)
