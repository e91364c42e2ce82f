"""Read conflicts, and what they are about (R9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import QuerySet

from core_identity.brand import BRAND
from core_identity.keys import key
from core_identity.models import Conflict, Identity
from core_identity.models.conflict import ConflictState
from core_identity.values import Cause


def closed_conflicts(now: datetime) -> QuerySet[Conflict]:
    """Return the conflicts that nobody needs any more: closed, and neither met nor decided within ``CLOSED_CONFLICT_DAYS`` before ``now`` (aware).

    *Different people* is never among them, because later pushes depend on that decision. Nor is *same person* until a message has used it.
    """
    if not settings.CLOSED_CONFLICT_DAYS:
        return Conflict.objects.none()
    before = now - timedelta(days=settings.CLOSED_CONFLICT_DAYS)
    over = (ConflictState.GONE, ConflictState.SAME_PERSON, ConflictState.DISMISSED)
    return Conflict.objects.filter(state__in=over, let_through=False, last_at__lt=before, resolved_at__lt=before)


def is_exchange_of_names(conflict: Conflict) -> bool:
    """Whether the people of this conflict exchanged their userNames at the IdP, in a pair or in a ring. One query.

    Then each person is in the way of the next one. No push can succeed first, and no decision of an administrator helps.
    """
    if conflict.cause != Cause.USER_NAME or conflict.subject is None:
        return False
    renames = Conflict.objects.filter(
        connection=conflict.connection_id, cause=Cause.USER_NAME, state=ConflictState.OPEN, subject__isnull=False
    )
    in_the_way = dict(renames.values_list("subject__user_id", "other_id"))
    user, seen = conflict.other_id, set()
    while user in in_the_way and user not in seen and user != conflict.subject.user_id:
        seen.add(user)
        user = in_the_way[user]
    return user == conflict.subject.user_id


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a side. ``agrees``: the other side has the same value for this name, as compared."""

    side: str
    value: str
    agrees: bool


@dataclass(frozen=True, slots=True)
class Sides:
    """The message and the user in the way, side by side: ``rows`` has a name and one cell for each of ``headings``."""

    headings: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


_FIELDS: Final = {
    "userName": ("user_name", "username"),
    "NameID": ("name_id", ""),
    "email": ("email", "email"),
    "UID": ("uid", ""),
    "externalId": ("external_id", ""),
    "first name": ("given_name", "first_name"),
    "last name": ("family_name", "last_name"),
}
"""Names of values, each with the field of messages and identities, and the field of users."""
_ONE_NAME: Final = frozenset({"user_name", "name_id", "email"})


def sides_of(conflict: Conflict) -> Sides:
    """Return the values of the message beside those of the other user: as CORE has them, and as each IdP sends them. Two queries."""
    identities = list(conflict.other.identities.select_related("connection").prefetch_related("uids"))
    headings = ["In the message", f"In {BRAND}", *(f"From {identity.connection.name}" for identity in identities)]
    columns = [
        {field: str(conflict.sent_values.get(field) or "") for field, _ in _FIELDS.values()},
        {field: str(getattr(conflict.other, of_user)) if of_user else "" for field, of_user in _FIELDS.values()},
        *({field: _value_of(identity, field) for field, _ in _FIELDS.values()} for identity in identities),
    ]
    rows = []
    for label, (field, _) in _FIELDS.items():
        values = [column[field] for column in columns]
        if any(values):
            agree = [_agrees(field, value, columns[:1] if side else columns[1:]) for side, value in enumerate(values)]
            rows.append((label, [Cell(*cell) for cell in zip(headings, values, agree, strict=True)]))
    return Sides(headings, rows)


def _agrees(field: str, value: str, others: Sequence[Mapping[str, str]]) -> bool:
    """Whether the other side has one of the values of a cell. A userName, a NameID and an email can be the same name (R9)."""
    fields = _ONE_NAME if field in _ONE_NAME else {field}
    known = {key(one) for column in others for name in fields for one in column[name].split(", ")}
    return any(key(one) in known for one in value.split(", ") if one)


def _value_of(identity: Identity, field: str) -> str:
    if field != "uid":
        return getattr(identity, field) or ""
    return ", ".join(uid.uid for uid in identity.uids.all())
