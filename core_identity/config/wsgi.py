import os
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

from core_identity.config.draining import drain_before_stop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core_identity.config.settings")
_django = get_wsgi_application()
drain_before_stop(settings.DRAIN_SECONDS)

import core_identity.config.urls  # noqa: E402, F401 - read once, before workers are forked or threads serve
import sso.saml.library  # noqa: E402, F401 - it compiles the SAML schema, while the process has one thread
from core_identity.middleware import REFUSED_CHARSET, is_text_charset  # noqa: E402 - it needs the apps

CHUNKED: Final = 16 * 1024 * 1024
"""Bytes that may be read of a chunked body. The views have smaller limits of their own, and their answers name them."""


def _charset(content_type: str) -> str:
    return str(parse_header_parameters(content_type)[1].get("charset", ""))


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Pass a request to Django, at the path of the request line, whatever a header claims.

    Let Django read a chunked SCIM body, too (RFC 9112 section 7.1). It reads no further than Content-Length, and would find it empty.
    Only if the server states that its stream ends with the body (gunicorn does), and only SCIM: browsers and OAuth clients send no such thing.
    """
    # gunicorn believes the header SCRIPT_NAME of a proxy on the same host, and many proxies pass it on from a stranger. So the stranger could open
    # /admin/ as /x/admin/, and no rule of the proxy about /admin/ would fit.
    environ["PATH_INFO"] = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    environ["SCRIPT_NAME"] = ""
    chunked = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower() == "chunked"
    if (
        chunked
        and environ.get("wsgi.input_terminated")
        and not environ.get("CONTENT_LENGTH")
        and environ.get("PATH_INFO", "").startswith("/scim/")
    ):
        environ["CONTENT_LENGTH"] = str(CHUNKED)
    charset = _charset(environ.get("CONTENT_TYPE", ""))
    if charset and not is_text_charset(charset):
        # Django decodes the query while it makes the request: an exception there has no middleware around it.
        environ[REFUSED_CHARSET] = environ.pop("CONTENT_TYPE")
    response: Iterable[bytes] = _django(environ, start_response)
    return response
