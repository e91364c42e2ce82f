from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from core_identity.config.brand_views import brand_css, brand_logo, favicon
from core_identity.config.health import healthz, readyz

admin.autodiscover()

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("scim.urls")),  # first: the most frequent requests
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("brand.css", brand_css, name="brand-css"),
    path("brand/logo", brand_logo, name="brand-logo"),
    path("favicon.ico", favicon, name="favicon"),
    path("admin/", admin.site.urls),
    path("", include("core_identity.portal.urls")),
    path("", include("sso.urls")),
]

handler400 = "core_identity.config.error_pages.bad_request"
handler403 = "core_identity.config.error_pages.permission_denied"
handler404 = "core_identity.config.error_pages.page_not_found"
handler500 = "core_identity.config.error_pages.server_error"
