"""Which connections a sign-in page shows to somebody who is nobody yet."""

from typing import Final

from django.conf import settings

from sso.email_domains import normal_domain
from sso.models import SamlSettings, VerifiedDomain

MOST: Final = 20
LONGEST: Final = 320
"""Characters of an email address (RFC 5321: 64, @, 255)."""


def connections_to_show(wanted: str) -> tuple[list[SamlSettings], bool]:
    """Return the connections to show, and whether to ask for an address or the name of one. One query, whatever is wanted.

    ``wanted`` is what somebody typed: an email address, of which the domain alone is looked at, or a slug. Who our customers are is nobody's
    business: several are listed in the demo only. A domain that nobody entered, one that is not verified, one whose connection is off,
    and nonsense get one answer, after the same work.
    """
    live = (
        SamlSettings.objects.select_related("connection").filter(connection__enabled=True).order_by("connection__name")
    )
    _, is_address, domain = wanted.partition("@")
    if is_address:
        leading = VerifiedDomain.objects.filter(domain=normal_domain(domain) if len(wanted) <= LONGEST else "")
        return list(live.filter(connection__in=leading.values("connection"))[:MOST]), True
    if wanted:
        return list(live.filter(connection__slug=wanted if "\0" not in wanted else "")), True
    offered = list(live[: MOST if settings.DEMO else 2])
    if settings.DEMO or len(offered) < 2:
        return offered, False
    return [], True
