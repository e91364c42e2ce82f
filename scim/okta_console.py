"""Find the redirect URIs of an app in Okta by the address of the app in Okta's Admin Console. Pure.

By Okta's documentation for SCIM over OAuth 2, the callback is at one fixed host of each of its clouds, and only the app's name differs. The name
is in the address of the app: ``https://acme-admin.okta.com/admin/app/acme_core_1/instance/0oa1/``.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from core_identity.errors import InvalidValue

CLOUDS: Final = ("okta.com", "okta-emea.com", "oktapreview.com")
FIELD: Final = "console_url"
EXAMPLE: Final = "https://acme-admin.okta.com/admin/app/acme_core_1/instance/0oa1/"

_HOST: Final = re.compile(rf"[a-z0-9-]+\.(?P<cloud>{'|'.join(re.escape(cloud) for cloud in CLOUDS)})", re.IGNORECASE)
_PATH: Final = re.compile(r"/admin/app/(?P<app>[A-Za-z0-9_-]{1,100})/instance/[A-Za-z0-9]+(?:/.*)?")


def redirect_uris(console_url: str) -> tuple[str, ...]:
    """Return the redirect URIs of the app at ``console_url``, the URI for its own cloud first.

    Raises `InvalidValue` with the address to copy instead.
    """
    # A copied address may have angle brackets or blanks around it.
    address = console_url.strip().strip("<>").strip()
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidValue(FIELD, f"This is not an address. It looks like {EXAMPLE}.") from None
    if parts.scheme != "https" or not address.isprintable():
        raise InvalidValue(FIELD, f"Copy the whole address from the browser. It looks like {EXAMPLE}.")
    found_host = _HOST.fullmatch(host)
    if found_host is None or parts.username is not None:
        raise InvalidValue(FIELD, f"This is not an address of Okta ({', '.join(CLOUDS)}). It looks like {EXAMPLE}.")
    match = _PATH.fullmatch(parts.path)
    if match is None:
        raise InvalidValue(
            FIELD,
            "No app is open at this address. In Okta's Admin Console open Applications, then the app. Then copy its address: "
            "it contains /admin/app/ and /instance/.",
        )
    own = found_host["cloud"].lower()
    clouds = (own, *(cloud for cloud in CLOUDS if cloud != own))
    return tuple(f"https://system-admin.{cloud}/admin/app/cpc/{match['app']}/oauth/callback" for cloud in clouds)
