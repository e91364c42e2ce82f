"""Discovery for OAuth clients: the authorization server (RFC 8414), and SCIM as its protected resource (RFC 9728)."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from oauth2_provider.settings import oauth2_settings

from core_identity.credentials import credential
from scim.oauth.authentication import SCOPE
from scim.views.oauth import GRANT_TYPES


@credential("none")
@require_safe
def authorization_server(request: HttpRequest) -> HttpResponse:
    """Return the metadata of the authorization server (RFC 8414). One server serves all connections, so its issuer is ``PUBLIC_URL``."""
    methods = ["client_secret_basic", "client_secret_post"]
    return JsonResponse(
        {
            "issuer": settings.PUBLIC_URL,
            "authorization_endpoint": settings.PUBLIC_URL + reverse("oauth-authorize"),
            "token_endpoint": settings.PUBLIC_URL + reverse("oauth-token"),
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint": settings.PUBLIC_URL + reverse("oauth-revoke-token"),
            "revocation_endpoint_auth_methods_supported": methods,
            "introspection_endpoint": settings.PUBLIC_URL + reverse("oauth-introspect"),
            "introspection_endpoint_auth_methods_supported": methods,
            "scopes_supported": list(oauth2_settings.SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": list(GRANT_TYPES),
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
    )


@credential("none")
@require_safe
def protected_resource(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the metadata of a SCIM service (RFC 9728 section 3). Every slug gets an answer, so nobody learns which connections exist."""
    return JsonResponse(
        {
            "resource": f"{settings.PUBLIC_URL}/scim/{slug}/v2",
            "authorization_servers": [settings.PUBLIC_URL],
            "scopes_supported": [SCOPE],
            "bearer_methods_supported": ["header"],
        }
    )
