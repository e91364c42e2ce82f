"""The connections that a sign-in page shows to a person who is not signed in."""

from typing import Final

from django.conf import settings

from sso.models import SamlSettings, VerifiedDomain
from sso.settings.email_domains import normal_domain

MOST: Final = 20
LONGEST: Final = 320
"""The maximum length of an email address (RFC 5321: 64, @, 255)."""


def connections_to_show(entry: str) -> tuple[list[SamlSettings], bool]:
    """Return the connections to show, and whether to ask for an address or a slug. Always one query.

    ``entry`` is the text that a person typed: an email address, of which only the domain is used, or a slug. The names of our customers are not
    public, so several connections are listed only in the demo. An unknown domain, an unverified one, one of a connection that is off, and
    nonsense get the same answer after the same work.
    """
    live = (
        SamlSettings.objects.select_related("connection").filter(connection__enabled=True).order_by("connection__name")
    )
    _, is_address, domain = entry.partition("@")
    if is_address:
        leading = VerifiedDomain.objects.filter(domain=normal_domain(domain) if len(entry) <= LONGEST else "")
        return list(live.filter(connection__in=leading.values("connection"))[:MOST]), True
    if entry:
        return list(live.filter(connection__slug=entry if "\0" not in entry else "")), True
    choices = list(live[: MOST if settings.DEMO else 2])
    if settings.DEMO or len(choices) < 2:
        return choices, False
    return [], True
