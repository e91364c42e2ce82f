"""Failures at the addresses of OAuth, as RFC 6749 section 5.2 puts them: JSON with a sentence and a reference, whoever it was that failed."""

import json
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core_identity.outages import AWAY, NOT_KNOWN, TRY_AGAIN

ADDRESSES: Final = ("/oauth/token", "/oauth/revoke_token", "/oauth/introspect")
"""Where programs ask. At the consent page people do, and get a page."""

MEDIA_TYPE: Final = "application/json"

# The characters of a description are ASCII without quotes and backslashes (RFC 6749 section 5.2).
_SENTENCES: Final = {
    "invalid_client": "Client ID and secret do not match, or the connection is switched off. Compare them with the connection's setup sheet.",
    "invalid_grant": "The code or refresh token was used already, has expired, or belongs to another client or redirect URI. "
    "Authorise the app again in its provisioning settings.",
    "unauthorized_client": "This client may not use this grant type. An administrator of CORE can allow it on the page of its OAuth client.",
    "invalid_scope": "The scopes are scim and offline_access.",
}
_NOTHING_HERE: Final = "There is nothing at this address. Compare it with the connection's setup sheet."
_OURS: Final = "Something went wrong in CORE. Try again later, or give the reference to its administrator."
_NOT_UNDERSTOOD: Final = "The request cannot be understood."


def oauth_error(request: HttpRequest, response: HttpResponseBase) -> tuple[HttpResponse, str]:
    """Return a failed answer in the form of OAuth, and its code. What the toolkit says is kept; a page of Django's is replaced."""
    said = _said(response)
    if said is None:
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            told = f"{AWAY} {NOT_KNOWN if getattr(response, 'may_be_saved', False) else TRY_AGAIN}"
            said = {"error": "temporarily_unavailable", "error_description": told}
        elif response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            said = {"error": "server_error", "error_description": _OURS}
        else:
            missing = response.status_code == HTTPStatus.NOT_FOUND
            said = {"error": "invalid_request", "error_description": _NOTHING_HERE if missing else _NOT_UNDERSTOOD}
    code = str(said["error"])
    sentence = _SENTENCES.get(code) or said.get("error_description") or _NOT_UNDERSTOOD
    reference = getattr(request, "request_id", "")
    said["error_description"] = f"{sentence} (Reference: {reference})" if reference else sentence
    answer = HttpResponse(json.dumps(said), status=response.status_code, content_type=MEDIA_TYPE)
    for name in ("X-Request-Id", "Allow", "Retry-After", "WWW-Authenticate"):
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    answer.headers["Cache-Control"] = "no-store"
    return answer, code


def _said(response: HttpResponseBase) -> dict[str, Any] | None:
    if not isinstance(response, HttpResponse) or not response.headers.get("Content-Type", "").startswith(MEDIA_TYPE):
        return None
    try:
        said = json.loads(response.content)
    except ValueError:
        return None
    return said if isinstance(said, dict) and "error" in said else None
