"""The start page of the administration: what needs a decision, what ends soon, and whether everything runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from core_identity.admin.connection_tabs import address_of
from core_identity.admin.connections import ConnectionAdmin
from core_identity.admin.setup_links import waiting_row
from core_identity.admin_kit.seen import page_of_group, seen_by
from core_identity.admin_kit.waiting import Waiting
from core_identity.config.charts import Chart, chart
from core_identity.models import Connection
from core_identity.policy.wording import CAUSES
from core_identity.portal.waiting import waiting_set_ups
from core_identity.selectors.bursts import may_settle_bursts, open_bursts
from core_identity.selectors.home import (
    SHOWN,
    connections,
    groups_without_a_role,
    open_conflicts,
    people,
    reactivation_requests,
)
from core_identity.selectors.log_hours import Activity, activities
from core_identity.selectors.users import break_glass_users
from core_identity.services.log_hours import count_finished_hours
from core_identity.services.password_events import alarms
from core_identity.templatetags.core_pages import relative_time
from core_identity.values import Cause
from scim.home import CALLS, Ending, LastCall, ending_credentials, last_call_by_connection
from sso.home import SIGN_INS, LastSignIn, last_sign_in_by_connection, latest_sign_ins
from sso.settings.trust_warnings import Severity, TrustWarning, trust_that_ends

SILENT: Final = timedelta(days=7)
"""A connection that was used before and not for so long needs a look."""
CONNECTIONS_SHOWN: Final = 8
BANNERS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Banner:
    """A problem with its button. ``tone``: attention or trouble."""

    tone: str
    sentence: str
    url: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionState:
    connection: Connection
    tone: str
    word: str
    last_sign_in: datetime | None
    last_call: datetime | None


@dataclass(frozen=True, slots=True)
class Log:
    """The numbers of a log, and its chart."""

    activity: Activity
    chart: Chart


def home(request: HttpRequest, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the content of the page that its reader may see. ``counts`` are those of the navigation. Its number of queries depends on no size."""
    sees, now = seen_by(request), timezone.now()
    page: dict[str, Any] = {
        "sees": sees,
        "counts": counts,
        "waiting_total": sum(counts[one] for one in _DECIDED if one in counts),
    }
    page["waiting"] = sorted(_waiting(counts, sees), key=lambda one: one.since)
    page["oldest_conflict"] = min((one.since for one in page["waiting"] if one.action == "Decide"), default=None)
    banners = list(_own_banners(request))
    if sees["user"]:
        page["people"] = people()
    if sees["connection"]:
        known = connections()
        trust, ending = dict(trust_that_ends(now)), ending_credentials(now)
        page["has_connections"] = bool(known)
        sign_ins = last_sign_in_by_connection([connection.slug for connection in known])
        states = _states(known, trust, ending, sign_ins, now)
        page["connections"] = states[:CONNECTIONS_SHOWN]
        page["more_connections"] = len(states) - CONNECTIONS_SHOWN
        count_finished_hours(_LOGS, now=now)
        numbers = activities(_LOGS, now=now)
        page["sign_ins"], page["calls"] = (Log(numbers[log.name], chart(numbers[log.name].days)) for log in _LOGS)
        names = {connection.slug: connection.name for connection in known}
        page["latest"] = [
            (one, decision, names.get(one.connection_slug, one.connection_slug))
            for one, decision in latest_sign_ins(with_names=sees["user"])
        ]
        banners += [*_connection_banners(request, known, trust, ending), *_lockout_banners(known, sign_ins)]
    page["banners"], page["more_banners"] = banners[:BANNERS_SHOWN], len(banners) - BANNERS_SHOWN
    return page


_LOGS: Final = (SIGN_INS, CALLS)
_DECIDED: Final = ("conflicts", "groups", "reactivations", "set_ups")
"""The counts of the navigation that wait for a decision. Drift may stay as it is."""


def _waiting(counts: Mapping[str, int], sees: Mapping[str, bool]) -> Iterator[Waiting]:
    if counts.get("set_ups"):  # counted only for an administrator who may see them
        yield from map(waiting_row, waiting_set_ups(most=SHOWN))
    if sees["conflict"]:
        for conflict in open_conflicts():
            url = reverse("admin:core_identity_conflict_change", args=[conflict.pk])
            detail = f"{conflict.connection.name}, {conflict.count} time{'' if conflict.count == 1 else 's'}"
            what = CAUSES[Cause(conflict.cause)]
            yield Waiting(what, f"{conflict.named} and {conflict.other}", detail, conflict.first_at, url, "Decide")
    if sees["role"] and sees["connection"]:
        for group in groups_without_a_role():
            url = page_of_group(group.connection_id, group.pk)
            name = group.connection.name
            yield Waiting("A group gives no role", group.display_name, name, group.created_at, url, "Map to a role")
    if sees["user"]:
        for identity in reactivation_requests():
            url = reverse("admin:core_identity_user_change", args=[identity.user_id])
            since = identity.reactivation_requested_at
            if since is not None:
                who = identity.user.introduction
                yield Waiting("Reactivation requested", who, identity.connection.name, since, url, "Review")


def _own_banners(request: HttpRequest) -> Iterator[Banner]:
    if may_settle_bursts(request.user):
        for burst in open_bursts()[:BANNERS_SHOWN]:
            url = reverse("admin:core_identity_connection_burst", args=[burst.connection_id])
            sentence = f"{burst.connection.name} deactivated unusually many people at once."
            yield Banner("trouble", sentence, url, "Review the burst")
    if request.user.is_superuser:
        if not break_glass_users().exists():
            yield Banner(
                "attention",
                "There is no break-glass administrator. If every identity provider failed, nobody could open the administration. "
                "Keep one superuser who has a password and no identity.",
            )
        for alarm in alarms()[:BANNERS_SHOWN]:
            url = f"{reverse('admin:core_identity_event_changelist')}?user_id={alarm.user_id}"
            yield Banner("trouble", alarm.reason, url, "See the events")


def _connection_banners(
    request: HttpRequest,
    known: Sequence[Connection],
    trust: Mapping[str, list[TrustWarning]],
    ending: Sequence[Ending],
) -> Iterator[Banner]:
    by_slug = {connection.slug: connection for connection in known}
    pages = cast("ConnectionAdmin", admin.site.get_model_admin(Connection))
    for slug, warnings in trust.items():
        worst = max(warnings, key=lambda one: list(Severity).index(one.severity))
        tone = "trouble" if worst.severity is Severity.CRITICAL else "attention"
        url = address_of(pages, request, by_slug[slug], "keys" if worst.is_ours else "metadata")
        yield Banner(tone, f"{by_slug[slug].name}: {worst.sentence}", url, "Review")
    for one in ending:
        url = address_of(pages, request, by_slug[one.slug], "credentials")
        sentence = f"{by_slug[one.slug].name}: {one.what} ends {relative_time(one.ends_at, timezone.now())}."
        yield Banner("attention", sentence, url, "Renew the token or secret")


def _lockout_banners(known: Sequence[Connection], sign_ins: Mapping[str, LastSignIn]) -> Iterator[Banner]:
    """Yield the connections whose IdP probably changed its certificate. They come last, because strangers can send such messages, too."""
    for connection in known:
        last = sign_ins.get(connection.slug)
        if connection.enabled and last is not None and last.refused_since is not None:
            since = relative_time(last.refused_since, timezone.now())
            sentence = f"{connection.name}: a message with an unknown certificate was refused {since}, and nobody has signed in since."
            url = reverse("admin:core_identity_connection_locked-out", args=[connection.pk])
            yield Banner("attention", sentence, url, "Who is locked out")


def _states(
    known: Sequence[Connection],
    trust: Mapping[str, list[TrustWarning]],
    ending: Sequence[Ending],
    sign_ins: Mapping[str, LastSignIn],
    now: datetime,
) -> list[ConnectionState]:
    """Return all connections, those in trouble first."""
    slugs = [connection.slug for connection in known]
    calls = last_call_by_connection(slugs)
    ends = {one.slug for one in ending}
    states = []
    for connection in known:
        slug = connection.slug
        call = calls.get(slug)
        last = sign_ins.get(slug)
        signed_in_at = last.at if last else None
        tone, word = _state(connection, trust.get(slug, []), slug in ends, signed_in_at, call, now)
        if last and last.refused_since and tone != "trouble" and connection.enabled:
            tone, word = "attention", "Unknown certificate"
        states.append(ConnectionState(connection, tone, word, signed_in_at, call.at if call else None))
    order = ("trouble", "attention", "fine", "plain")
    return sorted(states, key=lambda state: order.index(state.tone))


def _state(
    connection: Connection,
    trust: list[TrustWarning],
    ends: bool,
    last_sign_in: datetime | None,
    last_call: LastCall | None,
    now: datetime,
) -> tuple[str, str]:
    used = max((moment for moment in (last_sign_in, last_call and last_call.at) if moment), default=None)
    if not connection.enabled:
        return "plain", "Switched off"
    if any(one.severity is Severity.CRITICAL and not one.is_ours for one in trust):
        return "trouble", "Certificate or metadata ended"
    if last_call is not None and not last_call.let_in:
        return "trouble", "Requests are refused"
    if any(not one.is_ours for one in trust):
        return "attention", "Review the metadata"
    if trust:
        return "attention", "Look at our SAML key"
    if ends:
        return "attention", "Token ends soon"
    if used is None:
        return "plain", "Not used yet"
    if now - used > SILENT:
        return "attention", f"Silent for {(now - used).days} days"
    return "fine", "Healthy"
