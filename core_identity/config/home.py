"""The start page of the administration: what needs a decision, what ends soon, and whether everything runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final, cast
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localtime

from core_identity.admin.connection_tabs import address_of
from core_identity.admin.connections import ConnectionAdmin
from core_identity.admin.setup_links import waiting_row
from core_identity.admin_kit.seen import page_of_group, seen_by
from core_identity.admin_kit.waiting import Waiting
from core_identity.config.charts import Chart, chart
from core_identity.config.connection_states import ConnectionState, connection_states
from core_identity.config.looks import TONES, Look, count_by_kind
from core_identity.models import Connection
from core_identity.models.event import PASSWORD_ALARM
from core_identity.policy.wording import CAUSES
from core_identity.portal.waiting import waiting_set_ups
from core_identity.selectors.attention import MOST
from core_identity.selectors.home import (
    SHOWN,
    groups_without_a_role,
    open_conflicts,
    people,
    reactivation_requests,
)
from core_identity.selectors.log_hours import Activity, activities
from core_identity.selectors.users import break_glass_users
from core_identity.services.log_hours import count_finished_hours
from core_identity.services.password_events import ALARMS_SINCE, alarms
from core_identity.templatetags.core_pages import bounded
from core_identity.values import Cause
from scim.home import CALLS
from sso.home import SIGN_INS, latest_sign_ins

WAITING_SHOWN: Final = 8
CONNECTIONS_SHOWN: Final = 6
BANNERS_SHOWN: Final = 3
"""Of connections. The list of the connections that need a look has all of them. Other banners are never left out."""


@dataclass(frozen=True, slots=True)
class Banner:
    """A problem with its button. ``tone``: attention or trouble."""

    tone: str
    sentence: str
    url: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """The numbers of a log with the addresses of the rows that they count, and its chart."""

    activity: Activity
    chart: Chart
    all_rows: str
    bad_rows: str


def home(request: HttpRequest, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the content of the page that its reader may see. ``counts`` are those of the navigation. Its number of queries depends on no size."""
    sees, now = seen_by(request), timezone.now()
    page: dict[str, Any] = {
        "sees": sees,
        "counts": counts,
        "waiting_total": sum(counts[one] for one in _DECIDED if one in counts),
    }
    page["waiting_is_bounded"] = any(counts.get(one, 0) >= MOST for one in _DECIDED)
    page["waiting"] = _oldest(_waiting(counts, sees))
    page["more_waiting"] = page["waiting_total"] > len(page["waiting"])
    page["oldest_conflict"] = min((one.since for one in page["waiting"] if one.action == "Decide"), default=None)
    page["banners"] = list(_own_banners(request))
    if sees["user"]:
        page["people"] = people()
    if sees["connection"]:
        states = connection_states(request, now)
        page |= _of_connections(states) | _of_logs(states, now, with_names=sees["user"])
        banners = _connection_banners(states)
        page["banners"] += _key_banner(request, states)
        page["banners"] += [_banner(request, *one) for one in banners[:BANNERS_SHOWN]]
        page["banners"].sort(key=lambda one: TONES.index(one.tone))
    return page


def _of_connections(states: Sequence[ConnectionState]) -> dict[str, Any]:
    return {
        "has_connections": bool(states),
        "connections": states[:CONNECTIONS_SHOWN],
        "all_connections": len(states) if len(states) > CONNECTIONS_SHOWN else 0,
        "looked_at": sum(bool(state.looks) for state in states),
        "look_kinds": count_by_kind(state.looks for state in states),
    }


def _of_logs(states: Sequence[ConnectionState], now: datetime, *, with_names: bool) -> dict[str, Any]:
    count_finished_hours(_LOGS, now=now)
    numbers = activities(_LOGS, now=now)
    names = {state.connection.slug: state.connection.name for state in states}
    return {
        "sign_ins": _log(numbers[SIGN_INS.name], "sso_signinrecord", every="sign-ins", bad="refused"),
        "calls": _log(numbers[CALLS.name], "scim_provisioningrecord", every="", bad="failed"),
        "latest": [
            (one, decision, names.get(one.connection_slug, one.connection_slug))
            for one, decision in latest_sign_ins(with_names=with_names)
        ],
    }


def _log(activity: Activity, model: str, *, every: str, bad: str) -> Log:
    """Return a log with links to the rows that its numbers count: the same outcomes, since the same hour."""
    rows, since = reverse(f"admin:{model}_changelist"), f"{localtime(activity.since):%Y-%m-%dT%H:%M}"
    all_rows, bad_rows = (
        f"{rows}?{urlencode({name: value for name, value in (('outcome', outcome), ('since', since)) if value})}"
        for outcome in (every, bad)
    )
    return Log(activity, chart(activity.days), all_rows, bad_rows)


_LOGS: Final = (SIGN_INS, CALLS)
_DECIDED: Final = ("conflicts", "groups", "reactivations", "set_ups")
"""The counts of the navigation that wait for a decision. Drift may stay as it is."""


def _oldest(rows: Iterable[Waiting]) -> list[Waiting]:
    """Return the oldest rows, `WAITING_SHOWN` at most. They are taken from each action in turn, so that many of one hide no other."""
    found: dict[str, list[Waiting]] = {}
    for one in sorted(rows, key=_since):
        found.setdefault(one.action, []).append(one)
    in_turn = [one for turn in zip_longest(*found.values()) for one in turn if one is not None]
    return sorted(in_turn[:WAITING_SHOWN], key=_since)


def _since(one: Waiting) -> datetime:
    return one.since


def _waiting(counts: Mapping[str, int], sees: Mapping[str, bool]) -> Iterator[Waiting]:
    if counts.get("set_ups"):  # counted only for an administrator who may see them
        yield from map(waiting_row, waiting_set_ups(most=SHOWN))
    if sees["conflict"]:
        for conflict in open_conflicts():
            url = reverse("admin:core_identity_conflict_change", args=[conflict.pk])
            detail = f"{conflict.connection.name}, {conflict.count} time{'' if conflict.count == 1 else 's'}"
            what = CAUSES[Cause(conflict.cause)]
            yield Waiting(what, f"{conflict.named} and {conflict.other}", detail, conflict.first_at, url, "Decide")
    if sees["connection"]:
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
    if request.user.is_superuser:
        if not break_glass_users().exists():
            yield Banner(
                "attention",
                "There is no break-glass administrator. If every identity provider failed, nobody could open the administration. "
                "Keep one superuser who has a password and no identity.",
            )
        yield from _alarm_banners()


def _alarm_banners() -> Iterator[Banner]:
    """Yield one banner for all alarms, if there are any."""
    events, found = reverse("admin:core_identity_event_changelist"), list(alarms()[:MOST])
    if len(found) > 1:
        since = (timezone.now() - ALARMS_SINCE).isoformat()
        query = urlencode({"kind": PASSWORD_ALARM, "at__gte": since})
        sentence = f"Passwords of administrators were refused from many networks: {bounded(len(found))} alarms within 24 hours."
        yield Banner("trouble", sentence, f"{events}?{query}", "See the events")
        return
    for alarm in found:
        yield Banner("trouble", alarm.reason, f"{events}?user_id={alarm.user_id}", "See the events")


def _key_banner(request: HttpRequest, states: Sequence[ConnectionState]) -> list[Banner]:
    """Return one banner for all our SAML keys that end."""
    ending = [(state, look) for state in states for look in state.looks if look.kind == "key"]
    if len(ending) < 2:
        return [_banner(request, *one) for one in ending]
    tone = min((look.tone for _, look in ending), key=TONES.index)
    url = f"{reverse('admin:core_identity_connection_need-a-look')}?kind=key"
    return [
        Banner(tone, f"Our SAML keys of {len(ending)} connections end soon, or have ended.", url, "See the connections")
    ]


def _connection_banners(states: Sequence[ConnectionState]) -> list[tuple[ConnectionState, Look]]:
    """Return what is worth a banner, the most urgent first, and last what strangers can cause: they must not hide the others.

    A silent connection is only in the table and in the list.
    """
    found = [(state, look) for state in states for look in state.looks if look.kind not in {"key", "silent"}]
    return sorted(found, key=lambda one: (TONES.index(one[1].tone), not one[1].is_certain))


def _banner(request: HttpRequest, state: ConnectionState, look: Look) -> Banner:
    url = address_of_look(request, state.connection, look)
    return Banner(look.tone, f"{state.connection.name}: {look.sentence}", url, look.action)


def address_of_look(request: HttpRequest, connection: Connection, look: Look) -> str:
    """Return the address of the page to look at, or an empty text if this administrator may not open it."""
    pages = cast("ConnectionAdmin", admin.site.get_model_admin(Connection))
    return address_of(pages, request, connection, look.page)
