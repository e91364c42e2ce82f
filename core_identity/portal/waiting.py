"""The work that set-up links left for a superuser: changes to decide, and set-ups that the customer reported as finished (R38)."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from core_identity.models import Connection, SetupLink, SetupProposal
from core_identity.portal.trust import Proposed


@dataclass(frozen=True, slots=True)
class WaitingSetUp:
    """``page`` is the last part of the name of the connection's page that settles it; ``action`` is the button that leads there."""

    what: str
    connection: Connection
    by: str
    since: datetime
    page: str
    action: str


def waiting_set_ups(condition: Q | None = None, *, most: int | None = None) -> list[WaitingSetUp]:
    """Return what waits, the oldest first. ``condition`` limits the connections. Two queries.

    A finished set-up waits until a superuser ends its link, also after the link has expired by itself.
    """
    of = condition or Q()
    proposals = SetupProposal.objects.filter(of, decided_at=None).select_related("connection__customer")
    finished = SetupLink.objects.filter(of, finished_at__isnull=False, revoked_at=None)
    found = [
        *(_waiting_proposal(one) for one in proposals.order_by("proposed_at")[:most]),
        *(
            _waiting_report(one)
            for one in finished.select_related("connection__customer").order_by("finished_at")[:most]
        ),
    ]
    return sorted(found, key=lambda one: one.since)[:most]


def _waiting_proposal(proposal: SetupProposal) -> WaitingSetUp:
    kind = Proposed(proposal.kind)
    return WaitingSetUp(
        kind.label, proposal.connection, proposal.proposed_by, proposal.proposed_at, kind.page, "Review"
    )


def _waiting_report(link: SetupLink) -> WaitingSetUp:
    what, by = "The customer finished the set-up", "set-up contact"
    return WaitingSetUp(what, link.connection, by, link.finished_at or link.created_at, "setup-link", "Review")
