"""Apply bursts of deactivations and raise an alarm (R22a). One act unexpires the people whom the IdP lists as active again."""

import logging
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core_identity.clock import Now, database_now
from core_identity.errors import NotFound
from core_identity.event_kinds import EventKind
from core_identity.models import Burst, Identity
from core_identity.selectors.bursts import BurstPlan, people_of, plan_of, recent_deactivations
from core_identity.services import events
from core_identity.services.expiry import unexpire_together
from core_identity.services.locks import lock_customer
from core_identity.services.permissions import may_touch_guarded, require_superuser_for_own_idp
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor

log = logging.getLogger("core_identity.bursts")


def note_deactivation(*, actor: Actor, identity: Identity) -> None:
    """Raise an alarm if the deactivation of ``identity`` is one of too many. The caller holds the customer's lock."""
    connection, limits = identity.connection, settings.BURST
    recent = recent_deactivations(connection, but=identity, limits=limits)
    if recent.gone < limits.least or recent.gone < limits.threshold(recent.gone + recent.active):
        return
    if recent.open_burst is not None:
        Burst.objects.filter(pk=recent.open_burst).update(last_at=Now())
        return
    now = database_now()
    Burst.objects.create(connection=connection, began_at=recent.began_at or now, last_at=now)
    events.record(
        actor=actor, kind=EventKind.CONNECTION_BURST, subject=connection, changes={"deactivated": (None, recent.gone)}
    )
    facts = {"connection": connection.slug, "deactivated": recent.gone, "reference": actor.request_id}
    transaction.on_commit(partial(log.warning, "burst of deactivations", extra=facts))


@in_one_transaction
def unexpire_burst(*, actor: Actor, burst_id: UUID, reason: str) -> BurstPlan:
    """Unexpire the people of a burst whom the IdP lists as active again. Return what was done. Raises `NotFound`.

    If nobody of the burst is left, it is settled. A constant number of statements.
    """
    burst = _lock_burst(burst_id)
    list(people_of(burst).select_for_update(no_key=True).values_list("pk"))
    plan = plan_of(burst, guarded_too=may_touch_guarded(actor))
    unexpire_together(actor=actor, users=plan.unexpires, connection=burst.connection, reason=reason)
    left = len(plan.changed) + len(plan.guarded) + len(plan.inactive)
    _record(
        actor=actor,
        burst=burst,
        kind=EventKind.CONNECTION_BURST_UNEXPIRED,
        reason=reason,
        unexpired=len(plan.unexpires),
        left=left,
    )
    if not left:
        _settle(burst)
    return plan


@in_one_transaction
def settle_burst(*, actor: Actor, burst_id: UUID, reason: str) -> None:
    """Settle a burst whose deactivations were intended. Expired people stay expired. Raises `NotFound`."""
    burst = _lock_burst(burst_id)
    require_superuser_for_own_idp(actor, burst.connection)
    _settle(burst)
    _record(
        actor=actor, burst=burst, kind=EventKind.CONNECTION_BURST_SETTLED, reason=reason, left=people_of(burst).count()
    )


def _settle(burst: Burst) -> None:
    burst.settled_at = database_now()
    burst.save(update_fields=["settled_at"])


def _record(*, actor: Actor, burst: Burst, kind: EventKind, reason: str, **counts: int) -> None:
    changes = {"began_at": (None, burst.began_at), **{name: (None, count) for name, count in counts.items()}}
    events.record(actor=actor, kind=kind, subject=burst.connection, changes=changes, reason=reason)


def _lock_burst(burst_id: UUID) -> Burst:
    customer_id = Burst.objects.filter(pk=burst_id).values_list("connection__customer_id", flat=True).first()
    if customer_id is None:
        raise NotFound("There is no such burst.")
    lock_customer(customer_id)
    return Burst.objects.select_related("connection").get(pk=burst_id)
