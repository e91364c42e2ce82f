"""Errors at the addresses of OAuth (RFC 6749 section 5.2): JSON with a sentence and a reference, wherever the error arose."""

import json
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core_identity.brand import BRAND
from core_identity.outages import AWAY, NOT_KNOWN, TRY_AGAIN

ADDRESSES: Final = ("/oauth/token", "/oauth/revoke_token", "/oauth/introspect")
"""The addresses that programs call. The consent page is for people, so its errors are pages."""

MEDIA_TYPE: Final = "application/json"

# A description may contain ASCII without quotes and backslashes (RFC 6749 section 5.2).
_SENTENCES: Final = {
    "invalid_client": "Client ID and secret do not match, or the connection is switched off. Compare them with the connection's set-up sheet.",
    "invalid_grant": "The code or refresh token was used already, has expired, or belongs to another client or redirect URI. "
    "Authorise the app again in its provisioning settings.",
    "unauthorized_client": f"This client may not use this grant type. An administrator of {BRAND} can allow it on the page of its OAuth client.",
    "invalid_scope": "The scopes are scim and offline_access.",
}
REMEDIES: Final = {
    "invalid_client": "Enter client ID and secret from the set-up sheet again. Check that the connection is switched on.",
    "invalid_grant": "Authorise the app again in its provisioning settings.",
    "invalid_request": "Correct the request as the sentence describes.",
    "invalid_scope": "Request the scope scim.",
    "unauthorized_client": f"An administrator of {BRAND} allows the grant type for this client.",
    "unsupported_grant_type": "Use one of the listed grant types.",
    "temporarily_unavailable": "Send the same request again after the seconds in Retry-After.",
    "server_error": f"Give the reference to an administrator of {BRAND}. The log of the service contains the cause.",
}
"""What to do about each error; `docs/reference/errors.md` shows it."""
_NOTHING_HERE: Final = "There is nothing at this address. Compare it with the connection's set-up sheet."
_OURS: Final = f"Something went wrong in {BRAND}. Try again later, or give the reference to its administrator."
_NOT_UNDERSTOOD: Final = "The request cannot be understood."


def oauth_error(request: HttpRequest, response: HttpResponseBase) -> tuple[HttpResponse, str]:
    """Return a failed answer in the form of OAuth, and its code. An error of the toolkit is kept; a page of Django is replaced."""
    content = _toolkit_error(response)
    if content is None:
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            outcome = NOT_KNOWN if getattr(response, "may_be_saved", False) else TRY_AGAIN
            content = {"error": "temporarily_unavailable", "error_description": f"{AWAY} {outcome}"}
        elif response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            content = {"error": "server_error", "error_description": _OURS}
        else:
            missing = response.status_code == HTTPStatus.NOT_FOUND
            content = {"error": "invalid_request", "error_description": _NOTHING_HERE if missing else _NOT_UNDERSTOOD}
    code = str(content["error"])
    sentence = _SENTENCES.get(code) or content.get("error_description") or _NOT_UNDERSTOOD
    reference = getattr(request, "request_id", "")
    content["error_description"] = f"{sentence} (Reference: {reference})" if reference else sentence
    answer = HttpResponse(json.dumps(content), status=response.status_code, content_type=MEDIA_TYPE)
    for name in ("X-Request-Id", "Allow", "Retry-After", "WWW-Authenticate"):
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    answer.headers["Cache-Control"] = "no-store"
    return answer, code


def _toolkit_error(response: HttpResponseBase) -> dict[str, Any] | None:
    if not isinstance(response, HttpResponse) or not response.headers.get("Content-Type", "").startswith(MEDIA_TYPE):
        return None
    try:
        content = json.loads(response.content)
    except ValueError:
        return None
    return content if isinstance(content, dict) and "error" in content else None
