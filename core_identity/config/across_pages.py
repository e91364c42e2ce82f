"""Lists over all connections: push groups, and drift. Each page shows 50 rows and asks for one more, so nothing is counted."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core_identity.admin_kit.base import seen_by
from core_identity.models import PushGroup
from core_identity.selectors.drift import FIELDS, drift_in, drifting

ON_A_PAGE: Final = 50
LAST_PAGE: Final = 200
"""Nobody reads further: the filters lead there sooner."""


def groups(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the push groups of all connections; with ``?all``, also those that give a role. Two queries beside the frame."""
    sees = seen_by(request)
    if not (sees["role"] or sees["connection"]):
        raise PermissionDenied
    found = PushGroup.objects.select_related("connection", "role").order_by("created_at", "pk")
    if "all" not in request.GET:
        found = found.filter(role__isnull=True)
    rows, pages = _page(request, found)
    facts = {
        "groups": rows,
        "all": "all" in request.GET,
        "query": "all&" if "all" in request.GET else "",
        "may_make_roles": request.user.has_perm("core_identity.add_role"),
    }
    return _answer(request, site, "admin/groups.html", "Groups", pages | facts)


def drift(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show where an IdP and CORE differ, of all connections. Three queries beside the frame."""
    if not seen_by(request)["user"]:
        raise PermissionDenied
    field = request.GET["field"] if request.GET.get("field") in FIELDS else None
    rows, pages = _page(request, drifting(field))
    people = [(identity, [one for one in drift_in(identity) if field in {None, one.field}]) for identity in rows]
    facts = {
        "people": people,
        "field": field,
        "fields": FIELDS,
        "query": f"field={field}&" if field else "",
        "may_take_over": request.user.has_perm("core_identity.change_user"),
    }
    return _answer(request, site, "admin/drift.html", "Drift", pages | facts)


def _page(request: HttpRequest, found: QuerySet[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    asked = request.GET.get("p", "1")
    number = min(max(int(asked), 1), LAST_PAGE) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    start = (number - 1) * ON_A_PAGE
    rows = list(found[start : start + ON_A_PAGE + 1])
    more = len(rows) > ON_A_PAGE and number < LAST_PAGE
    return rows[:ON_A_PAGE], {"number": number, "previous": number - 1, "next": number + 1 if more else None}


def _answer(
    request: HttpRequest, site: AdminSite, template: str, title: str, facts: dict[str, Any]
) -> TemplateResponse:
    context = {**site.each_context(request), "title": title, "sees": seen_by(request), **facts}
    return TemplateResponse(request, template, context)
