"""Accept the IdP's values where no channel may write them (R18)."""

from collections.abc import Collection
from uuid import UUID

from core_identity.brand import BRAND
from core_identity.errors import NameTaken, NotAllowed, NotFound
from core_identity.event_kinds import EventKind
from core_identity.keys import key
from core_identity.models import User
from core_identity.selectors.drift import UID, drift_in
from core_identity.services import events
from core_identity.services.conflicts import close_outdated_conflicts
from core_identity.services.links import give_uid
from core_identity.services.locks import lock_identity
from core_identity.services.permissions import require_superuser
from core_identity.services.transactions import in_one_transaction
from core_identity.services.users import free_email
from core_identity.values import Actor


@in_one_transaction
def accept_drift(
    *, actor: Actor, user_id: UUID, identity_id: UUID, fields: Collection[str], reason: str
) -> dict[str, tuple[str, str]]:
    """Copy the IdP's values of ``fields`` (`core_identity.selectors.drift.FIELDS`) to the user. Return (before, after) of each.

    An email stays unique inside the customer (R16), a username everywhere (R8), a UID in its connection. Another UID ends the sessions of the
    identity. Raises `NotFound`; `NotAllowed` for a field without a difference; `NameTaken`, `InvalidValue`. After an error nothing is changed.
    """
    identity = lock_identity(identity_id)
    user = identity.user
    if user.pk != user_id:
        raise NotFound("This identity no longer belongs to this user.")
    require_superuser(actor, [user])
    drift = {one.field: one for one in drift_in(identity)}
    if not fields or not drift.keys() >= set(fields):
        agreed = ", ".join(sorted(set(fields) - drift.keys()))
        if not agreed:
            raise NotAllowed("Name at least one field.")
        raise NotAllowed(f"{identity.connection} and {BRAND} have the same value for {agreed}.")
    changes = {field: (drift[field].core_value, drift[field].idp_value) for field in sorted(fields)}
    for field, (_, value) in changes.items():
        if field == UID:
            give_uid(actor=actor, identity=identity, uid=value)
        else:
            _set(user, field, value)
    user.save(update_fields=["email_key", "username_key", *(field for field in changes if field != UID)])
    events.record(
        actor=actor,
        kind=EventKind.USER_DRIFT_ACCEPTED,
        subject=user,
        connection=identity.connection,
        changes=changes,
        reason=reason,
    )
    close_outdated_conflicts(actor=actor, user=user)
    return changes


def _set(user: User, field: str, value: str) -> None:
    if field == "email":
        value = free_email(value, customer=user.customer, but=user, shared=user.email_shared)
        user.email_key = key(value)
    if field == "username":
        if User.objects.filter(username_key=key(value)).exclude(pk=user.pk).exists():
            raise NameTaken(f"The username {value!r} is taken.")
        user.username_key = key(value)
    setattr(user, field, value)
