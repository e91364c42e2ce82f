import hashlib
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from benchmarks.stock_scim2.models import Token


class TokenMiddleware:
    """Let a request in by its bearer token, with one query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        digest = hashlib.sha256(request.headers.get("Authorization", "").removeprefix("Bearer ").encode()).hexdigest()
        found = (
            Token._default_manager.select_related("person").filter(digest=digest, expires__gt=timezone.now()).first()
        )
        if found is not None:
            request.user = found.person
        return self.get_response(request)
