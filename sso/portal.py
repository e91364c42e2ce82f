"""The part of the set-up by a link that is about SAML: the customer's IT administrator sends metadata, and tests a sign-in (R38)."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from core_identity.admin_kit.forms import ConfirmsPreview
from core_identity.portal.links import actor_of, require_live
from core_identity.portal.pages import portal_page
from core_identity.portal.trust import Proposed, knows_nobody, propose, waiting_proposal
from core_identity.values import Actor
from core_identity.vendor_choice import vendors_for
from sso.metadata_file import LONGEST, text_of
from sso.models import SamlSettings
from sso.set_up_advice import ADVICE
from sso.settings.idp_changes import CHANGED, Difference, adopt, difference, read_source, settings_or_new
from sso.sign_in.progress import remember_browser
from sso.sign_in.redirects import send_to_idp
from sso.sign_in.sign_in_tests import begin_test_of_link, take_report_of_link

if TYPE_CHECKING:
    from core_identity.models import SetupLink


class MetadataForm(ConfirmsPreview, forms.Form):
    """Shows the difference. The second button sends it. No address: nobody outside makes CORE fetch one."""

    metadata = forms.CharField(
        label="The metadata, pasted",
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    file = forms.FileField(label="Or the file", required=False)

    button = "send"
    changed = CHANGED

    def __init__(self, request: HttpRequest, link: "SetupLink") -> None:
        self.request, self.link = request, link
        self.saml = settings_or_new(link.connection)
        self.difference: Difference | None = None
        is_sent = request.method == "POST"
        super().__init__(request.POST.copy() if is_sent else None, request.FILES if is_sent else None)

    @property
    def actor(self) -> Actor:
        return actor_of(self.link, self.request)

    def clean(self) -> None:
        pasted, file = self.cleaned_data.get("metadata"), self.cleaned_data.get("file")
        if self.errors:
            return
        if bool(pasted) == bool(file):
            self.add_error("metadata", "Paste the metadata, or choose the file. One of the two.")
        elif file:
            self._paste(file)

    def _paste(self, file: Any) -> None:
        """Put the content of the file into the field, because a browser sends a file only once."""
        try:
            content = text_of(file)
        except forms.ValidationError as error:
            self.add_error("file", error)
            return
        self.cleaned_data["metadata"] = content
        self.data["metadata"] = content  # type: ignore[index]  # a copy of our own

    def preview(self) -> None:
        self.found, _ = read_source(self.link.connection, xml=self.cleaned_data["metadata"].encode())
        self.difference = difference(self.saml, self.found)
        self.preview_digest = self.difference.seen

    @transaction.atomic
    def write(self) -> bool:
        """Install the metadata, or leave it for a superuser. Return whether it was installed.

        The connection decides at this moment, under its locks: if a person arrives meanwhile, the metadata waits for a superuser.
        """
        connection = require_live(self.link)
        if knows_nobody(connection):
            adopt(actor=self.actor, connection=connection, read=self.found, seen=self.preview_digest)
            return True
        propose(actor=self.actor, link=self.link, kind=Proposed.METADATA, payload=self.cleaned_data["metadata"])
        return False


@portal_page("GET", "HEAD", "POST")
def metadata(request: HttpRequest, link: "SetupLink") -> HttpResponse:
    form = MetadataForm(request, link)
    if request.method == "POST" and form.submit():
        page = {"connection": link.connection, "is_installed": form.written}
        return render(request, "portal/metadata_sent.html", page)
    waiting = waiting_proposal(link.connection, Proposed.METADATA)
    page = {
        "connection": link.connection,
        "form": form,
        "difference": form.difference,
        "waiting": waiting,
        "advice": ADVICE[vendors_for(request)["vendor"]]["metadata"],
    }
    return render(request, "portal/metadata.html", page)


@portal_page("GET", "HEAD", "POST")
def test(request: HttpRequest, link: "SetupLink") -> HttpResponse:
    """Explain the test sign-in; at the press of the button go to the IdP."""
    saml = SamlSettings.objects.select_related("connection").filter(connection=link.connection).first()
    if saml is None:
        return redirect("portal")
    page: dict[str, Any] = {"connection": link.connection}
    if request.method != "POST":
        return render(request, "portal/test.html", page)
    departure = begin_test_of_link(request, saml, link)
    if departure.message.fields:
        response = send_to_idp(request, saml, departure.message)
    else:
        page["away"] = departure.message.url
        response = render(request, "portal/test.html", page)
        # Not a redirect: browsers apply form-action to redirects too.
        response["Refresh"] = f"0; url={departure.message.url}"
    remember_browser(response, departure.browser_token)
    return response


@portal_page("GET")
def tested(request: HttpRequest, link: "SetupLink") -> HttpResponse:
    """Show, once, the IdP's side of what the test found."""
    report = take_report_of_link(request, link, ticket=request.GET.get("ticket", ""))
    return render(request, "portal/tested.html", {"connection": link.connection, "report": report})
