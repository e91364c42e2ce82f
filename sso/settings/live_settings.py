"""The SAML settings of the connection that an address names by its slug."""

from copy import copy
from typing import TYPE_CHECKING, Final

from django.db.models import SlugField
from django.http import Http404

from core_identity.compiled import Compiled, Given
from sso.models import SamlSettings

if TYPE_CHECKING:
    from core_identity.models import Connection


class NobodySignsInHere(Http404):
    """The connection is unknown, switched off, or has no SAML. All three get the same page."""

    page: Final = "sso/no_connection.html"


_LIVE: Final = Compiled(
    lambda: SamlSettings.objects.select_related("connection").filter(
        connection__slug=Given("slug", SlugField()), connection__enabled=True
    )
)


def live_settings(slug: str) -> SamlSettings:
    """Return the SAML settings of a live connection, by one query. Raises `NobodySignsInHere`, a 404.

    An unknown connection, one that is switched off and one without SAML get the same answer in the same time (R1a).
    """
    saml = _LIVE.first(slug=slug)
    if saml is None:
        raise NobodySignsInHere
    return saml


def new_settings(connection: "Connection") -> SamlSettings:
    """Return settings that are not stored. They get a copy of the connection, because Django would present them as `connection.saml`."""
    return SamlSettings(connection=copy(connection))


def require_live(saml: SamlSettings) -> None:
    """Raise `NobodySignsInHere`, as for an unknown connection, if the connection is switched off. Only its test sign-in continues then (R37)."""
    if not saml.connection.enabled:
        raise NobodySignsInHere
