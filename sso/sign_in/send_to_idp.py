"""Send a browser to the IdP with a message: by a redirect, or by a form that a script submits (SAML bindings 3.4, 3.5)."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from sso.models import SamlSettings
from sso.saml.messages import Outgoing


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
