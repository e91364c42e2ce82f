"""Consent to provisioning (RFC 6749 section 4.1): asked of a superuser or of the browser of the connection's set-up link, and of nobody else (R14).

The toolkit's own page would take the consent of any signed-in end user, and hand out a SCIM token for it.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from oauth2_provider.exceptions import OAuthToolkitError
from oauth2_provider.views import AuthorizationView

from core_identity.admin_kit.forms import actor_of
from core_identity.credentials import credential
from core_identity.portal import links
from scim.addresses import parameter_not_utf8
from scim.consents import note_answer
from scim.models import OAuthClient

if TYPE_CHECKING:
    from core_identity.models import SetupLink, User

UNDERSTOOD: Final = (
    "client_id", "redirect_uri", "response_type", "state", "scope", "code_challenge", "code_challenge_method"
)  # fmt: skip
"""What is read of an authorization request. The rest (nonce, prompt, claims, resource …) is for other products."""


@dataclass(frozen=True)
class Consenter:
    """Who answers: a superuser, or a set-up contact for whom the maker of the link stands."""

    user: "User"
    label: str
    link: "SetupLink | None" = None

    def may_speak_for(self, client: OAuthClient) -> bool:
        return self.link is None or self.link.connection_id == client.connection_id


def consenter_of(request: HttpRequest) -> Consenter | None:
    """Return who may answer in this browser. A superuser who signed in is one; a session of anybody else is not."""
    user = request.user
    if user.is_authenticated and user.is_superuser:
        return Consenter(user, user.username)
    link = links.current_link(request)
    if link is not None and link.consented_at is None:
        return Consenter(link.made_by, links.actor_of(link, request).label, link)
    return None


class Consent(AuthorizationView):  # type: ignore[misc]  # the toolkit publishes no types
    """The toolkit checks the request and makes the code; here is who may be asked, and what is asked."""

    template_name = "scim/consent.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.consenter = consenter_of(request)
        if self.consenter is None:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), reverse("admin:login"))
            return _refused(
                request, "Only an administrator of CORE, or the set-up contact of the connection, can do this."
            )
        self.oauth2_data: dict[str, Any] = {}
        if request.method == "GET":
            if parameter_not_utf8(request) is not None:
                raise BadRequest(
                    "A parameter is not UTF-8."
                )  # state and redirect URI go back as they came, or not at all
            query = cleaned_query(request.META.get("QUERY_STRING", ""))
            request.META["QUERY_STRING"], request.GET = query, QueryDict(query)
        client = OAuthClient.objects.select_related("connection").filter(client_id=_asked(request, "client_id")).first()
        if client is None or not client.connection.enabled or not self.consenter.may_speak_for(client):
            return _refused(
                request, "There is no such client here. Compare the client ID with the connection's setup sheet."
            )
        self.client = client
        # Past LoginRequiredMixin: a set-up contact has no user, and the question of who may is answered above.
        return super(LoginRequiredMixin, self).dispatch(request, *args, **kwargs)  # type: ignore[no-any-return, misc]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        error = kwargs.get("error")
        told = {"client": self.client, "connection": self.client.connection, "consenter": self.consenter}
        return {
            **super().get_context_data(**kwargs),
            **told,
            "problem": getattr(error, "description", "") if error else "",
        }

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().render_to_response(context, **kwargs)
        target = urlsplit(str(context.get("redirect_uri") or ""))
        if target.netloc and "error" not in context:
            # Chromium holds a form to form-action on the redirect after it, too: without this the code never arrives.
            response._csp_update = {"form-action": [f"{target.scheme}://{target.netloc}"]}  # type: ignore[attr-defined]
        return response

    def create_authorization_response(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Make the code in the name of whoever answers, and tell the story."""
        assert self.consenter is not None  # noqa: S101 - dispatch let nobody else through
        signed_in, request.user = request.user, self.consenter.user
        try:
            answer = super().create_authorization_response(request, **kwargs)
        except OAuthToolkitError:
            if not kwargs["allow"]:
                self._tell(allowed=False, credentials=kwargs["credentials"])
            raise
        finally:
            request.user = signed_in
        if "code" in dict(parse_qsl(urlsplit(answer[0]).query)):  # otherwise the answer is an error for the client
            self._tell(allowed=True, credentials=kwargs["credentials"])
        return answer

    def _tell(self, *, allowed: bool, credentials: dict[str, Any]) -> None:
        assert self.consenter is not None  # noqa: S101
        link = self.consenter.link
        actor = actor_of(self.request) if link is None else links.actor_of(link, self.request)
        note_answer(
            actor=actor,
            client=self.client,
            user=self.consenter.user,
            allowed=allowed,
            redirect_uri=credentials["redirect_uri"],
        )
        if allowed and link is not None:
            links.use_consent(link)


def cleaned_query(query: str) -> str:
    """Return the query with what is understood, and with the scope that SCIM needs.

    Okta's administrators append ``?scope=offline_access`` to get a refresh token, and mean *also*. A bare % is read as it stands, where the
    toolkit would fail.
    """
    said = [(name, value) for name, value in parse_qsl(query) if name in UNDERSTOOD]  # empty is omitted (RFC 6749, 3.1)
    scopes = " ".join(value for name, value in said if name == "scope").split()
    kept = [(name, value) for name, value in said if name != "scope"]
    return urlencode([*kept, ("scope", " ".join(dict.fromkeys(["scim", *scopes])))])


def _asked(request: HttpRequest, name: str) -> str:
    return (request.POST if request.method == "POST" else request.GET).get(name, "").replace("\0", "")


def _refused(request: HttpRequest, sentence: str) -> HttpResponse:
    return render(request, "scim/refused.html", {"sentence": sentence}, status=HTTPStatus.FORBIDDEN)


authorize = credential("staff")(never_cache(Consent.as_view()))
