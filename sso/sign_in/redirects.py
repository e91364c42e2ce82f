"""Where a browser is sent: to the IdP with a message, and after the sign-in only to a path on this host.

A message goes by a redirect, or by a form that a script submits (SAML bindings 3.4, 3.5). No other module decides where a sign-in leads.
"""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from sso.models import SamlSettings
from sso.saml.messages import Outgoing

LANDING: Final = "/me"
MAX_PATH: Final = 2000
_PATH: Final = re.compile(r"(?:/(?!/)(?!\.{1,2}(?:/|$))[^/\\?#]*)+")
"""Single slashes, no backslash, no ``.`` or ``..``: browsers, proxies and Django read such a path in the same way."""

_END: Final = re.compile(r"[?#]")


def send_to_idp(request: HttpRequest, saml: SamlSettings, away: Outgoing) -> HttpResponse:
    """Return the answer that takes the browser and the message to the IdP. Without scripts the form has a button."""
    if not away.fields:
        return HttpResponseRedirect(away.url)
    return may_post_to(render(request, "sso/going_away.html", {"connection": saml.connection, "away": away}), away.url)


def may_post_to(response: HttpResponse, url: str) -> HttpResponse:
    """Let this one page post to the IdP. Chromium applies form-action also to the redirects after the post."""
    response._csp_update = {"form-action": [_origin(url)]}  # type: ignore[attr-defined]
    return response


def may_be_framed_by(response: HttpResponse, saml: SamlSettings) -> HttpResponse:
    """Let pages of the IdP show this one answer in a frame.

    Some IdPs (LemonLDAP::NG) log people out by one frame for each service. Browsers ignore X-Frame-Options if the policy contains
    ``frame-ancestors``.
    """
    origins = {_origin(url): None for name in saml.PLACES if (url := getattr(saml, name))}  # a set would have no order
    response._csp_replace = {"frame-ancestors": list(origins)}  # type: ignore[attr-defined]
    return response


def _origin(url: str) -> str:
    place = urlsplit(url)
    return f"{place.scheme}://{place.netloc}"


def safe_path(unverified_path: str | None) -> str:
    """Return ``unverified_path`` if it is a path on this host, otherwise the landing page. A whole address of a page here counts as its path.

    The path is checked twice: as written, and after percent-decoding. Browsers resolve ``%2e%2e`` as ``..`` (WHATWG URL, 4.4), and a proxy in
    front of Django may decode ``%2f`` and ``%5c`` before it resolves dots. A path that a second decoding would change is refused too.
    """
    path = unverified_path or ""
    if len(path) > MAX_PATH:
        return LANDING
    if path.startswith(f"{settings.PUBLIC_URL}/"):  # administrators write the Default RelayState of a tile like this
        path = path.removeprefix(settings.PUBLIC_URL)
    written = _END.split(path, maxsplit=1)[0]
    read = unquote(written)
    if not path.isprintable() or path != path.strip() or not _PATH.fullmatch(written):
        return LANDING
    if not read.isprintable() or "%" in read or not _PATH.fullmatch(read) or _begins_a_sign_in(read):
        return LANDING
    allowed = url_has_allowed_host_and_scheme(
        path,
        allowed_hosts={settings.PUBLIC_URL.partition("//")[2]},
        require_https=settings.PUBLIC_URL.startswith("https"),
    )
    return path if allowed else LANDING


def _begins_a_sign_in(path: str) -> bool:
    """Whether a decoded path may lead to ``/sso/``. It would start a second sign-in, as if the person had asked for it.

    Some proxies drop the text after a ``;``, and some ignore letter case.
    """
    return path.split("/")[1].partition(";")[0].strip().casefold() == "sso"
