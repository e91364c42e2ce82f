from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from core_identity.config.health import healthz

handler500 = "core_identity.config.failures.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("", include("scim.urls")),
    path("", include("sso.urls")),
]
