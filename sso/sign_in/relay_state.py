"""Decide where a browser goes after its sign-in: only to a path on this host. No other module decides it."""

import re
from typing import Final
from urllib.parse import unquote

from django.conf import settings
from django.utils.http import url_has_allowed_host_and_scheme

LANDING: Final = "/me"
MAX_PATH: Final = 2000
_PATH: Final = re.compile(r"(?:/(?!/)(?!\.{1,2}(?:/|$))[^/\\?#]*)+")
"""Single slashes, no backslash, no ``.`` or ``..``: browsers, proxies and Django read such a path in the same way."""
_END: Final = re.compile(r"[?#]")


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
