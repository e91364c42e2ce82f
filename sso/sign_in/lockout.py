"""Find the people who cannot sign in, because the IdP signs with a certificate that its connection does not know.

A message with an unknown signature proves nothing, so no name in it is stored (R34). Three facts are certain: when somebody signed in last, how many
messages were refused since, and who signed in before and not since. The refused messages may also come from a stranger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from core_identity.clock import Now
from core_identity.selectors.sign_ins import shown_last_sign_in, sign_ins
from sso.models import SignInRecord, SsoSession
from sso.sign_in.log import MOST_COUNTED, UNKNOWN_CERTIFICATE

if TYPE_CHECKING:
    from core_identity.models import Connection

LOOKED_AT: Final = 1_000
"""The newest sign-ins of a connection among which people are looked for."""
LISTED: Final = 30


@dataclass(frozen=True, slots=True)
class Lockout:
    """The messages with an unknown certificate since the last sign-in through a connection; ``refused`` ends at `MOST_COUNTED`."""

    last_sign_in: datetime | None
    refused: int
    since: datetime | None
    """The time of the first of these messages. None if no message was refused."""


@dataclass(frozen=True, slots=True)
class FormerSignIn:
    """The last sign-in of one person. ``session_until`` is the end of their open session. None if no session is open."""

    user_id: UUID
    at: datetime
    session_until: datetime | None


def lockout_of(connection: "Connection") -> Lockout:
    """Return the lockout of a connection. Two queries, each by an index of its own: one row, and `MOST_COUNTED` rows at most."""
    last = shown_last_sign_in(connection)
    refused = SignInRecord.objects.filter(UNKNOWN_CERTIFICATE, connection_slug=connection.slug)
    if last is not None:
        refused = refused.filter(at__gt=last)
    times = list(refused.order_by("-at").values_list("at", flat=True)[:MOST_COUNTED])
    return Lockout(last, len(times), times[-1] if times else None)


def former_sign_ins(connection: "Connection") -> Sequence[FormerSignIn]:
    """Return the people who signed in last through a connection, newest first. Two queries."""
    newest: dict[UUID, datetime] = {}
    for user_id, at in sign_ins(connection.pk).values_list("user_id", "at")[:LOOKED_AT]:
        if user_id is not None and len(newest) < LISTED:
            newest.setdefault(user_id, at)
    sessions = SsoSession.objects.filter(connection=connection, identity__user__in=newest, until__gt=Now())
    until = dict(sessions.order_by("until").values_list("identity__user", "until"))
    return [FormerSignIn(user_id, at, until.get(user_id)) for user_id, at in newest.items()]
