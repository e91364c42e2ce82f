"""The limits of a set-up link: it may do some things by itself, others wait for a superuser (R38)."""

from enum import StrEnum
from typing import Final

from django.db.models import QuerySet

from core_identity.clock import Now
from core_identity.errors import NotAllowed, NotFound
from core_identity.event_kinds import EventKind
from core_identity.models import Connection, Identity, SetupLink, SetupProposal
from core_identity.selectors.sign_ins import last_sign_in
from core_identity.services import events
from core_identity.services.locks import lock_customer
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor

GONE: Final = "This proposal was decided or replaced while you were looking."


class Proposed(StrEnum):
    """The kinds of proposals. The page of a connection that shows one has the name ``proposed-<kind>``."""

    METADATA = "metadata"
    TOKEN = "token"  # noqa: S105 - not a secret

    @property
    def label(self) -> str:
        return {"metadata": "New metadata of the identity provider", "token": "Another long-lived token"}[self.value]

    @property
    def page(self) -> str:
        return f"proposed-{self.value}"


def knows_nobody(connection: Connection) -> bool:
    """Whether a connection has no identity, no offer and no sign-in, so that no account depends on its IdP yet.

    The answer holds until the end of the transaction: every new identity needs the lock of the customer. Call it after the lock on the connection.
    """
    lock_customer(connection.customer_id)
    if Identity.objects.filter(connection=connection).exists():  # an offer is one too
        return False
    return last_sign_in(connection.pk) is None


@in_one_transaction
def propose(*, actor: Actor, link: SetupLink, kind: Proposed, payload: str = "") -> None:
    """Store a change for a superuser. It replaces the waiting one of its kind. The caller holds the lock on the connection."""
    waiting = SetupProposal.objects.filter(connection=link.connection, kind=kind.value, decided_at=None)
    waiting.delete()
    SetupProposal.objects.create(
        connection=link.connection, kind=kind.value, payload=payload, proposed_by=actor.label[:300]
    )
    proposed = {"kind": (None, kind.label)}
    events.record(actor=actor, kind=EventKind.SETUP_PROPOSED, subject=link.connection, changes=proposed)


def waiting_proposal(connection: Connection, kind: Proposed) -> SetupProposal | None:
    return SetupProposal.objects.filter(connection=connection, kind=kind.value, decided_at=None).first()


def waiting_proposals(connection: Connection) -> list[SetupProposal]:
    return list(SetupProposal.objects.filter(connection=connection, decided_at=None))


@in_one_transaction
def decide(*, actor: Actor, connection: Connection, proposal_id: int, accept: bool) -> SetupProposal:
    """Settle a waiting proposal. The caller has made the change, in the same transaction. Raises `NotFound` if another decision was first."""
    found = SetupProposal.objects.filter(connection=connection, pk=proposal_id, decided_at=None)
    if not found.update(decided_at=Now(), accepted=accept):
        raise NotFound(GONE)
    proposal = SetupProposal.objects.get(pk=proposal_id)
    kind = EventKind.SETUP_PROPOSAL_ACCEPTED if accept else EventKind.SETUP_PROPOSAL_REJECTED
    changes = {"kind": (None, Proposed(proposal.kind).label)}
    events.record(actor=actor, kind=kind, subject=connection, changes=changes)
    return proposal


def is_permitted(connection: Connection, kind: Proposed) -> bool:
    """Whether a superuser accepted a proposal that the link has not used yet."""
    return _permissions(connection, kind).exists()


@in_one_transaction
def use_permission(connection: Connection, kind: Proposed) -> None:
    """Use up a permission. Raises `NotAllowed` if there is none. The caller holds the lock on the connection."""
    permission = _permissions(connection, kind).first()
    if permission is None:
        raise NotAllowed("A superuser must permit this first.")
    SetupProposal.objects.filter(pk=permission.pk).update(used_at=Now())


def _permissions(connection: Connection, kind: Proposed) -> QuerySet[SetupProposal]:
    return SetupProposal.objects.filter(connection=connection, kind=kind.value, accepted=True, used_at=None)
