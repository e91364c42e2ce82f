"""One address on a developer's machine: http://127.0.0.1:8000 leads to http://localhost:8000."""

from collections.abc import Callable
from http import HTTPMethod
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

Handler = Callable[[HttpRequest], HttpResponse]


class LoopbackMiddleware:
    """Redirect a page at another loopback address of this server to PUBLIC_URL. Django would answer 400, because the Host is not ours.

    It exists only if PUBLIC_URL is a loopback address. It chooses among fixed hosts, so no Host of a stranger gets into an answer.
    """

    def __init__(self, get_response: Handler) -> None:
        if not settings.PUBLIC_URL_IS_LOOPBACK:
            raise MiddlewareNotUsed
        self.get_response = get_response
        public = urlsplit(settings.PUBLIC_URL)
        port = f":{public.port}" if public.port else ""
        self.others = {f"{host}{port}" for host in ("localhost", "127.0.0.1", "[::1]")} - {public.netloc}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == HTTPMethod.GET and request.META.get("HTTP_HOST") in self.others:
            return HttpResponseRedirect(f"{settings.PUBLIC_URL}{request.get_full_path()}")
        return self.get_response(request)
