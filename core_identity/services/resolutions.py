"""Apply an administrator's decision about a conflict (R9). Each decision is one transaction. The next message is then accepted."""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from core_identity.errors import NotAllowed, NotFound
from core_identity.event_kinds import EventKind
from core_identity.keys import clean_text, key
from core_identity.models import Conflict, Identity, IdentityUid, User
from core_identity.models.conflict import ConflictState
from core_identity.services import events
from core_identity.services.identities import accept_drift, save_identity, set_uid
from core_identity.services.links import releasable, release
from core_identity.services.locks import lock_customer
from core_identity.services.merge import merge, require_not_erased
from core_identity.services.permissions import require_superuser
from core_identity.services.transactions import in_one_transaction
from core_identity.services.uniqueness import users_with_name
from core_identity.values import Actor, Cause


@dataclass(frozen=True, slots=True)
class SamePerson:
    """The result of *same person*: the users in ``joined`` become ``kept``. ``keys_to_store`` are the keys of the message to store."""

    kept: User
    joined: tuple[User, ...]
    identity: Identity | None
    keys_to_store: tuple[str, ...]


def plan_same_person(conflict: Conflict) -> SamePerson:
    """Return which users would become one: those that the message names by id, externalId or UID, and the user in the way."""
    connection = conflict.connection
    named: list[Identity] = [] if conflict.subject is None else [conflict.subject]
    identities = Identity.objects.filter(connection=connection).select_related("user")
    if conflict.external_id:
        named += identities.filter(external_id=conflict.external_id)
    if conflict.uid_key:
        named += identities.filter(uids__uid_key=conflict.uid_key)
    users = list(dict.fromkeys([*(one.user for one in named), conflict.other]))
    kept, joined = users[0], tuple(users[1:])
    own = identities.filter(user__in=users)
    identity = next((one for one in named if one.user == kept), None) or own.filter(user=kept).first() or own.first()
    keys_to_store = tuple(
        name for name in ("uid", "external_id", "user_name", "name_id", "email") if conflict.sent_values.get(name)
    )
    return SamePerson(kept, joined, identity, keys_to_store)


@in_one_transaction
def same_person(*, actor: Actor, conflict_id: UUID, reason: str) -> User:
    """Merge the users that the message names with the user in the way, and store the keys of the message as marks. Return the user.

    Raises `NotFound`; `NotAllowed` if it is resolved already, or only a superuser may do it (R11).
    """
    conflict = _lock_conflict(conflict_id)
    plan = plan_same_person(conflict)
    require_superuser(actor, [plan.kept, *plan.joined])
    require_not_erased(plan.kept)
    for joined in plan.joined:
        merge(actor=actor, kept_id=plan.kept.pk, gone_id=joined.pk, reason=f"conflict resolved: {reason}")
    _store_marks(actor=actor, conflict=conflict, user=plan.kept)
    _resolve(actor=actor, conflict=conflict, state=ConflictState.SAME_PERSON, reason=reason, let_through=True)
    return plan.kept


@in_one_transaction
def different_people(*, actor: Actor, conflict_id: UUID, reason: str) -> None:
    """Keep both users. The new person may share the name or address, or gets the UID if its holder may lose it.

    Raises `NotFound`; `NotAllowed`, with the way out, if one connection could not distinguish the two.
    """
    conflict = _lock_conflict(conflict_id)
    require_superuser(actor, [conflict.other])
    obstacle = obstacle_to_different_people(conflict)
    if obstacle:
        raise NotAllowed(obstacle)
    if conflict.cause in {Cause.UID, Cause.NO_MARK}:
        row = IdentityUid.objects.filter(connection=conflict.connection, uid_key=conflict.uid_key).first()
        if row is not None:
            release(actor=actor, uid_id=row.pk, reason=f"conflict resolved: {reason}")
    _resolve(actor=actor, conflict=conflict, state=ConflictState.DIFFERENT_PEOPLE, reason=reason)


@in_one_transaction
def dismiss(*, actor: Actor, conflict_id: UUID, reason: str) -> None:
    """Keep the message refused, and take the conflict out of the list. Further messages are only counted. Raises `NotFound`, `NotAllowed`."""
    conflict = _lock_conflict(conflict_id)
    require_superuser(actor, [conflict.other])
    _resolve(actor=actor, conflict=conflict, state=ConflictState.DISMISSED, reason=reason)


def obstacle_to_different_people(conflict: Conflict) -> str:
    """Return why *different people* is not possible here, as a sentence with the way out. Empty if it is possible."""
    other = conflict.other
    match conflict.cause:
        case Cause.USER_NAME:
            here = Identity.objects.filter(connection=conflict.connection, user_name_key=conflict.value_key, user=other)
            if here.exists() and other in users_with_name(conflict.connection, conflict.value_key):
                return (
                    f"In one connection a userName belongs to one person, and {other} has it. Give one of the two another userName "
                    "at the identity provider, or expire and delete the one who left."
                )
        case Cause.UID | Cause.NO_MARK:
            row = IdentityUid.objects.filter(connection=conflict.connection, uid_key=conflict.uid_key).first()
            if row is None:
                return ""
            if not releasable(row):
                return (
                    f"A UID belongs to one person of a connection, and it is the current one of {other}, who is not expired. Send another "
                    f"{conflict.connection.uid_attribute} for one of the two, or expire {other} first."
                )
        case Cause.EXTERNAL_ID:
            return (
                f"The identity provider itself uses this id for {other}. It has to push the other person as a new one: "
                "unassign and assign them again in the app."
            )
    return ""


def _store_marks(*, actor: Actor, conflict: Conflict, user: User) -> None:
    """Store the values of the message in the user's identity in this connection, so that the next message finds its mark (R8b)."""
    values, connection = conflict.sent_values, conflict.connection
    identity = (
        Identity.objects.select_for_update(of=("self",), no_key=True)
        .select_related("connection", "user")
        .filter(connection=connection, user=user)
        .first()
    )
    is_new = identity is None
    if identity is None:
        # It is not pushed: the next push or sign-in adopts it by these marks.
        identity = Identity(connection=connection, user=user)
    changes: dict[str, tuple[object, object]] = {}

    def store(field: str, value: str | None) -> None:
        if value and value != getattr(identity, field):
            changes[field] = (getattr(identity, field), value)
            setattr(identity, field, value)

    store("external_id", values.get("external_id"))
    store("name_id", values.get("name_id") or (values.get("user_name") if identity.pushed_at is None else None))
    if values.get("uid"):
        accept_drift(identity, uid=values["uid"])
    if is_new or (conflict.cause == Cause.NO_MARK and not values.get("name_id")):
        store("email", values.get("email"))
    identity.name_id_key, identity.email_key = key(identity.name_id), key(identity.email)
    if is_new:
        identity.save(force_insert=True)
    else:
        save_identity(identity)
    events.record(actor=actor, kind=EventKind.IDENTITY_MARK_STORED, subject=identity, changes=changes)
    if values.get("uid"):
        set_uid(actor=actor, identity=identity, uid=values["uid"])
    elif conflict.uid_key and not IdentityUid.objects.filter(identity=identity, uid_key=conflict.uid_key).exists():
        # R6: without a UID the userName counts as one, so it must find this identity.
        current = not IdentityUid.objects.filter(identity=identity, current=True).exists()
        IdentityUid.objects.create(
            connection=connection,
            identity=identity,
            uid=values.get("user_name") or values["name_id"],
            uid_key=conflict.uid_key,
            current=current,
            derived=True,
        )


def _lock_conflict(conflict_id: UUID) -> Conflict:
    found = Conflict.objects.filter(pk=conflict_id).values_list("connection__customer_id", flat=True).first()
    if found is None:
        raise NotFound("There is no such conflict.")
    lock_customer(found)
    conflict = (
        Conflict.objects.select_for_update(of=("self",), no_key=True)
        .select_related("connection", "other", "subject__user")
        .get(pk=conflict_id)
    )
    if conflict.state not in {ConflictState.OPEN, ConflictState.DISMISSED}:
        raise NotAllowed(f"This conflict is closed already: {conflict.get_state_display()}.")
    return conflict


def _resolve(*, actor: Actor, conflict: Conflict, state: ConflictState, reason: str, let_through: bool = False) -> None:
    before = conflict.state
    conflict.state, conflict.let_through = state, let_through
    conflict.resolved_at, conflict.resolved_by = timezone.now(), actor.label[:300]
    conflict.reason = clean_text(reason, field="reason")
    conflict.save(update_fields=["state", "let_through", "resolved_at", "resolved_by", "reason"])
    events.record(
        actor=actor,
        kind=EventKind.CONFLICT_RESOLVED,
        subject=conflict,
        connection=conflict.connection,
        user_id=conflict.other_id,
        changes={"state": (before, state.value)},
        reason=reason,
    )
