"""Consent to provisioning (RFC 6749 section 4.1), only by a superuser or by the browser of the connection's set-up link (R14).

The toolkit's own page would accept the consent of any signed-in end user, and give out a SCIM token for it.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from oauth2_provider.exceptions import OAuthToolkitError
from oauth2_provider.views import AuthorizationView

from core_identity.admin_kit.forms import actor_of
from core_identity.brand import BRAND
from core_identity.credentials import credential
from core_identity.errors import NotAllowed
from core_identity.portal import links
from core_identity.portal.pages import wait_for_acts
from core_identity.services.locks import lock_connection, require_enabled
from scim.addresses import parameter_not_utf8
from scim.models import OAuthClient
from scim.oauth.consents import note_answer

if TYPE_CHECKING:
    from core_identity.models import SetupLink, User

UNDERSTOOD: Final = (
    "client_id", "redirect_uri", "response_type", "state", "scope", "code_challenge", "code_challenge_method"
)  # fmt: skip
"""The parameters of an authorization request that are read. The others (nonce, prompt, claims, resource …) are for other products."""


@dataclass(frozen=True)
class Consenter:
    """The person who answers: a superuser, or a set-up contact with the authority of the creator of the link.

    ``label`` is for the page. A set-up contact does not read there who created the link (R38).
    """

    user: "User"
    label: str
    link: "SetupLink | None" = None

    def may_speak_for(self, client: OAuthClient) -> bool:
        return self.link is None or self.link.connection_id == client.connection_id


def consenter_of(request: HttpRequest) -> Consenter | None:
    """Return the person who may answer in this browser; None if there is none. The session of an ordinary user does not count."""
    user = request.user
    if user.is_authenticated and user.is_superuser:
        return Consenter(user, user.username)
    link = links.current_link(request)
    if link is not None and link.consented_at is None:
        return Consenter(link.created_by, f"set-up contact of {link.connection.name}", link)
    return None


class Consent(AuthorizationView):  # type: ignore[misc]  # the toolkit publishes no types
    """Consent page. The toolkit checks the request and creates the code; this class decides who may answer."""

    template_name = "scim/consent.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.consenter = consenter_of(request)
        if self.consenter is None:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), reverse("admin:login"))
            return _refused(
                request, f"Only an administrator of {BRAND}, or the set-up contact of the connection, can do this."
            )
        self.oauth2_data: dict[str, Any] = {}
        if request.method == "GET":
            if parameter_not_utf8(request) is not None:
                # State and redirect URI are returned exactly as sent, or not at all.
                raise BadRequest("A parameter is not UTF-8.")
            query = cleaned_query(request.META.get("QUERY_STRING", ""))
            request.META["QUERY_STRING"], request.GET = query, QueryDict(query)
        client = (
            OAuthClient.objects.select_related("connection").filter(client_id=_parameter(request, "client_id")).first()
        )
        if client is None or not client.connection.enabled or not self.consenter.may_speak_for(client):
            return _refused(
                request, "There is no such client here. Compare the client ID with the connection's set-up sheet."
            )
        self.client = client
        link = self.consenter.link
        if link is not None and request.method == "POST" and (waiting := wait_for_acts(request, link)):
            return waiting
        try:
            # Skip LoginRequiredMixin: a set-up contact has no user, and the check above decides who may answer.
            return super(LoginRequiredMixin, self).dispatch(request, *args, **kwargs)  # type: ignore[no-any-return, misc]
        except NotAllowed as ended:
            return _refused(request, ended.message)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        error = kwargs.get("error")
        context = {"client": self.client, "connection": self.client.connection, "consenter": self.consenter}
        return {
            **super().get_context_data(**kwargs),
            **context,
            "problem": getattr(error, "description", "") if error else "",
        }

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().render_to_response(context, **kwargs)
        target = urlsplit(str(context.get("redirect_uri") or ""))
        if target.netloc and "error" not in context:
            # Chromium applies form-action also to the redirect after the form. Without this the code never arrives.
            response._csp_update = {"form-action": [f"{target.scheme}://{target.netloc}"]}  # type: ignore[attr-defined]
        return response

    def form_valid(self, form: Any) -> Any:
        """Refuse an address that is not one of the client's. The toolkit would redirect some errors there before it looks at it."""
        if not _is_address_of(self.client, form.cleaned_data["redirect_uri"]):
            sentence = "This address is not a redirect URI of the client. Add it to the client, or start again."
            return _refused(self.request, sentence, HTTPStatus.BAD_REQUEST)
        return super().form_valid(form)

    def create_authorization_response(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Create the code in the name of the person who answers, and record the answer.

        Raises `NotAllowed` if the link or the connection has ended since `dispatch` looked at it.
        """
        assert self.consenter is not None  # noqa: S101 - dispatch let nobody else through
        if not kwargs["allow"]:  # the toolkit checks nothing in this case, and would redirect to any address
            self.validate_authorization_request(request)
        signed_in, request.user = request.user, self.consenter.user
        try:
            with transaction.atomic():
                if kwargs["allow"]:
                    self._require_live()
                answer = super().create_authorization_response(request, **kwargs)
                if "code" in dict(parse_qsl(urlsplit(answer[0]).query)):
                    self._record(allowed=True, credentials=kwargs["credentials"])
                else:  # an error for the client, so the consent of a link is not used up
                    transaction.set_rollback(True)
        except OAuthToolkitError:
            if not kwargs["allow"]:
                self._record(allowed=False, credentials=kwargs["credentials"])
            raise
        finally:
            request.user = signed_in
        return answer

    def _require_live(self) -> None:
        """Lock the connection, as everything that creates a credential does. Use up the consent of a link."""
        assert self.consenter is not None  # noqa: S101
        if self.consenter.link is not None:
            links.use_consent(self.consenter.link)
        else:
            require_enabled(lock_connection(self.client.connection_id))

    def _record(self, *, allowed: bool, credentials: dict[str, Any]) -> None:
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


def _is_address_of(client: OAuthClient, address: str) -> bool:
    try:
        return bool(client.redirect_uri_allowed(address))
    except ValueError:  # not an address at all
        return False


def cleaned_query(query: str) -> str:
    """Return the query with the known parameters, and with the scope for SCIM.

    Okta's administrators append ``?scope=offline_access`` to get a refresh token in addition. A bare % is kept as it is; the toolkit would fail
    on it.
    """
    # An empty parameter counts as omitted (RFC 6749, 3.1).
    parameters = [(name, value) for name, value in parse_qsl(query) if name in UNDERSTOOD]
    scopes = " ".join(value for name, value in parameters if name == "scope").split()
    others = [(name, value) for name, value in parameters if name != "scope"]
    return urlencode([*others, ("scope", " ".join(dict.fromkeys(["scim", *scopes])))])


def _parameter(request: HttpRequest, name: str) -> str:
    return (request.POST if request.method == "POST" else request.GET).get(name, "").replace("\0", "")


def _refused(request: HttpRequest, sentence: str, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> HttpResponse:
    return render(request, "scim/refused.html", {"sentence": sentence}, status=status)


authorize = credential("staff")(never_cache(Consent.as_view()))
