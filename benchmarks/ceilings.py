"""The ceilings of the stack, as a Django project in one file: what no view can be cheaper than.

L is a view with one ORM query by a unique index, I the same with one INSERT. Persistent connections and their health checks are as in the product.
They use no middleware and Django's default driver settings, so the two units stay the same while the product changes.
"""

import django
import environ
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import models
from django.http import HttpRequest, JsonResponse
from django.urls import path

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["localhost"],
        DATABASES={
            "default": {**environ.Env().db_url("DATABASE_URL"), "CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": True}
        },
        ROOT_URLCONF=__name__,
        USE_TZ=True,
    )
    django.setup()


class Entry(models.Model):
    name = models.CharField(max_length=100, unique=True)

    class Meta:
        app_label = "ceilings"

    def __str__(self) -> str:
        return self.name


def look_up(request: HttpRequest) -> JsonResponse:
    entry = Entry._default_manager.get(name=request.GET["name"])
    return JsonResponse({"id": entry.pk, "name": entry.name})


def insert(request: HttpRequest) -> JsonResponse:
    entry = Entry._default_manager.create(name=request.GET["name"])
    return JsonResponse({"id": entry.pk, "name": entry.name})


urlpatterns = [path("look-up", look_up), path("insert", insert)]
application = WSGIHandler()
