import os
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from core_identity.config.draining import drain_before_stop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core_identity.config.settings")
_django = get_wsgi_application()
drain_before_stop(settings.DRAIN_SECONDS)

CHUNKED: Final = 16 * 1024 * 1024
"""Bytes that may be read of a chunked body. The views have smaller limits of their own, and say so."""


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Let Django read a chunked SCIM body, too (RFC 9112 section 7.1). It reads no further than Content-Length, and would find it empty.

    Only where the server tells that its stream ends with the body (gunicorn does), and only SCIM: browsers and OAuth clients send no such thing.
    """
    chunked = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower() == "chunked"
    if (
        chunked
        and environ.get("wsgi.input_terminated")
        and not environ.get("CONTENT_LENGTH")
        and environ.get("PATH_INFO", "").startswith("/scim/")
    ):
        environ["CONTENT_LENGTH"] = str(CHUNKED)
    response: Iterable[bytes] = _django(environ, start_response)
    return response
