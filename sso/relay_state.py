"""Where a browser goes after its sign-in. Only a path of ours, whatever anybody wrote; the one place that decides it."""

from typing import Final

from django.conf import settings
from django.utils.http import url_has_allowed_host_and_scheme

LANDING: Final = "/me"
MAX_PATH: Final = 2000


def safe_path(unverified_path: str | None) -> str:
    """Return ``unverified_path`` if it is a path on this host, else the landing page.

    Narrower than "same host": it must begin with one slash, so no scheme, host, backslash or control character is ever weighed.
    """
    path = unverified_path or ""
    if len(path) > MAX_PATH or not path.isprintable() or not path.startswith("/") or path[1:2] in {"/", "\\"}:
        return LANDING
    allowed = url_has_allowed_host_and_scheme(
        path,
        allowed_hosts={settings.PUBLIC_URL.partition("//")[2]},
        require_https=settings.PUBLIC_URL.startswith("https"),
    )
    return path if allowed else LANDING
