"""The reasons to look at a connection, for the banners and numbers of Home, and for the list behind them (R37)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core_identity.models import Connection
from core_identity.templatetags.core_pages import relative_time
from scim.home import Ending
from sso.home import LastSignIn
from sso.settings.trust_warnings import Severity, TrustWarning

SILENT: Final = timedelta(days=7)
"""A connection that was used before and not for so long needs a look."""

KINDS: Final = {
    "burst": "burst of deactivations",
    "certificate": "certificate or metadata",
    "key": "our SAML key",
    "token": "token or secret",
    "silent": "silent",
}
"""Each kind of look with its words, the most urgent first."""
TONES: Final = ("trouble", "attention")


@dataclass(frozen=True, slots=True)
class Look:
    """A reason to look at a connection. ``page`` is the name of the connection's page that settles it, and ``tone`` is one of `TONES`."""

    kind: str
    tone: str
    sentence: str
    page: str
    action: str = "Review"
    is_certain: bool = True
    """False if strangers can cause it, by a message that they send."""

    @property
    def words(self) -> str:
        return KINDS[self.kind]


@dataclass(frozen=True, slots=True)
class KindCount:
    """How many connections have a look of one kind."""

    kind: str
    words: str
    count: int


def looks_at(
    connection: Connection,
    *,
    has_burst: bool,
    trust: Sequence[TrustWarning],
    ending: Sequence[Ending],
    last_sign_in: LastSignIn | None,
    last_call: datetime | None,
    now: datetime,
) -> Iterator[Look]:
    """Yield the reasons to look at one connection at ``now`` (aware). Only a burst concerns a connection that is switched off."""
    if has_burst:
        sentence = "Unusually many people were deactivated at once."
        yield Look("burst", "trouble", sentence, "burst", "Review the burst")
    if not connection.enabled:
        return
    yield from _of_trust("certificate", "metadata", [one for one in trust if not one.is_ours])
    yield from _of_trust("key", "keys", [one for one in trust if one.is_ours])
    yield from _of_credentials(ending, now)
    if last_sign_in is not None and last_sign_in.refused_since is not None:
        since = relative_time(last_sign_in.refused_since, now)
        sentence = f"A message with an unknown certificate was refused {since}, and nobody has signed in since."
        yield Look("certificate", "attention", sentence, "locked-out", "Who is locked out", is_certain=False)
    signed_in_at = last_sign_in.at if last_sign_in is not None else None
    used = max((at for at in (signed_in_at, last_call) if at is not None), default=None)
    if used is not None and now - used > SILENT:
        sentence = f"No sign-in and no SCIM request for {(now - used).days} days."
        yield Look("silent", "attention", sentence, "overview", "Open it")


def count_by_kind(looks: Iterable[Sequence[Look]]) -> list[KindCount]:
    """Return the kinds that occur in the looks of connections, each with the number of these connections."""
    kinds = [{look.kind for look in of_one} for of_one in looks]
    counts = (KindCount(kind, words, sum(kind in one for one in kinds)) for kind, words in KINDS.items())
    return [one for one in counts if one.count]


def _of_credentials(ending: Sequence[Ending], now: datetime) -> Iterator[Look]:
    """Yield the look at tokens and secrets that end or ended, in the order of their ends."""
    if not ending:
        return
    first, *others = ending
    ended = sum(one.has_ended for one in others)
    soon = len(others) - ended
    sentence = f"{first.what} {'ended' if first.has_ended else 'ends'} {relative_time(first.ends_at, now)}."
    if ended:
        sentence += f" {ended} more ended."
    if soon:
        sentence += f" {soon} more end{'' if soon > 1 else 's'} soon."
    tone = min((one.tone for one in ending), key=TONES.index)
    yield Look("token", tone, sentence, "credentials", "Renew it")


def _of_trust(kind: str, page: str, warnings: Sequence[TrustWarning]) -> Iterator[Look]:
    if warnings:
        worst = max(warnings, key=lambda one: list(Severity).index(one.severity))
        tone = "trouble" if worst.severity is Severity.CRITICAL else "attention"
        yield Look(kind, tone, worst.sentence, page)
