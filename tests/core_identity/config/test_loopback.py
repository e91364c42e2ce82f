"""On a developer's machine, the address with numbers leads to the one with the name."""

import pytest
from django.conf import LazySettings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from core_identity.config.loopback import LoopbackMiddleware


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ours")


@pytest.mark.parametrize("path", ["/", "/sign-in?next=/me", "//evil.test/"])
def test_another_loopback_address_leads_to_the_public_one(settings: LazySettings, path: str) -> None:
    settings.PUBLIC_URL, settings.PUBLIC_URL_IS_LOOPBACK = "http://localhost:8000", True
    request = RequestFactory().get("/", headers={"host": "127.0.0.1:8000"})
    request.get_full_path = lambda force_append_slash=False: path  # type: ignore[method-assign]
    response = LoopbackMiddleware(answer)(request)
    assert (response.status_code, response["Location"]) == (302, f"http://localhost:8000{path}")


@pytest.mark.parametrize(
    ("method", "host"),
    [("GET", "localhost:8000"), ("GET", "127.0.0.1:9999"), ("GET", "evil.test:8000"), ("POST", "127.0.0.1:8000")],
)
def test_other_requests_pass_the_middleware(settings: LazySettings, method: str, host: str) -> None:
    settings.PUBLIC_URL, settings.PUBLIC_URL_IS_LOOPBACK = "http://localhost:8000", True
    request = RequestFactory().generic(method, "/", headers={"host": host})
    assert LoopbackMiddleware(answer)(request).content == b"ours"


def test_a_production_site_does_not_have_it(settings: LazySettings) -> None:
    settings.PUBLIC_URL, settings.PUBLIC_URL_IS_LOOPBACK = "https://core.example.com", False
    with pytest.raises(MiddlewareNotUsed):
        LoopbackMiddleware(answer)
