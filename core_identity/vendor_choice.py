"""The IdP whose screens a set-up page shows: chosen once by a link, then kept by this browser."""

from typing import Any, Final, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core_identity.set_up import Vendor

COOKIE: Final = "set-up-idp"
"""It contains nothing but a name of `Vendor`."""
LASTS: Final = 30 * 24 * 60 * 60

Answer = TypeVar("Answer", bound=HttpResponse)


def vendors_for(request: HttpRequest) -> dict[str, Any]:
    """Return what the templates need to show the choice."""
    vendor = Vendor.chosen(request.GET.get("idp") or request.COOKIES.get(COOKIE))
    return {"vendor": vendor, "vendors": list(Vendor)}


def remember_vendor(request: HttpRequest, response: Answer) -> Answer:
    if "idp" in request.GET:
        chosen = Vendor.chosen(request.GET["idp"]).value
        response.set_cookie(
            COOKIE, chosen, max_age=LASTS, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
        )
    return response
