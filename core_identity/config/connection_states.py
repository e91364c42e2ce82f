"""All connections with a word for the state of each, and with the reasons to look at them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest

from core_identity.config.looks import SILENT, Look, looks_at
from core_identity.models import Connection
from core_identity.selectors.bursts import connections_with_a_burst, may_settle_bursts
from core_identity.selectors.home import connections
from scim.home import Ending, ending_credentials
from scim.last_calls import last_call_by_connection
from sso.home import LastSignIn, last_sign_in_by_connection
from sso.settings.trust_warnings import Severity, TrustWarning, trust_that_ends


@dataclass(frozen=True, slots=True)
class ConnectionState:
    connection: Connection
    tone: str
    word: str
    last_sign_in: datetime | None
    last_call: datetime | None
    looks: Sequence[Look] = ()


def connection_states(request: HttpRequest, now: datetime) -> list[ConnectionState]:
    """Return all connections with what needs a look at ``now`` (aware), those in trouble first. Six queries, however many there are."""
    known = connections()
    sign_ins = last_sign_in_by_connection(known)
    bursts = connections_with_a_burst() if may_settle_bursts(request.user) else set()
    return _states(known, dict(trust_that_ends(now)), ending_credentials(now), sign_ins, bursts, now)


def _states(
    known: Sequence[Connection],
    trust: Mapping[str, list[TrustWarning]],
    ending: Sequence[Ending],
    sign_ins: Mapping[str, LastSignIn],
    bursts: AbstractSet[UUID],
    now: datetime,
) -> list[ConnectionState]:
    """Return all connections, those in trouble first."""
    slugs = [connection.slug for connection in known]
    calls = last_call_by_connection(slugs)
    by_slug: dict[str, list[Ending]] = {}
    for one in ending:
        by_slug.setdefault(one.slug, []).append(one)
    states = []
    for connection in known:
        slug = connection.slug
        call = calls.get(slug)
        last = sign_ins.get(slug)
        signed_in_at = last.at if last else None
        tone, word = _state(connection, trust.get(slug, []), by_slug.get(slug, []), signed_in_at, call, now)
        if last and last.refused_since and tone != "trouble" and connection.enabled:
            tone, word = "attention", "Unknown certificate"
        if connection.pk in bursts and tone != "trouble" and connection.enabled:
            tone, word = "trouble", "Burst of deactivations"
        looks = looks_at(
            connection,
            has_burst=connection.pk in bursts,
            trust=trust.get(slug, []),
            ending=by_slug.get(slug, []),
            last_sign_in=last,
            last_call=call,
            now=now,
        )
        states.append(ConnectionState(connection, tone, word, signed_in_at, call, tuple(looks)))
    order = ("trouble", "attention", "fine", "plain")
    return sorted(states, key=lambda state: order.index(state.tone))


def _state(
    connection: Connection,
    trust: list[TrustWarning],
    ending: Sequence[Ending],
    last_sign_in: datetime | None,
    last_call: datetime | None,
    now: datetime,
) -> tuple[str, str]:
    used = max((moment for moment in (last_sign_in, last_call) if moment), default=None)
    if not connection.enabled:
        return "plain", "Switched off"
    if any(one.severity is Severity.CRITICAL and not one.is_ours for one in trust):
        return "trouble", "Certificate or metadata ended"
    if any(one.is_last for one in ending):
        return "trouble", "Token ended"
    if any(not one.is_ours for one in trust):
        return "attention", "Review the metadata"
    if trust:
        return "attention", "Look at our SAML key"
    if ending:
        return "attention", "Token ended" if ending[0].has_ended else "Token ends soon"
    if used is None:
        return "plain", "Not used yet"
    if now - used > SILENT:
        return "attention", f"Silent for {(now - used).days} days"
    return "fine", "Healthy"
