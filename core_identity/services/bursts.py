"""R22a: a burst of deactivations is applied and alarmed; one act takes it back for those whom the IdP calls active again."""

import logging
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core_identity.clock import Now, database_now
from core_identity.errors import NotFound
from core_identity.models import Burst, Identity, User
from core_identity.policy.bursts import WINDOW
from core_identity.selectors.bursts import BurstPlan, people_of, plan_of
from core_identity.services import events
from core_identity.services.expiry import unexpire_together
from core_identity.services.merge import may_touch_guarded
from core_identity.services.transactions import in_one_transaction, lock_customer
from core_identity.values import Actor, Channel

log = logging.getLogger("core_identity.bursts")


def note_deactivation(*, actor: Actor, identity: Identity) -> None:
    """The IdP has just deactivated ``identity``: alarm where it is one of too many. The caller holds the customer's lock.

    What it costs does not depend on how many people a connection has or had: each count stops where it has seen enough.
    """
    connection, limits = identity.connection, settings.BURST
    expired = User.objects.filter(
        expired_connection=connection, expired_channel=Channel.SCIM.value, expired_at__gte=Now() - WINDOW
    )
    if len(expired.order_by("expired_at").values_list("pk")[: limits.least]) < limits.least:
        return  # the usual case, in one statement
    now = database_now()
    latest = Burst.objects.filter(connection=connection).order_by("-last_at").first()
    since = now - WINDOW
    if latest is not None and latest.settled_at is not None:
        since = max(since, latest.settled_at)
    expired = expired.filter(expired_at__gte=since)
    gone = expired[: limits.people].count()
    if gone < limits.least:
        return
    # Without an order: PostgreSQL would sort everybody to count the first few.
    active = Identity.objects.filter(connection=connection, active=True, deleted_at__isnull=True).order_by()
    if gone < limits.threshold(gone + active.exclude(pk=identity.pk)[: limits.enough].count()):
        return
    if latest is not None and latest.settled_at is None and latest.last_at >= since:
        Burst.objects.filter(pk=latest.pk).update(last_at=now)
        return
    began_at = expired.order_by("expired_at").values_list("expired_at", flat=True)[0]
    assert began_at is not None  # noqa: S101 - told to mypy: these are expired
    Burst.objects.create(connection=connection, began_at=began_at, last_at=now)
    events.record(actor=actor, kind="connection.burst", subject=connection, changes={"deactivated": (None, gone)})
    facts = {"connection": connection.slug, "deactivated": gone, "reference": actor.request_id}
    transaction.on_commit(partial(log.warning, "burst of deactivations", extra=facts))


@in_one_transaction
def unexpire_burst(*, actor: Actor, burst_id: UUID, reason: str) -> BurstPlan:
    """Unexpire those of a burst whom the IdP calls active again; return what was done. Raises `NotFound`.

    The burst is settled where nobody is left of it. A constant number of statements.
    """
    burst = _locked(burst_id)
    list(people_of(burst).select_for_update(no_key=True).values_list("pk"))
    plan = plan_of(burst, guarded_too=may_touch_guarded(actor))
    unexpire_together(actor=actor, users=plan.unexpires, connection=burst.connection, reason=reason)
    left = len(plan.changed) + len(plan.guarded) + len(plan.inactive)
    _tell(actor=actor, burst=burst, kind="unexpired", reason=reason, unexpired=len(plan.unexpires), left=left)
    if not left:
        _settle(burst)
    return plan


@in_one_transaction
def settle_burst(*, actor: Actor, burst_id: UUID, reason: str) -> None:
    """Leave it at that: the deactivations were meant. Whoever is expired stays so. Raises `NotFound`."""
    burst = _locked(burst_id)
    _settle(burst)
    _tell(actor=actor, burst=burst, kind="settled", reason=reason, left=people_of(burst).count())


def _settle(burst: Burst) -> None:
    burst.settled_at = database_now()
    burst.save(update_fields=["settled_at"])


def _tell(*, actor: Actor, burst: Burst, kind: str, reason: str, **counts: int) -> None:
    told = {"began_at": (None, burst.began_at), **{name: (None, count) for name, count in counts.items()}}
    events.record(actor=actor, kind=f"connection.burst_{kind}", subject=burst.connection, changes=told, reason=reason)


def _locked(burst_id: UUID) -> Burst:
    customer_id = Burst.objects.filter(pk=burst_id).values_list("connection__customer_id", flat=True).first()
    if customer_id is None:
        raise NotFound("There is no such burst.")
    lock_customer(customer_id)
    return Burst.objects.select_related("connection").get(pk=burst_id)
