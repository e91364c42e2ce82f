"""Which identity a message speaks of, and what may be done with it: the tables of R8a (pushes) and R8b (sign-ins).

Everything here is decided from values that the caller has read under its locks; nothing is looked up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from core_identity.values import Person


class Decision(StrEnum):
    """What a push leads to. The values stand in events and logs."""

    CREATE = "create"  # a new identity and a new user, after R9
    APPLY = "apply"  # the identity follows what was said
    RELINK = "relink"  # apply, and the current UID moves
    REVIVE = "revive"  # apply to an identity that was deleted, inactive or renamed; answered with its old id
    ADOPT = "adopt"  # apply to an identity that only SSO knew until now
    CLAIM = "claim"  # apply to a user whom an administrator offered to the connection (R10)
    DRIFT = "drift"  # apply all but the UID, which stays and is noted
    DUPLICATE = "duplicate"  # plain 409: already here, nothing in doubt
    CONFLICT = "conflict"  # 409: two people would become one, or one two


class Verb(StrEnum):
    POST = "POST"
    CHANGE = "PUT/PATCH"


class Subject(StrEnum):
    """What the externalId, or the id of the URL, leads to (X of R8a)."""

    UNKNOWN = "externalId unknown or absent"
    KNOWN = "externalId is X's"
    EQUAL = "externalId equal"
    UNSAID = "externalId absent, or X has none yet"
    DIFFERS = "externalId differs"


class Uid(StrEnum):
    """Whose the UID is that was sent."""

    FREE = "UID free"
    OWN = "UID is X's (now or formerly), or not sent"
    OTHERS = "UID is another's"


@dataclass(frozen=True, slots=True)
class Known:
    """What a connection knows of one of its identities now; names as `core_identity.keys.key` makes them."""

    external_id: str | None = None
    user_name_key: str | None = None
    name_id_key: str = ""
    email_key: str = ""
    active: bool = True
    deleted: bool = False
    pushed: bool = True
    offered: bool = False
    derived: bool = False

    @property
    def is_resource(self) -> bool:
        """Whether it stands under /Users: pushed at least once, or offered, and not deleted."""
        return (self.pushed or self.offered) and not self.deleted


@dataclass(frozen=True, slots=True)
class Push:
    """One SCIM message with the two identities that it may speak of.

    ``subject`` is X, found by id (PUT, PATCH) or externalId (POST; or by userName where an administrator offered it, R10); ``owner`` is who holds
    the UID that was sent, or for want of one on a create, the userName (R6). ``owner_is_subject`` tells that both are the same identity.
    ``confirmed``: an administrator said of this UID and externalId that it is the same person (R9). ``rekeying``: the connection is in re-key (R3).
    """

    verb: Verb
    external_id: str | None
    uid_sent: bool
    user_name_key: str | None
    email_key: str
    subject: Known | None
    owner: Known | None
    owner_is_subject: bool = False
    confirmed: bool = False
    rekeying: bool = False


def classify(push: Push) -> tuple[Subject, Uid]:
    """Place a push in the table: its line and its column."""
    if push.owner_is_subject or (push.subject is not None and not push.uid_sent):
        uid = Uid.OWN
    elif push.owner is not None:
        uid = Uid.OTHERS
    else:
        uid = Uid.FREE
    if push.verb is Verb.POST:
        return (Subject.UNKNOWN if push.subject is None else Subject.KNOWN), uid
    assert push.subject is not None, "a change is always about one identity"  # noqa: S101 - the caller's duty, not wire data
    if not push.external_id or push.subject.external_id is None:
        return Subject.UNSAID, uid
    return (Subject.EQUAL if push.external_id == push.subject.external_id else Subject.DIFFERS), uid


def _another_holds_the_uid(push: Push) -> Decision:
    """POST of an unknown externalId with a UID that is here already."""
    other = push.owner
    assert other is not None  # noqa: S101
    nobody_says_external_id = not push.external_id and other.external_id is None
    same_name = push.user_name_key is not None and push.user_name_key == other.user_name_key
    if not other.pushed:
        return Decision.ADOPT if push.confirmed or marks_agree(push, other) else Decision.CONFLICT
    if push.confirmed or (push.rekeying and same_name and _is_live(other)):
        return Decision.REVIVE
    if not (nobody_says_external_id and same_name):
        return Decision.CONFLICT
    return Decision.REVIVE if other.deleted else Decision.DUPLICATE


def _posted_again(push: Push) -> Decision:
    """POST of an externalId that is here already, with its own UID or none."""
    subject = push.subject
    assert subject is not None  # noqa: S101
    if not subject.pushed:
        return Decision.ADOPT
    again = _is_live(subject) and push.user_name_key == subject.user_name_key and not push.confirmed
    return Decision.DUPLICATE if again else Decision.REVIVE


def _posted_with_a_new_uid(push: Push) -> Decision:
    """POST of somebody known, by externalId or by an offer, with a UID that nobody has."""
    return Decision.CLAIM if push.subject is not None and push.subject.offered else Decision.RELINK


def _unsaid_and_free(push: Push) -> Decision:
    """A new UID without the externalId as evidence: taken by who was offered and has none (R10), and a derived one gives way (R6)."""
    assert push.subject is not None  # noqa: S101
    if push.subject.offered:
        return Decision.CLAIM
    return Decision.RELINK if push.subject.derived else Decision.DRIFT


def _said_another_external_id(push: Push) -> Decision:
    """Another externalId for somebody known: only while the connection is in re-key, where UID and userName agree (R3)."""
    assert push.subject is not None  # noqa: S101
    same_name = push.user_name_key == push.subject.user_name_key
    return Decision.APPLY if push.rekeying and same_name and _is_live(push.subject) else Decision.CONFLICT


def _is_live(known: Known) -> bool:
    return known.active and not known.deleted


Cell = Decision | Callable[[Push], Decision]

TABLE: dict[tuple[Verb, Subject], dict[Uid, Cell]] = {
    (Verb.POST, Subject.UNKNOWN): {
        Uid.FREE: Decision.CREATE,
        Uid.OWN: Decision.CREATE,  # not sent: the caller has read the userName as UID, so this cell is never met
        Uid.OTHERS: _another_holds_the_uid,
    },
    (Verb.POST, Subject.KNOWN): {
        Uid.FREE: _posted_with_a_new_uid,
        Uid.OWN: _posted_again,
        Uid.OTHERS: Decision.CONFLICT,
    },
    (Verb.CHANGE, Subject.EQUAL): {
        Uid.FREE: Decision.RELINK,
        Uid.OWN: Decision.APPLY,
        Uid.OTHERS: Decision.CONFLICT,
    },
    (Verb.CHANGE, Subject.UNSAID): {
        Uid.FREE: _unsaid_and_free,
        Uid.OWN: Decision.APPLY,
        Uid.OTHERS: Decision.CONFLICT,
    },
    (Verb.CHANGE, Subject.DIFFERS): {
        Uid.FREE: Decision.CONFLICT,
        Uid.OWN: _said_another_external_id,
        Uid.OTHERS: Decision.CONFLICT,
    },
}
"""R8a, cell by cell. Over all lines ``active: false`` goes first (R23), and the userName must pass R9; both are the caller's."""


def decide_push(push: Push) -> Decision:
    """Return what R8a says of ``push``."""
    line, column = classify(push)
    cell = TABLE[push.verb, line][column]
    return cell if isinstance(cell, Decision) else cell(push)


def marks_agree(push: Push, other: Known) -> bool:
    """Whether a push may adopt ``other``, which only SSO knew (R8b): the externalId decides alone where both know it, else a name must agree."""
    if push.external_id and other.external_id:
        return push.external_id == other.external_id
    return _a_name_agrees(other, name_key=push.user_name_key or "", email_key=push.email_key)


class SignIn(StrEnum):
    """What a verified assertion leads to (R8b)."""

    ENTER = "enter"  # the UID is known and a mark agrees
    TAKE_OVER_DERIVED = "take_over_derived"  # the NameID is the userName from which SCIM's derived UID was made (R6)
    CLAIM = "claim"  # the NameID is the userName of somebody whom an administrator offered (R10)
    MOVE_UID = "move_uid"  # in re-key externalId and NameID agree: the UID follows (R3)
    CREATE = "create"  # nobody has this UID: a new user, after R9
    NO_MARK = "no_mark"  # the UID is known, and nothing else agrees
    CONFLICT = "conflict"  # the externalId in the assertion belongs to another identity


@dataclass(frozen=True, slots=True)
class Assertion:
    """The keys of one verified assertion with the identities that they lead to.

    ``owner`` holds the UID; ``named`` is the pushed identity whose userName is the NameID; ``external`` the one with the asserted externalId.
    """

    external_id: str | None
    name_id_key: str
    email_key: str
    mark_waived: bool
    owner: Known | None
    named: Known | None = None
    external: Known | None = None
    rekeying: bool = False


def decide_sign_in(assertion: Assertion) -> SignIn:
    """Return what R8b says of ``assertion``. Never does an email or a NameID alone open anything."""
    owner = assertion.owner
    if owner is None:
        return _sign_in_with_a_free_uid(assertion)
    if assertion.external_id and owner.external_id:
        same_name = owner.user_name_key is not None and owner.user_name_key == assertion.name_id_key
        agreed = assertion.external_id == owner.external_id or (
            assertion.rekeying and same_name and _is_live(owner) and assertion.external is None
        )
        return SignIn.ENTER if agreed else SignIn.NO_MARK
    if assertion.external is not None:
        return SignIn.CONFLICT
    agreed = _a_name_agrees(owner, name_key=assertion.name_id_key, email_key=assertion.email_key)
    return SignIn.ENTER if agreed or assertion.mark_waived else SignIn.NO_MARK


def _sign_in_with_a_free_uid(assertion: Assertion) -> SignIn:
    """A derived UID gives way to it (R6), unless the externalId says that this is somebody else (R8b); an offer is claimed by it (R10)."""
    named, external = assertion.named, assertion.external
    gives_way = named is not None and named.derived and named.is_resource
    if named is not None and gives_way and named.external_id and assertion.external_id:
        return SignIn.TAKE_OVER_DERIVED if assertion.external_id == named.external_id else SignIn.CONFLICT
    if external is not None:
        same_name = external.user_name_key is not None and external.user_name_key == assertion.name_id_key
        return SignIn.MOVE_UID if assertion.rekeying and same_name and _is_live(external) else SignIn.CONFLICT
    if named is not None and named.offered:
        return SignIn.CLAIM
    return SignIn.TAKE_OVER_DERIVED if gives_way else SignIn.CREATE


def _a_name_agrees(known: Known, *, name_key: str, email_key: str) -> bool:
    """Whether the name or the email that a message gives is one by which the connection knows the identity now (R8b)."""
    held = {name for name in (known.user_name_key, known.name_id_key, known.email_key) if name}
    return bool(held & {name for name in (name_key, email_key) if name})


def uid_to_read(person: Person, *, creating: bool) -> tuple[str | None, bool]:
    """Return the UID by which to look, and whether it is derived: on a create without one, the userName (R6)."""
    if person.uid:
        return person.uid, False
    if creating and person.user_name:
        return person.user_name, True
    return None, False
