"""The page of a connection that reads the metadata of its IdP, compares it with the settings, and adopts it."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest

from core_identity.admin_kit.forms import ActForm, ConfirmsPreview
from core_identity.admin_kit.pages import Access, ConnectionPage
from core_identity.brand import BRAND
from core_identity.vendor_choice import vendors_for
from sso.metadata_file import LONGEST, text_of
from sso.set_up_advice import ADVICE
from sso.settings.idp_changes import CHANGED, Difference, adopt, difference, read_source, settings_or_new

if TYPE_CHECKING:
    from core_identity.models import Connection


class IdpMetadataForm(ConfirmsPreview, ActForm):
    """The first button shows the difference. The second button adopts it, if it is still the same difference."""

    metadata = forms.CharField(
        label="Metadata of the identity provider",
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField", "spellcheck": "false"}),
    )
    file = forms.FileField(label="Or the file", required=False)
    url = forms.CharField(
        label="Or its address",
        required=False,
        max_length=2000,
        widget=forms.TextInput(attrs={"class": "vLargeTextField", "spellcheck": "false"}),
        help_text=f"https. {BRAND} fetches it, so it must be on the public Internet.",
    )
    entity_id = forms.CharField(
        label="Entity ID",
        required=False,
        max_length=1024,
        widget=forms.TextInput(attrs={"class": "vLargeTextField", "spellcheck": "false"}),
        help_text="Only if the document describes several identity providers.",
    )
    keep_url = forms.BooleanField(
        label="Keep the address for refreshes",
        required=False,
        help_text=f"A refresh never changes which certificates {BRAND} accepts. New ones appear on this page until you adopt them.",
    )

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        self.connection = connection
        self.saml = settings_or_new(connection)
        self.difference: Difference | None = None
        super().__init__(request, initial={"keep_url": bool(self.saml.metadata_url)})
        self.files = request.FILES
        self.fields["metadata"].help_text = f"The whole XML. {ADVICE[vendors_for(request)['vendor']]['metadata'].do}"

    def clean(self) -> None:
        sources = [name for name in ("metadata", "file", "url") if self.cleaned_data.get(name)]
        if len(sources) > 1:
            self.add_error(
                sources[-1], "Paste the metadata, choose its file, or enter its address. Use one of the three."
            )
        elif sources == ["file"]:
            try:
                self.cleaned_data["metadata"] = text_of(self.cleaned_data["file"])
            except forms.ValidationError as error:
                self.add_error("file", error)
                return
            # A browser sends a file only once, so the field keeps its content for the second button.
            self.data = {**self.data.dict(), "metadata": self.cleaned_data["metadata"]}  # type: ignore[attr-defined]  # a QueryDict

    button = "adopt"
    changed = CHANGED

    def preview(self) -> None:
        form_data = self.cleaned_data
        xml = form_data["metadata"].encode() if form_data["metadata"] else None
        self.found, proposed = read_source(
            self.connection, xml=xml, url=form_data["url"], entity_id=form_data["entity_id"]
        )
        self.kept_url = (
            None if proposed else (form_data["url"] or self.saml.metadata_url) if form_data["keep_url"] else ""
        )
        self.difference = difference(self.saml, self.found, url=self.kept_url)
        self.preview_digest = self.difference.seen

    def write(self) -> Difference:
        return adopt(
            actor=self.actor, connection=self.connection, read=self.found, seen=self.preview_digest, url=self.kept_url
        )


class MetadataPage(ConnectionPage):
    """For superusers, because an administrator who chooses the trusted certificates could sign in as any user."""

    name = "metadata"
    title = "Metadata of the identity provider of {row.name}"
    access = Access.SUPERUSER
    form_class = IdpMetadataForm
    template_name = "admin/sso/metadata.html"
    done = "The metadata of {row.name}'s identity provider is adopted."

    def facts(self, form: IdpMetadataForm) -> dict[str, Any]:
        return {"saml": form.saml, "difference": form.difference}
