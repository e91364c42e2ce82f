"""The endpoints of OAuth 2 that this service needs, and no others.

With the toolkit's own list, any signed-in user could register a client.
"""

import json
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauth2_provider.models import get_grant_model
from oauth2_provider.views import RevokeTokenView, TokenView

from core_identity.budgets import spend_on_failure
from core_identity.credentials import credential
from core_identity.errors import HashersBusy
from scim.addresses import parameter_not_utf8
from scim.oauth.server import REFERENCE, client_of, introspected

GRANT_TYPES: Final = ("authorization_code", "client_credentials", "refresh_token")
"""The toolkit has more. They check a user's password or a device's code before they check the client's permission."""

BASIC: Final = 'Basic realm="oauth", charset="UTF-8"'
"""The challenge for clients (RFC 6749 section 5.2, RFC 7617)."""


@credential("client")
@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Answer a token request (RFC 6749 section 3.2). The URL may contain the scope, because Okta writes it there, and nothing else."""
    return _endpoint(request, _token)


@credential("client")
@csrf_exempt
def revoke_token(request: HttpRequest) -> HttpResponse:
    """Revoke a token (RFC 7009)."""
    return _endpoint(request, _REVOKE_VIEW)


@credential("client")
@csrf_exempt
def introspect(request: HttpRequest) -> HttpResponse:
    """Return the state of a token (RFC 7662), to the client that received it and to no other."""
    return _endpoint(request, _introspect)


def _introspect(request: HttpRequest) -> HttpResponse:
    client = client_of(request)
    if client is None:
        return _error("invalid_client", "Client ID and secret do not match.", status=401)
    if not request.POST.get("token"):
        return _error("invalid_request", "Send the token in the body.")
    return JsonResponse(introspected(client, request.POST["token"]))


@sensitive_post_parameters("client_secret", "code", "code_verifier", "refresh_token")
def _token(request: HttpRequest) -> HttpResponse:
    """Answer as the toolkit's own view does, without its signal: the view would read each token again, and nobody receives the signal."""
    _, headers, body, status = TokenView.get_oauthlib_core().create_token_response(request)
    return HttpResponse(body, status=status, headers=headers)


_REVOKE_VIEW = RevokeTokenView.as_view()


def _endpoint(request: HttpRequest, view: Any) -> HttpResponse:
    """Answer a request by a ``view`` of the toolkit, or refuse it with an error of OAuth."""
    refusal = _refusal_of(request)
    if refusal is not None:
        return refusal
    _prepare(request)
    try:
        response: HttpResponse = view(request)
    except get_grant_model().DoesNotExist:
        # The toolkit reads the code several times. Meanwhile another request with the same code may succeed, and a code is valid once.
        return _error("invalid_grant", "The code was used already.")
    except HashersBusy as busy:  # a secret with a hash of the toolkit, which is as slow as that of a password
        return _error("temporarily_unavailable", busy.message, status=503, **{"Retry-After": str(busy.seconds)})
    return _limit_failures(request, _set_headers(response))


def _refusal_of(request: HttpRequest) -> HttpResponse | None:
    """Return the refusal of a request that the toolkit would misread; None for any other."""
    if request.method != "POST":
        return _error("invalid_request", "This address takes POST requests only.", status=405, Allow="POST")
    # The toolkit fails on a bare % in the query and refuses any parameter there. And logs contain URLs, so no secret may be in one.
    if _query(request).keys() - {"scope"}:
        return _error("invalid_request", "Send the parameters in the body; only scope may be in the URL.")
    if parameter_not_utf8(request) is not None:
        return _error("invalid_request", "The parameters of the URL must be UTF-8, percent-encoded.")
    if request.content_type != "application/x-www-form-urlencoded":
        return _error("invalid_request", "Send the parameters as application/x-www-form-urlencoded.")
    form = request.POST
    if any("\0" in value for values in form.lists() for value in (values[0], *values[1])):
        return _error("invalid_request", "A parameter contains a character that no text can contain.")
    if any(len(values) > 1 for _, values in form.lists()):  # RFC 6749 section 3.2
        return _error("invalid_request", "A parameter may be sent only once.")
    if form.get("grant_type", "client_credentials") not in GRANT_TYPES:
        return _error("unsupported_grant_type", f"grant_type must be one of {', '.join(GRANT_TYPES)}.")
    return None


def _prepare(request: HttpRequest) -> None:
    """Move the scope from the URL to the body, and let the toolkit see nothing of the URL."""
    form, scope = request.POST.copy(), _query(request).get("scope")
    if scope is not None:
        form.setdefault("scope", scope)
    if form.get("grant_type") in ("refresh_token", "client_credentials") and "scope" in form:
        # A client that sends offline_access means it in addition: a token without the scope scim opens nothing.
        form["scope"] = " ".join(dict.fromkeys(["scim", *str(form["scope"]).split()]))
    request.META["QUERY_STRING"] = ""
    request.META[REFERENCE] = getattr(request, "request_id", "")
    request.POST = form  # type: ignore[assignment]


def _query(request: HttpRequest) -> dict[str, str]:
    return dict(parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True))


def _limit_failures(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the response, or refuse the request if it failed as too many others of its address did."""
    if response.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED):
        # Counted only after a failure: all customers of Okta share an address with each other, and one that guesses must not block the others.
        # Secrets, codes and tokens are too long to be guessed at any speed, and a guess costs one hash. The budget limits the load.
        wait = spend_on_failure(request)
        if wait:
            return _error(
                "temporarily_unavailable",
                f"Too many failed attempts from this address. Try again in {wait} seconds.",
                status=429,
                **{"Retry-After": str(wait)},
            )
    return response


def _set_headers(response: HttpResponse) -> HttpResponse:
    # The toolkit sends a challenge for Bearer, which opens nothing here.
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = BASIC
    if not response.get("Content-Type", "").startswith("application/json"):
        response["Content-Type"] = "application/json"
    response["Cache-Control"] = "no-store"
    return response


def _error(error: str, description: str, *, status: int = 400, **headers: str) -> HttpResponse:
    """Return an error (RFC 6749 section 5.2)."""
    body = json.dumps({"error": error, "error_description": description})
    return HttpResponse(
        body, status=status, content_type="application/json", headers={"Cache-Control": "no-store", **headers}
    )
