"""Pages by cursor (RFC 9865): a deep page costs what the first one costs, and nothing slips between two pages.

A cursor is signed and opaque. It holds where the next page begins, and for which connection and question it was given.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2s
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import Model, Q, QuerySet

from scim.wire.errors import ExpiredCursor, InvalidCursor
from scim.wire.list_response import CURSOR_SECONDS

if TYPE_CHECKING:
    from core_identity.models import Connection

_SIGNER: Final = signing.TimestampSigner(salt="scim.cursor", sep=".")
"""Django's own separator is a colon. A cursor consists of unreserved characters only (RFC 9865 section 2)."""
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Question:
    """What a cursor belongs to: it is of no use for another list."""

    connection: "Connection"
    resource_type: str
    filter: str | None

    @property
    def digest(self) -> str:
        said = repr((str(self.connection.pk), self.resource_type, self.filter))
        return blake2s(said.encode("utf-8", "replace"), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Place:
    """The row before a page: when it was created, and its primary key. ``total`` was counted for the first page."""

    created_at: datetime
    pk: UUID
    total: int


def place_of(cursor: str, question: Question) -> Place | None:
    """Return where the page of a cursor begins, None for the first page. Raises `InvalidCursor`, `ExpiredCursor`."""
    if not cursor:
        return None
    made, pk, digest, total = _read(cursor)
    if digest != question.digest:
        raise InvalidCursor("This cursor was given for another list or filter. Begin again with an empty one.")
    return Place(datetime.fromisoformat(made), UUID(pk), total)


def after(rows: QuerySet[M], place: Place | None) -> QuerySet[M]:
    """Return of ``rows``, which are in the order of their creation, those of a page and all that follow."""
    if place is None:
        return rows
    return rows.filter(created_at__gte=place.created_at).exclude(Q(created_at=place.created_at) & Q(pk__lte=place.pk))


def belongs_to(cursor: str, question: Question) -> bool:
    """Whether a page of this question gave ``cursor``. Raises as `place_of` does if it is not one of ours, or too old."""
    return bool(cursor) and _read(cursor)[2] == question.digest


def next_cursor(last: Any, question: Question, total: int) -> str:
    """Return the cursor of the page after ``last``, the last row of this one. ``total`` was counted for the first page."""
    return _SIGNER.sign_object((last.created_at.isoformat(), str(last.pk), question.digest, total))


def _read(cursor: str) -> tuple[str, str, str, int]:
    """Return where the page begins (time of creation, primary key), the digest of the question, and the count of the first page."""
    try:
        made, pk, digest, total = _SIGNER.unsign_object(cursor, max_age=CURSOR_SECONDS)
    except signing.SignatureExpired:
        raise ExpiredCursor("This cursor is too old. Begin again with an empty one.") from None
    except signing.BadSignature:
        raise InvalidCursor("This is not a cursor of this service. Begin again with an empty one.") from None
    return made, pk, digest, total
