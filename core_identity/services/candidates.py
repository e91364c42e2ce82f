"""Find the identities that a verified assertion may be about, and read what the policy compares, under locks (R8b)."""

from dataclasses import dataclass
from typing import Final

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Subquery, UUIDField

from core_identity.compiled import Compiled, Given
from core_identity.keys import key, message_keys
from core_identity.models import Conflict, Connection, Identity, IdentityUid
from core_identity.models.connection import Mark
from core_identity.models.identity import Loaded
from core_identity.policy.sign_in import Assertion, SignIn, email_as_mark
from core_identity.services.conflicts import PENDING
from core_identity.services.identities import current_uid, known_values
from core_identity.services.locks import lock_channel, locked_with_user
from core_identity.values import Person


@dataclass(frozen=True, slots=True)
class Candidates:
    """The identities to which the keys of an assertion lead.

    ``owner`` has the UID, and ``external`` is another identity with the asserted externalId. ``named`` has the NameID as its userName; it is
    searched for only if no identity has the UID. ``assertion`` contains the values for the policy.
    """

    owner: Identity | None
    external: Identity | None
    named: Identity | None
    assertion: Assertion

    def chosen_by(self, decision: SignIn) -> Identity:
        """Return the identity that a decision names. It must be one that opens an account."""
        chosen = {
            SignIn.ENTER: self.owner,
            SignIn.MOVE_UID: self.external,
            SignIn.TAKE_OVER_DERIVED: self.named,
            SignIn.CLAIM: self.named,
        }[decision]
        assert chosen is not None  # noqa: S101 - each of these decisions needs its identity
        return chosen


def find_candidates(connection: Connection, person: Person, *, whole_customer: bool) -> Candidates | None:
    """Lock and return the candidates of an assertion; with ``whole_customer``, lock the customer first.

    Return None if no identity has the UID and the customer is not locked: only under that lock is it certain.
    """
    if whole_customer:
        lock_channel(connection)
        owner = _owner_of_uid(connection, person.uid or "")
    else:
        owner = _known_person(connection, person)
        if owner is None:
            return None
    external = _external(connection, person, owner)
    named = None
    if owner is None and person.name_id:
        named = locked_with_user(Identity.objects.filter(connection=connection, user_name_key=key(person.name_id)))
    assertion = Assertion(
        external_id=person.external_id,
        name_id_key=key(person.name_id or ""),
        email_key=email_as_mark(person),
        mark_waived=connection.uid_mark == Mark.WAIVED,
        owner=known_values(owner),
        named=known_values(named),
        external=known_values(external),
        rekeying=connection.rekeying,
        uid_key=key(person.uid or ""),
        external_id_may_change=connection.external_id_may_change,
    )
    return Candidates(owner, external, named, assertion)


def _external(connection: Connection, person: Person, owner: Identity | None) -> Identity | None:
    """Return another identity with the asserted externalId. It is locked if no identity has the UID, because it may get the UID then."""
    if not person.external_id or (owner is not None and owner.external_id == person.external_id):
        return None
    others = Identity.objects.filter(connection=connection, external_id=person.external_id)
    return locked_with_user(others) if owner is None else others.exclude(pk=owner.pk).first()


def _row_of_uid() -> QuerySet[IdentityUid]:
    return IdentityUid.objects.filter(
        connection=Given("connection", UUIDField()), uid_key=Given("uid_key", CharField())
    ).order_by()


def _of_connection(field: str) -> Subquery:
    return Subquery(Connection.objects.filter(pk=Given("connection", UUIDField())).values(field))


# Each table is found by its primary key, which a sub-query gives. A join by other columns can become quadratic if PostgreSQL believes a table empty.
_KNOWN: Final = Compiled(
    lambda: (
        IdentityUid.objects.select_related("identity__user")
        .filter(
            pk=Subquery(_row_of_uid().values("pk")[:1]),
            identity=Subquery(_row_of_uid().values("identity")[:1]),
            identity__user=Subquery(_row_of_uid().values("identity__user")[:1]),
            uid_key=Given("uid_key", CharField()),
        )
        .annotate(
            connection_enabled=_of_connection("enabled"),
            connection_own_idp=_of_connection("own_idp"),
            conflict_pending=Exists(
                Conflict.objects.filter(
                    PENDING,
                    Q(subject=OuterRef("identity"))
                    | Q(other=OuterRef("identity__user"))
                    | Q(uid_key=Given("conflict_uid_key", CharField()), external_id=Given("external_id", CharField())),
                    connection=Given("connection", UUIDField()),
                )
            ),
        )
        .order_by()
        .select_for_update(of=("identity__user", "identity", "self"), no_key=True)
    )
)
"""The identity of a UID, with user, identity and UID locked. A row whose UID changed while the statement waited for the lock is not
returned."""


def _known_person(connection: Connection, person: Person) -> Identity | None:
    """Return the identity with this UID, locked. None if nobody has it, or if it has moved meanwhile. One query; two for a former UID."""
    keys = message_keys(person)
    found = _KNOWN.first(
        connection=connection.pk,
        uid_key=key(person.uid or ""),
        conflict_uid_key=keys.uid_key,
        external_id=keys.external_id,
    )
    if found is None:
        return None
    identity = found.identity
    identity.connection = connection
    connection.enabled = found.connection_enabled  # type: ignore[attr-defined]  # annotated
    connection.own_idp = found.connection_own_idp  # type: ignore[attr-defined]
    pending = found.conflict_pending  # type: ignore[attr-defined]
    identity.loaded = Loaded(
        uid_row=found if found.current else current_uid(identity),
        settled_keys=() if pending else {(keys.uid_key, keys.external_id)},
    )
    return identity


def _owner_of_uid(connection: Connection, uid: str) -> Identity | None:
    row = IdentityUid.objects.filter(connection=connection, uid_key=key(uid)).values_list("identity_id", flat=True)
    identity_id = row.first()
    if identity_id is None:
        return None
    owner = locked_with_user(Identity.objects.filter(pk=identity_id))
    # Before the lock, the UID may have moved to another identity: read again.
    return owner if owner is not None and owner.pk == row.first() else None
