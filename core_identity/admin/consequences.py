"""The consequences of settings of a connection that give trust or end access: an administrator confirms them before they are saved."""

from collections.abc import Mapping
from typing import Final

from core_identity.models import Connection, Identity, User
from core_identity.models.connection import Mark, Reactivation
from core_identity.policy.expiry import UNEXPIRE_WINDOW
from core_identity.selectors.counts import MOST
from core_identity.templatetags.core_pages import or_more

_SENTENCES: Final[Mapping[tuple[str, object], str]] = {
    (
        "own_idp",
        True,
    ): "A sign-in through this connection carries the staff rights of its user. Staff with an identity here: {staff}. "
    "Only superusers can change the connection from then on.",
    ("own_idp", False): "Staff can no longer sign in through this connection. Staff with an identity here: {staff}.",
    ("uid_mark", Mark.WAIVED): "The UID alone opens an account. A person who can edit a UID at the identity provider "
    "can sign in as anybody of this connection.",
    ("uid_mark", Mark.REQUIRED): "A sign-in without a mark that agrees is refused, and opens a conflict.",
    (
        "reactivation",
        Reactivation.UNEXPIRE_OWN,
    ): "People whom this connection expired in the last {days} days, and whom the "
    "identity provider marks as active again, can sign in again at once, and no administrator looks first.",
}


def consequences(connection: Connection, changes: Mapping[str, object]) -> list[str]:
    """Return a sentence for each change that has one, in the order of the table above. ``changes`` are the new values by name."""
    sentences = [words for (name, value), words in _SENTENCES.items() if name in changes and changes[name] == value]
    return [words.format(staff=_staff_of(connection), days=UNEXPIRE_WINDOW.days) for words in sentences]


def _staff_of(connection: Connection) -> str:
    staff = Identity.objects.filter(connection=connection, user__in=User.objects.filter(is_staff=True))
    return or_more(staff.order_by()[: MOST + 1].count(), MOST)
