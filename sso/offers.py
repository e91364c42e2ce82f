"""Which connections a sign-in page shows to somebody who is nobody yet."""

import re
from typing import Final

from django.conf import settings

from sso.models import SamlSettings

MOST: Final = 20
_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


def normal_domain(text: str) -> str:
    """Return a domain as it is compared: small letters, IDNA, no dot at its end; empty where it is none."""
    try:
        domain = text.strip().removesuffix(".").lower().encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return domain if _DOMAIN.fullmatch(domain) else ""


def connections_to_offer(wanted: str) -> tuple[list[SamlSettings], bool]:
    """Return the connections to show, and whether to ask for an address or the name of one.

    ``wanted`` is what somebody typed: an email address, of which the domain alone is looked at, or a slug. Who our customers are is nobody's
    business: several are listed in the demo only, and a domain that nobody claims, one whose connection is off and nonsense get one answer.
    """
    live = (
        SamlSettings.objects.select_related("connection").filter(connection__enabled=True).order_by("connection__name")
    )
    if "@" in wanted:
        domain = normal_domain(wanted.rpartition("@")[2])
        return (list(live.filter(email_domains__contains=[domain])[:MOST]) if domain else []), True
    if wanted:
        return (list(live.filter(connection__slug=wanted)) if "\0" not in wanted else []), True
    offered = list(live[: MOST if settings.DEMO else 2])
    if settings.DEMO or len(offered) < 2:
        return offered, False
    return [], True
