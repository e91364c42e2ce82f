"""Sending a browser to the IdP with a message: by a redirect, or by a form that sends itself (SAML bindings 3.4, 3.5)."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from sso.models import SamlSettings
from sso.saml.messages import Outgoing


def send_away(request: HttpRequest, saml: SamlSettings, away: Outgoing) -> HttpResponse:
    """Answer with what takes the browser and the message to the IdP. Without scripts the form waits for its button."""
    if not away.fields:
        return HttpResponseRedirect(away.url)
    return may_post_to(render(request, "sso/going_away.html", {"connection": saml.connection, "away": away}), away.url)


def may_post_to(response: HttpResponse, url: str) -> HttpResponse:
    """Let this one page post to the IdP. Chromium holds the form to it on redirects after it, too."""
    place = urlsplit(url)
    response._csp_update = {"form-action": [f"{place.scheme}://{place.netloc}"]}  # type: ignore[attr-defined]
    return response
