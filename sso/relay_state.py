"""Where a browser goes after its sign-in. Only a path of ours, whatever anybody wrote; the one place that decides it."""

import re
from typing import Final
from urllib.parse import unquote

from django.conf import settings
from django.utils.http import url_has_allowed_host_and_scheme

LANDING: Final = "/me"
MAX_PATH: Final = 2000
_PATH: Final = re.compile(r"(?:/(?!/)(?!\.{1,2}(?:[/?#]|$))[^/\\?#]*)+(?:[?#].*)?")
"""Slashes one by one, no backslash, no ``.`` or ``..``: nothing that some reader on the way could take for another host."""


def safe_path(unverified_path: str | None) -> str:
    """Return ``unverified_path`` if it is a path on this host, else the landing page. The whole address of a page here is its path.

    Narrower than "same host": no scheme, host, backslash or control character is ever weighed.
    """
    path = unverified_path or ""
    if len(path) > MAX_PATH:
        return LANDING
    if path.startswith(f"{settings.PUBLIC_URL}/"):  # as administrators write the Default RelayState of a tile
        path = path.removeprefix(settings.PUBLIC_URL)
    if not path.isprintable() or not _PATH.fullmatch(path):
        return LANDING
    if unquote(path).startswith("/sso/"):
        return LANDING  # one sign-in would begin another, by a page of ours: the second would look as if its person had asked for it
    allowed = url_has_allowed_host_and_scheme(
        path,
        allowed_hosts={settings.PUBLIC_URL.partition("//")[2]},
        require_https=settings.PUBLIC_URL.startswith("https"),
    )
    return path if allowed else LANDING
