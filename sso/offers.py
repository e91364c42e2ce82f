"""Which connections a sign-in page shows to somebody who is nobody yet."""

from django.conf import settings

from sso.models import SamlSettings


def connections_to_offer(wanted: str) -> tuple[list[SamlSettings], bool]:
    """Return the connections to show, and whether to ask for the name of one.

    Who our customers are is nobody's business: several are listed in the demo only; else people type the name (the slug) of theirs.
    """
    live = (
        SamlSettings.objects.select_related("connection").filter(connection__enabled=True).order_by("connection__name")
    )
    if wanted:
        return list(live.filter(connection__slug=wanted)), True
    offered = list(live[: 20 if settings.DEMO else 2])
    if settings.DEMO or len(offered) < 2:
        return offered, False
    return [], True
