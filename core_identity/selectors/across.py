"""Read what needs attention in all connections at once. The cost depends on the pending rows, and not on the number of people."""

from django.db.models import QuerySet

from core_identity.models import Identity


def reactivations(expired_by: str = "") -> QuerySet[Identity]:
    """Return the identities whose IdP calls an expired user active again, the oldest request first (R22).

    ``expired_by``: "channel" or "administrator", or empty for both.
    """
    requests = Identity.objects.filter(reactivation_requested_at__isnull=False, user__expired_at__isnull=False)
    if expired_by:
        requests = requests.filter(user__expired_connection__isnull=expired_by == "administrator")
    loaded = requests.select_related("user__expired_connection", "connection").prefetch_related("uids")
    return loaded.order_by("reactivation_requested_at", "pk")
