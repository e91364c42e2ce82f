"""The search box of the administration: straight to the one thing that matches, or a list by kind."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from core_identity.admin_kit.logs import may_see_connections
from core_identity.admin_kit.seen import page_of_group
from core_identity.keys import MAX_NAME
from core_identity.models import Connection, Customer, PushGroup, Role, User
from core_identity.selectors.search import (
    MOST,
    connections_named,
    customers_named,
    groups_named,
    has_events,
    roles_named,
    users_named,
)
from core_identity.selectors.users import status_of

if TYPE_CHECKING:
    from core_identity.config.admin_site import CoreAdminSite

REFERENCE: Final = re.compile(r"[2-9A-HJ-NP-Z]{10}")
"""The form of a reference, without spaces, dashes and small letters, which people add."""


@dataclass(frozen=True, slots=True)
class Found:
    label: str
    detail: str
    url: str


@dataclass(frozen=True, slots=True)
class Kind:
    """The matches of one kind. If ``is_cut``, there may be others; ``more`` is the address of a list of all matches, if there is one."""

    heading: str
    found: Sequence[Found]
    is_cut: bool = False
    more: str = ""


def search(request: HttpRequest, site: "CoreAdminSite") -> HttpResponse:
    text = request.GET.get("q", "").strip().replace("\0", "")[: MAX_NAME + 1]
    kinds = list(_kinds(request, text, site.LOGS)) if text else []
    found = [one for kind in kinds for one in kind.found]
    if len(found) == 1:
        return redirect(found[0].url)
    context = {**site.each_context(request), "title": "Search", "core_search": text, "kinds": kinds}
    return TemplateResponse(request, "admin/search.html", context)


def _kinds(request: HttpRequest, text: str, logs: Sequence[str]) -> Iterator[Kind]:
    """Yield the kinds with a match. A reference is one thing, and nothing else has its form and its rows."""
    reference = re.sub(r"[\s-]", "", text).upper()
    if REFERENCE.fullmatch(reference):
        row = _by_reference(request, reference, logs)
        if row is not None:
            yield Kind("References", [row])
            return
    for model, heading, named, shown in _SEARCHED:
        if not _may_see(request, model):
            continue
        rows = named(text)
        if rows:
            more = f"{reverse(_page(model, 'changelist'))}?{urlencode({'q': text})}" if model in _LISTED else ""
            yield Kind(heading, [shown(row) for row in rows[:MOST]], len(rows) > MOST, more)


def _by_reference(request: HttpRequest, reference: str, logs: Sequence[str]) -> Found | None:
    """Return the row of one of the ``logs`` with this reference, or else its events. At most three queries."""
    if may_see_connections(request):
        for log in map(apps.get_model, logs):
            pk = log._default_manager.filter(reference=reference).values_list("pk", flat=True).first()
            if pk is not None:
                return Found(reference, str(log._meta.verbose_name), reverse(_page(log, "change"), args=[pk]))
    if request.user.has_perm("core_identity.view_event") and has_events(reference):
        return Found(reference, "events", f"{reverse('admin:core_identity_event_changelist')}?q={reference}")
    return None


def _may_see(request: HttpRequest, model: type[Any]) -> bool:
    name = "connection" if model is PushGroup else model._meta.model_name
    return any(request.user.has_perm(f"core_identity.{may}_{name}") for may in ("view", "change"))


def _page(model: type[Any], what: str) -> str:
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}"


def _user(user: User) -> Found:
    facts = (
        user.username,
        user.email if user.email != user.username else "",
        str(user.customer or ""),
        status_of(user),
    )
    label = user.get_full_name() or user.username
    return Found(
        label,
        " · ".join(fact for fact in facts if fact and fact != label),
        reverse(_page(User, "change"), args=[user.pk]),
    )


def _role(role: Role) -> Found:
    return Found(role.name, role.description, reverse(_page(Role, "change"), args=[role.pk]))


def _group(group: PushGroup) -> Found:
    effect = f"gives {group.role}" if group.role else "gives no role yet"
    address = page_of_group(group.connection_id, group.pk)
    return Found(group.display_name, f"{group.connection.name} · {effect}", address)


def _connection(connection: Connection) -> Found:
    state = "" if connection.enabled else " · switched off"
    url = reverse("admin:core_identity_connection_overview", args=[connection.pk])
    return Found(connection.name, f"{connection.slug} · {connection.customer}{state}", url)


def _customer(customer: Customer) -> Found:
    return Found(customer.name, "", reverse(_page(Customer, "change"), args=[customer.pk]))


_SEARCHED: Final[Sequence[tuple[type[Any], str, Callable[[str], Sequence[Any]], Callable[[Any], Found]]]] = (
    (User, "Users", users_named, _user),
    (Role, "Roles", roles_named, _role),
    (PushGroup, "Groups", groups_named, _group),
    (Connection, "Connections", connections_named, _connection),
    (Customer, "Customers", customers_named, _customer),
)
_LISTED: Final = (User, Role, Customer, Connection)
