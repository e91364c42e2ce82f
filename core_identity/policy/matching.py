"""Decide whose identity a push is about, and what to do with it: the table of R8a.

This module decides from values that the caller has read under its locks, and looks nothing up. docs/reference/decisions.md is generated from
the table, including its words. If you change the table, a failing test shows the command that renews the page.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core_identity.policy.cases import Case, Cases, Verdict
from core_identity.values import Person


class Decision(Verdict):
    """The outcome of a push."""

    CREATE = "create", "create a new identity and a new user, if userName and email are free"
    APPLY = "apply", "change the identity as in the message"
    RELINK = "relink", "apply, and move the current UID"
    REVIVE = "revive", "apply to an identity that was deleted, inactive or renamed; the answer has its old id"
    ADOPT = "adopt", "apply to an identity that only SSO knew until now"
    CLAIM = "claim", "apply to a user whom an administrator offered to the connection"
    DRIFT = "drift", "apply everything except the new UID, which is stored as drift"
    DUPLICATE = "duplicate", "plain 409: already here, nothing in doubt"
    CONFLICT = "conflict", "409: two people would become one user, or one person two users"


KEYS: Final = ("uid", "external_id", "user_name")
"""The keys by which a push and an identity are compared; names of fields of a `Person`."""


def unsent_keys(sent: Person, is_patch: bool) -> frozenset[str]:
    """Return the keys that a PATCH does not contain; a PUT counts as containing all of them (R8a)."""
    return frozenset(name for name in KEYS if is_patch and getattr(sent, name) is None)


class Verb(StrEnum):
    POST = "POST"
    CHANGE = "PUT/PATCH"


class Subject(StrEnum):
    """The result of the search by externalId, or by the id of the URL (X of R8a)."""

    UNKNOWN = "externalId unknown or absent"
    KNOWN = "externalId is X's"
    EQUAL = "externalId is X's; or a PATCH omits it, and X has one, is live and is not expired"
    UNPROVED = "any other message without externalId, or X has none yet"
    DIFFERS = "externalId differs"


class Uid(StrEnum):
    """The owner of the UID in the message."""

    FREE = "UID free"
    OWN = "UID is X's (now or formerly), or not sent"
    OTHERS = "UID belongs to another"


@dataclass(frozen=True, slots=True)
class Known:
    """What a connection knows about one of its identities now; names as `core_identity.keys.key` makes them.

    ``uid_key`` is the current UID, ``drift_uid_key`` the UID that is stored as drift. If ``uid_needs_decision``, only an administrator may accept
    a new UID, because the drift was stored while the identity was not live, or because the connection itself unexpired the user (R8a, R22).
    """

    external_id: str | None = None
    user_name_key: str | None = None
    name_id_key: str = ""
    email_key: str = ""
    active: bool = True
    deleted: bool = False
    pushed: bool = True
    offered: bool = False
    derived: bool = False
    expired: bool = False
    uid_key: str = ""
    drift_uid_key: str = ""
    uid_needs_decision: bool = False

    @property
    def is_resource(self) -> bool:
        """Whether /Users shows it: pushed at least once, or offered, and not deleted."""
        return (self.pushed or self.offered) and not self.deleted

    @property
    def name(self) -> str:
        """The userName; before the first push the NameID, which counts as userName (R9). Empty if neither exists."""
        return self.user_name_key or ("" if self.pushed else self.name_id_key)

    @property
    def is_live(self) -> bool:
        """Whether it was active and not deleted before this message."""
        return self.active and not self.deleted

    @property
    def is_live_and_not_expired(self) -> bool:
        """The meaning of *live* for a PATCH without externalId, and if the externalId may change."""
        return self.is_live and not self.expired


@dataclass(frozen=True, slots=True)
class Push:
    """One SCIM message with the two identities that it may be about.

    ``subject`` is X, found by id (PUT, PATCH) or externalId (POST; or by userName if an administrator offered it, R10); ``owner`` is the owner
    of the UID that was sent, or, for a POST without a UID, of the userName (R6). ``owner_is_subject``: both are the same identity.
    ``uid_key`` is that UID as compared, empty if there is none.
    ``confirmed``: an administrator decided that this UID and externalId belong to the same person (R9).
    ``rekeying``: the connection is in re-key (R3).
    ``unsent`` names the keys in `KEYS` that a PATCH does not contain; empty for a POST or a PUT. An emptied key is contained.
    ``uid_derived``: the message contains no UID, and the userName was read as one (R6). ``external_id_taken``: another identity has the externalId.
    """

    verb: Verb
    external_id: str | None
    has_uid: bool
    user_name_key: str | None
    email_key: str
    subject: Known | None
    owner: Known | None
    owner_is_subject: bool = False
    confirmed: bool = False
    rekeying: bool = False
    uid_key: str = ""
    unsent: frozenset[str] = frozenset()
    uid_derived: bool = False
    external_id_taken: bool = False
    external_id_may_change: bool = False

    @property
    def x(self) -> Known:
        """The identity that a cell is about: X, or the owner of the UID if there is no X."""
        known = self.subject or self.owner
        assert known is not None, "only asked for cells with an identity"  # noqa: S101
        return known

    @property
    def same_name(self) -> bool:
        """Whether the userName that was sent is X's."""
        return self.user_name_key is not None and self.user_name_key == self.x.user_name_key

    @property
    def name_agrees(self) -> bool:
        """Whether the userName is X's, or a PATCH does not contain it."""
        return bool(self.x.name) and ("user_name" in self.unsent or self.user_name_key == self.x.name)

    @property
    def external_id_agrees(self) -> bool:
        """Whether the externalId is X's, or counts as X's because a PATCH does not contain it (R8a)."""
        if self.x.external_id is None:
            return False
        if "external_id" in self.unsent:
            return self.x.is_live_and_not_expired and not self.x.uid_needs_decision
        return self.external_id == self.x.external_id

    @property
    def agrees_twice(self) -> bool:
        """Whether UID and userName both are X's, and X is live (R3). A derived UID is the userName once more, so it is not a second key.

        A PATCH names X by id, so the keys that it does not contain agree.
        """
        uid_agrees = not self.uid_derived and (self.has_uid or ("uid" in self.unsent and bool(self.x.uid_key)))
        return uid_agrees and self.name_agrees and not self.x.derived and self.x.is_live

    @property
    def is_held_back(self) -> bool:
        """Whether this UID was stored as drift while X was not live: then only an administrator may accept it."""
        return self.x.uid_needs_decision and self.x.drift_uid_key == self.uid_key


def classify(push: Push) -> tuple[Subject, Uid]:
    """Place a push in the table: its line and its column."""
    if push.owner_is_subject or (push.subject is not None and not push.has_uid):
        uid = Uid.OWN
    elif push.owner is not None:
        uid = Uid.OTHERS
    else:
        uid = Uid.FREE
    if push.verb is Verb.POST:
        return (Subject.UNKNOWN if push.subject is None else Subject.KNOWN), uid
    assert push.subject is not None, "a change is always about one identity"  # noqa: S101 - the caller's duty, not wire data
    if push.external_id_agrees:
        return Subject.EQUAL, uid
    if not push.external_id or push.subject.external_id is None:
        return Subject.UNPROVED, uid
    return Subject.DIFFERS, uid


_ANOTHER_HOLDS_THE_UID: Final[Cases[Push, Decision]] = Cases(
    (
        Case(
            "the other came by SSO only, and a mark agrees or an administrator decided *same person*",
            lambda push: not push.x.pushed and (push.confirmed or marks_agree(push, push.x)),
            Decision.ADOPT,
        ),
        Case("the other came by SSO only", lambda push: not push.x.pushed, Decision.CONFLICT),
        Case("an administrator decided *same person*", lambda push: push.confirmed, Decision.REVIVE),
        Case(
            "the connection is in re-key, UID and userName are those of the other, which is live, and the UID is not derived",
            lambda push: push.rekeying and push.agrees_twice,
            Decision.REVIVE,
        ),
        Case(
            "no externalId on either side, and the other is deleted and had this userName",
            lambda push: _no_external_ids(push) and push.same_name and push.x.deleted,
            Decision.REVIVE,
        ),
        Case(
            "no externalId on either side, and the other has this userName",
            lambda push: _no_external_ids(push) and push.same_name,
            Decision.DUPLICATE,
        ),
    ),
    otherwise=Decision.CONFLICT,
)

_POSTED_AGAIN: Final[Cases[Push, Decision]] = Cases(
    (
        Case(
            "the externalId may change here, the userName is not X's, no UID or other mark agrees, and no administrator decided *same person*",
            lambda push: push.external_id_may_change and not push.confirmed and _only_external_id_agrees(push),
            Decision.CONFLICT,
        ),
        Case("SCIM never pushed X", lambda push: not push.x.pushed, Decision.ADOPT),
        Case(
            "X is live and has this userName, and no administrator decided *same person*",
            lambda push: push.x.is_live and push.same_name and not push.confirmed,
            Decision.DUPLICATE,
        ),
    ),
    otherwise=Decision.REVIVE,
)

_NEW_UID_WITH_EVIDENCE: Final[tuple[Case[Push, Decision], ...]] = (
    Case(
        "this UID was stored as drift while X was not live, and no administrator accepted it",
        lambda push: push.is_held_back,
        Decision.DRIFT,
    ),
    Case(
        "the externalId may change here, and the userName is not X's",
        lambda push: push.external_id_may_change and not push.name_agrees,
        Decision.CONFLICT,
    ),
)

_POSTED_WITH_A_NEW_UID: Final[Cases[Push, Decision]] = Cases(
    (
        Case("X is offered, and found by the userName", lambda push: push.x.offered, Decision.CLAIM),
        *_NEW_UID_WITH_EVIDENCE,
    ),
    otherwise=Decision.RELINK,
)

_CHANGED_WITH_A_NEW_UID: Final[Cases[Push, Decision]] = Cases(_NEW_UID_WITH_EVIDENCE, otherwise=Decision.RELINK)

_NEW_UID_WITHOUT_EVIDENCE: Final[Cases[Push, Decision]] = Cases(
    (
        Case("X is offered", lambda push: push.x.offered, Decision.CLAIM),
        Case("the UID of X is derived", lambda push: push.x.derived, Decision.RELINK),
    ),
    otherwise=Decision.DRIFT,
)

_ANOTHER_EXTERNAL_ID: Final[Cases[Push, Decision]] = Cases(
    (
        Case(
            "the connection is in re-key, nobody has the new externalId, X is live, UID and userName are X's or not contained in a PATCH, "
            "and the UID is not derived",
            lambda push: push.rekeying and not push.external_id_taken and push.agrees_twice,
            Decision.APPLY,
        ),
        Case(
            "the externalId may change here, nobody has the new one, X is live and not expired, and the message contains X's current, "
            "not derived UID and no other userName",
            lambda push: _external_id_may_change(push) and _contains_current_uid(push) and push.name_agrees,
            Decision.APPLY,
        ),
        Case(
            "the externalId may change here, nobody has the new one, X is live and not expired, and the message is a PATCH without UID and userName",
            lambda push: _external_id_may_change(push) and push.unsent >= {"uid", "user_name"},
            Decision.APPLY,
        ),
    ),
    otherwise=Decision.CONFLICT,
)


def _no_external_ids(push: Push) -> bool:
    return not push.external_id and push.x.external_id is None


def _only_external_id_agrees(push: Push) -> bool:
    other_mark = push.has_uid and (push.x.pushed or marks_agree(push, push.x))
    return not push.name_agrees and not other_mark


def _external_id_may_change(push: Push) -> bool:
    return push.external_id_may_change and not push.external_id_taken and push.x.is_live_and_not_expired


def _contains_current_uid(push: Push) -> bool:
    return bool(push.uid_key) and push.uid_key == push.x.uid_key and not push.x.derived


Cell = Decision | Cases[Push, Decision]

TABLE: Final[dict[tuple[Verb, Subject], dict[Uid, Cell]]] = {
    (Verb.POST, Subject.UNKNOWN): {
        Uid.FREE: Decision.CREATE,
        Uid.OWN: Decision.CREATE,  # not sent: the caller has read the userName as UID, so no message reaches this cell
        Uid.OTHERS: _ANOTHER_HOLDS_THE_UID,
    },
    (Verb.POST, Subject.KNOWN): {
        Uid.FREE: _POSTED_WITH_A_NEW_UID,
        Uid.OWN: _POSTED_AGAIN,
        Uid.OTHERS: Decision.CONFLICT,
    },
    (Verb.CHANGE, Subject.EQUAL): {
        Uid.FREE: _CHANGED_WITH_A_NEW_UID,
        Uid.OWN: Decision.APPLY,
        Uid.OTHERS: Decision.CONFLICT,
    },
    (Verb.CHANGE, Subject.UNPROVED): {
        Uid.FREE: _NEW_UID_WITHOUT_EVIDENCE,
        Uid.OWN: Decision.APPLY,
        Uid.OTHERS: Decision.CONFLICT,
    },
    (Verb.CHANGE, Subject.DIFFERS): {
        Uid.FREE: Decision.CONFLICT,
        Uid.OWN: _ANOTHER_EXTERNAL_ID,
        Uid.OTHERS: Decision.CONFLICT,
    },
}
"""R8a, cell by cell. The caller first applies ``active: false`` (R23) and checks the userName by R9."""


def decide_push(push: Push) -> Decision:
    """Return the decision of R8a for ``push``."""
    line, column = classify(push)
    cell = TABLE[push.verb, line][column]
    return cell.decide(push) if isinstance(cell, Cases) else cell


def marks_agree(push: Push, other: Known) -> bool:
    """Whether a push may adopt ``other``, which only SSO knew (R8b).

    The externalId alone decides if both sides have one and it cannot change. Otherwise a name must agree.
    """
    both = push.external_id and other.external_id
    if both and (push.external_id != other.external_id or not push.external_id_may_change):
        return push.external_id == other.external_id
    return name_agrees(other, name_key=push.user_name_key or "", email_key=push.email_key, uid_key=push.uid_key)


def name_agrees(known: Known, *, name_key: str, email_key: str, uid_key: str) -> bool:
    """Whether the name or the email that a message gives is one by which the connection knows the identity now (R8b).

    An email that is the UID itself (UID rule *email*) is not a mark: a person who can edit one can edit both.
    """
    known_names = {name for name in (known.user_name_key, known.name_id_key, known.email_key) if name}
    sent_names = {name_key, email_key if email_key != uid_key else ""}
    return bool(known_names & sent_names)


def gives_up_derived(holder: Known, *, user_name_key: str, external_id: str | None) -> bool:
    """Whether ``holder`` has only a UID derived from the userName that the person gives up to a push with another externalId (R6, R8)."""
    is_gone = not holder.is_live and bool(external_id) and external_id != holder.external_id
    return is_gone and holder.derived and holder.user_name_key == user_name_key


def uid_to_read(person: Person, *, creating: bool) -> tuple[str | None, bool]:
    """Return the UID to search for, and whether it is derived: for a POST without a UID it is the userName (R6)."""
    if person.uid:
        return person.uid, False
    if creating and person.user_name:
        return person.user_name, True
    return None, False
