"""All components of the design on one page, for developers who make a page. Only where DEMO or DEBUG is on."""

from datetime import date, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core_identity.clock import database_now
from core_identity.config.charts import chart
from core_identity.selectors.log_hours import Day

_TOTALS: Final = (214, 232, 178, 251, 277, 190, 176, 168, 154, 259, 318, 228, 165, 208)
_BAD: Final = (2, 1, 0, 3, 7, 2, 9, 1, 0, 2, 12, 4, 5, 6)


def style(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Show the components with invented data. Raises `Http404` in production."""
    if not (settings.DEMO or settings.DEBUG):
        raise Http404
    now = database_now()
    days = [
        Day(date(2026, 11, 1) + timedelta(days=number), total, bad)
        for number, (total, bad) in enumerate(zip(_TOTALS, _BAD, strict=True))
    ]
    page: dict[str, Any] = {
        "title": "Components",
        "log": {"chart": chart(days), "activity": {"peak": max(_TOTALS)}},
        "moments": [
            now - timedelta(minutes=3),
            now - timedelta(hours=2),
            now - timedelta(days=1),
            now - timedelta(days=5),
        ],
    }
    return TemplateResponse(request, "admin/style.html", site.each_context(request) | page)
