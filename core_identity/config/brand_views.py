"""The style sheet and the logo of an installation that has its own, and the icon of each installation."""

from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from core_identity.config.branding import Brand
from core_identity.credentials import credential
from core_identity.templatetags.core_pages import brand_icon

KEPT: Final = "public, max-age=300"
"""How long browsers keep them: both change with a restart only, and each page needs both."""


@credential("none")
@require_safe
def brand_css(request: HttpRequest) -> HttpResponse:
    brand: Brand = settings.BRAND
    return HttpResponse(brand.style_sheet, content_type="text/css; charset=utf-8", headers={"Cache-Control": KEPT})


@credential("none")
@require_safe
def brand_logo(request: HttpRequest) -> HttpResponse:
    """The policy of this answer allows nothing, so a script inside an SVG never runs, however the file is opened."""
    brand: Brand = settings.BRAND
    if brand.logo is None:
        raise Http404
    policy = "default-src 'none'; sandbox"
    headers = {"Cache-Control": KEPT, "Content-Security-Policy": policy}
    return HttpResponse(brand.logo.content, content_type=brand.logo.media_type, headers=headers)


@credential("none")
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead to the logo. Browsers ask for this address themselves where a document names no icon, such as JSON."""
    return HttpResponseRedirect(brand_icon(), headers={"Cache-Control": KEPT})
