"""The list of push groups of all connections. A page shows 50 rows and asks for one more, so nothing is counted."""

from typing import Final

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core_identity.admin_kit.base import seen_by
from core_identity.models import PushGroup

ON_A_PAGE: Final = 50
LAST_PAGE: Final = 200
"""Nobody reads further. The list of one connection leads there sooner."""


def groups(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the groups that give no role; with ``?all``, all groups. One query beside the frame of the page."""
    sees = seen_by(request)
    if not (sees["role"] or sees["connection"]):
        raise PermissionDenied
    everything = "all" in request.GET
    found = PushGroup.objects.select_related("connection", "role").order_by("created_at", "pk")
    if not everything:
        found = found.filter(role__isnull=True)
    number = _number(request.GET.get("p", ""))
    start = (number - 1) * ON_A_PAGE
    rows = list(found[start : start + ON_A_PAGE + 1])
    context = {
        **site.each_context(request),
        "title": "Groups",
        "sees": sees,
        "groups": rows[:ON_A_PAGE],
        "all": everything,
        "query": "all&" if everything else "",
        "may_make_roles": request.user.has_perm("core_identity.add_role"),
        "number": number,
        "previous": number - 1,
        "next": number + 1 if len(rows) > ON_A_PAGE and number < LAST_PAGE else None,
    }
    return TemplateResponse(request, "admin/groups.html", context)


def _number(text: str) -> int:
    """Return the number of a page, however wrong the address is."""
    return min(max(int(text), 1), LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 6 else 1
