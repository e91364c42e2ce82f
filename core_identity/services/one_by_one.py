"""Call a service for many rows, each in its own transaction. One refusal stops no other row."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from core_identity.errors import Busy, IdentityError


@dataclass(frozen=True, slots=True)
class Batch:
    """The result of a batch: ``refused`` counts the sentences of the services, ``last`` is the last row that was tried."""

    done: int
    refused: Mapping[str, int]
    last: UUID | None
    is_complete: bool


def one_by_one(rows: Iterable[UUID], act: Callable[[UUID], object], *, seconds: float) -> Batch:
    """Call ``act`` for each row until all are done or the time is over, at least for one. ``act`` is a service with its own transaction.

    Raises `Busy` if not even the first row gets its locks.
    """
    end = monotonic() + seconds
    done, refused, last = 0, Counter[str](), None
    for row in rows:
        if last is not None and monotonic() > end:
            return Batch(done, refused, last, is_complete=False)
        try:
            act(row)
            done += 1
        except Busy:
            if last is None:
                raise
            return Batch(done, refused, last, is_complete=False)
        except IdentityError as refusal:
            refused[refusal.message] += 1
        last = row
    return Batch(done, refused, last, is_complete=True)
