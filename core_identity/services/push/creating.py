"""Apply a POST: create a person, or match it to an identity that CORE has already (R8a)."""

from dataclasses import dataclass, replace

from core_identity.errors import Duplicate
from core_identity.keys import key
from core_identity.models import Connection, Identity
from core_identity.policy import matching
from core_identity.policy.matching import Decision, Verb
from core_identity.policy.wording import ActiveMeans, in_words
from core_identity.selectors.newcomers import is_newcomer, locked_keys
from core_identity.selectors.stored import resource_row_of
from core_identity.services import events
from core_identity.services.conflicts import close_conflicts_of_message
from core_identity.services.identities import free_username, known_values, require_user_name
from core_identity.services.locks import lock_channel, lock_newcomer, locked_with_user
from core_identity.services.push.following import follow_push, make_identity
from core_identity.services.push.locating import conflict_of_keys, offered_as, owner_of_uid, push_of
from core_identity.services.push.outcomes import Outcome
from core_identity.services.transactions import in_one_transaction
from core_identity.services.uniqueness import is_confirmed, require_free_email, require_free_name
from core_identity.values import Actor, Person


@in_one_transaction
@events.together()
def create_newcomer(*, actor: Actor, connection: Connection, person: Person) -> Outcome | None:
    """Create a person if nothing in CORE resembles them, side by side with other new people. Return None if this is not certain."""
    lock_newcomer(connection.customer_id, locked_keys(connection, person))
    if not is_newcomer(connection, person):
        return None
    return _create(actor=actor, connection=connection, person=person, username=require_user_name(person))


def create_or_match(*, actor: Actor, connection: Connection, person: Person) -> Outcome:
    """Apply a POST under the lock of the customer. Raises `Duplicate`, `Conflict`, or `NameHeld` of `core_identity.services.uniqueness`."""
    lock_channel(connection)
    facts = _gather(connection, person)
    decision = _decide(connection, person, facts)
    _refuse(decision, connection, person, facts)
    if facts.identity is None or facts.identity.deleted_at is not None or not facts.has_same_name:
        require_free_name(actor=actor, connection=connection, person=person, subject=facts.identity)
    if facts.identity is None:
        return _create_under_lock(actor=actor, connection=connection, person=person)
    return _match(actor=actor, connection=connection, person=person, decision=decision, facts=facts)


@dataclass(frozen=True, slots=True)
class _Facts:
    """The identities with the keys of a POST, and its UID.

    ``subject`` has the externalId, or an administrator offered it under the userName (R10). ``owner`` has the UID. If the message contains no UID,
    ``uid`` is its userName and ``derived`` is true (R6).
    """

    user_name: str
    uid: str | None
    derived: bool
    subject: Identity | None
    owner: Identity | None

    @property
    def identity(self) -> Identity | None:
        """The identity that the message may be about. None: the person is new."""
        return self.subject or self.owner

    @property
    def has_same_name(self) -> bool:
        return self.identity is not None and key(self.user_name) == self.identity.user_name_key


def _gather(connection: Connection, person: Person) -> _Facts:
    """Read and lock the identities with the keys of the message."""
    user_name, subject = require_user_name(person), None
    if person.external_id:
        subject = locked_with_user(Identity.objects.filter(connection=connection, external_id=person.external_id))
    uid, derived = matching.uid_to_read(person, creating=subject is None)
    owner = owner_of_uid(connection, uid)
    former = known_values(owner) if derived else None
    if former and matching.gives_up_derived(former, user_name_key=key(user_name), external_id=person.external_id):
        owner = None
    if subject is None and owner is None:
        subject = offered_as(connection, user_name)
    return _Facts(user_name, uid, derived, subject, owner)


def _decide(connection: Connection, person: Person, facts: _Facts) -> Decision:
    """Ask the policy. An administrator's decision *same person* counts for one message (R9)."""
    push = push_of(
        connection,
        Verb.POST,
        person,
        subject=facts.subject,
        owner=facts.owner,
        uid=facts.uid,
        uid_derived=facts.derived,
    )
    decision = matching.decide_push(push)
    if decision in {Decision.CONFLICT, Decision.DUPLICATE} and is_confirmed(connection, person):
        return matching.decide_push(replace(push, confirmed=True))
    return decision


def _refuse(decision: Decision, connection: Connection, person: Person, facts: _Facts) -> None:
    if decision is Decision.CONFLICT:
        raise conflict_of_keys(connection, person, subject=facts.subject, owner=facts.owner)
    if decision is Decision.DUPLICATE:
        raise Duplicate(f"A user with the userName {facts.user_name!r} is already provisioned by this connection.")


def _create_under_lock(*, actor: Actor, connection: Connection, person: Person) -> Outcome:
    """Create a person who has something in common with others, for example an address that they may share."""
    shared = require_free_email(connection=connection, person=person)
    username = free_username(require_user_name(person))
    created = _create(actor=actor, connection=connection, person=person, username=username, email_shared=shared)
    close_conflicts_of_message(actor=actor, identity=created.identity, person=person)
    return created


def _match(*, actor: Actor, connection: Connection, person: Person, decision: Decision, facts: _Facts) -> Outcome:
    """Apply the message to the identity that it is about."""
    identity, before = facts.identity, known_values(facts.identity)
    assert identity is not None and before is not None  # noqa: S101, PT018 - the caller creates new people
    if identity.pushed_at is None:
        require_free_email(connection=connection, person=person, subject=identity)
    notes = follow_push(
        actor=actor,
        connection=connection,
        identity=identity,
        person=person,
        uid=None if facts.derived else facts.uid,
        decision=decision,
        was_live=before.is_live_and_not_expired,
    )
    return Outcome(decision, identity, created=True, notes=notes)


def _create(
    *, actor: Actor, connection: Connection, person: Person, username: str, email_shared: bool = False
) -> Outcome:
    uid, derived = matching.uid_to_read(person, creating=True)
    identity = make_identity(
        actor=actor,
        connection=connection,
        person=person,
        username=username,
        uid=uid or username,
        derived=derived,
        email_shared=email_shared,
    )
    inactive = ActiveMeans.NEVER_EXPIRED if person.active is False else None
    notes = in_words(Decision.CREATE, noted=(), followed=(), active=inactive)
    return Outcome(Decision.CREATE, identity, created=True, notes=notes, resource_row=resource_row_of(identity))
