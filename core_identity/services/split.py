"""Split one user into two, because an identity belongs to another person (R24)."""

from uuid import UUID

from core_identity.attributes import SOURCES
from core_identity.errors import NotAllowed, NotFound
from core_identity.event_kinds import EventKind
from core_identity.models import Grant, Identity, User
from core_identity.services import conflicts, events, groups
from core_identity.services.grants import end_these
from core_identity.services.identities import make_user, save_identity
from core_identity.services.locks import lock_customer, lock_user
from core_identity.services.permissions import require_superuser
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor, Channel, Person


@in_one_transaction
def split_off(*, actor: Actor, identity_id: UUID, reason: str) -> User:
    """Move an identity to a new user of its own, because it belongs to another person (R24). The expired user stays expired.

    Only the grants from the identity's own push groups move. Grants from its sign-ins end, and its next sign-in gives them again. A resolution
    *different people* permits both users to share a name (R9). Raises `NotFound`, `NotAllowed`.
    """
    found = Identity.objects.select_related("connection").filter(pk=identity_id).first()
    if found is None:
        raise NotFound("There is no such identity.")
    lock_customer(found.connection.customer_id)
    old = lock_user(found.user_id)
    identity = (
        Identity.objects.select_for_update(of=("self",), no_key=True).select_related("connection").get(pk=identity_id)
    )
    require_superuser(actor, [old])
    if old.expired_at is None:
        raise NotAllowed("Only the identity of an expired user can be given to another person.")
    if old.erased_at is not None:
        raise NotAllowed("The identity of an erased person cannot move. Release its UID instead.")
    groups.drop_grants(actor=actor, identity=identity)
    by_sign_in = Grant.objects.filter(user=old, channel=Channel.SSO.value, connection=identity.connection)
    end_these(actor=actor, grants=by_sign_in, reason=reason)
    person = Person(email=identity.email, **{source: getattr(identity, source) for source in SOURCES})
    new = make_user(
        actor=actor,
        connection=identity.connection,
        person=person,
        username=identity.user_name or identity.email or identity.name_id,
        email_shared=True,
    )
    identity.user = new
    identity.session_epoch += 1
    identity.reactivation_requested_at = None
    save_identity(identity)
    moved = {"user": (old.username, new.username)}
    for whose in (old, new):
        events.record(
            actor=actor,
            kind=EventKind.IDENTITY_SPLIT_OFF,
            subject=identity,
            user_id=whose.pk,
            changes=moved,
            reason=reason,
        )
    conflicts.store_different_people(actor=actor, identity=identity, other=old, reason=reason)
    groups.follow_identity(actor=actor, identity=identity)
    return new
