"""Pages by cursor (RFC 9865): every page costs the same, and no row is skipped between two pages.

A cursor is signed and opaque. It contains the position of the next page, and the connection and query that it belongs to.
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
"""Django's own separator is a colon, but a cursor may contain only unreserved characters (RFC 9865 section 2)."""
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Question:
    """The query that a cursor belongs to. It is refused for any other."""

    connection: "Connection"
    resource_type: str
    filter: str | None

    @property
    def digest(self) -> str:
        identity_text = repr((str(self.connection.pk), self.resource_type, self.filter))
        return blake2s(identity_text.encode("utf-8", "replace"), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Place:
    """The position of a page: the creation time and primary key of the row before it. ``total`` was counted for the first page."""

    created_at: datetime
    pk: UUID
    total: int


def place_of(cursor: str, question: Question) -> Place | None:
    """Return the position of the page of a cursor; None for the first page. Raises `InvalidCursor`, `ExpiredCursor`."""
    if not cursor:
        return None
    created_at, pk, digest, total = _read(cursor)
    if digest != question.digest:
        raise InvalidCursor("This cursor was given for another list or filter. Begin again with an empty one.")
    return Place(datetime.fromisoformat(created_at), UUID(pk), total)


def after(rows: QuerySet[M], place: Place | None) -> QuerySet[M]:
    """Return those of ``rows`` that come after a position. The rows are in the order of their creation."""
    if place is None:
        return rows
    return rows.filter(created_at__gte=place.created_at).exclude(Q(created_at=place.created_at) & Q(pk__lte=place.pk))


def belongs_to(cursor: str, question: Question) -> bool:
    """Whether ``cursor`` belongs to this query. Raises as `place_of` does if it is not ours, or too old."""
    return bool(cursor) and _read(cursor)[2] == question.digest


def next_cursor(last: Any, question: Question, total: int) -> str:
    """Return the cursor of the page after ``last``, the last row of this one. ``total`` was counted for the first page."""
    return _SIGNER.sign_object((last.created_at.isoformat(), str(last.pk), question.digest, total))


def _read(cursor: str) -> tuple[str, str, str, int]:
    """Return the position (creation time, primary key), the digest of the query, and the count of the first page."""
    try:
        created_at, pk, digest, total = _SIGNER.unsign_object(cursor, max_age=CURSOR_SECONDS)
    except signing.SignatureExpired:
        raise ExpiredCursor("This cursor is too old. Begin again with an empty one.") from None
    except signing.BadSignature:
        raise InvalidCursor("This is not a cursor of this service. Begin again with an empty one.") from None
    return created_at, pk, digest, total
