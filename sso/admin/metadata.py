"""The page of a connection on which the metadata of its IdP is read, compared with what stands, and adopted."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import ActForm
from sso.idp_changes import Difference, adopt, difference, read_source, settings_or_new

if TYPE_CHECKING:
    from core_identity.models import Connection


class IdpMetadataForm(ActForm):
    """Shows the difference; adopts it at the press of the second button, if it is still the one that was shown."""

    metadata = forms.CharField(
        label="Metadata of the IdP",
        required=False,
        max_length=1024 * 1024,
        widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="The whole XML. In Okta: the app, Sign On, SAML Signing Certificates, View IdP metadata.",
    )
    url = forms.CharField(
        label="Or its address",
        required=False,
        max_length=2000,
        widget=forms.TextInput(attrs={"class": "vLargeTextField", "spellcheck": "false"}),
        help_text="https. CORE fetches it, so it must be on the public Internet.",
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
        help_text="A refresh never changes which certificates CORE accepts. New ones appear on this page until you adopt them.",
    )

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        self.connection = connection
        self.saml = settings_or_new(connection)
        self.difference: Difference | None = None
        super().__init__(request, initial={"keep_url": bool(self.saml.metadata_url)})

    def clean(self) -> None:
        if self.cleaned_data.get("metadata") and self.cleaned_data.get("url"):
            self.add_error("url", "Give either the metadata or its address, not both.")

    def write(self) -> Difference | None:
        """Return what was adopted, None where it was only to be shown."""
        said = self.cleaned_data
        xml = said["metadata"].encode() if said["metadata"] else None
        read, proposed = read_source(self.connection, xml=xml, url=said["url"], entity_id=said["entity_id"])
        url = None if proposed else (said["url"] or self.saml.metadata_url) if said["keep_url"] else ""
        self.difference = difference(self.saml, read, url=url)
        if "adopt" not in self.data:
            return None
        seen = self.data.get("seen", "")
        return adopt(actor=self.actor, connection=self.connection, read=read, seen=seen, url=url)


class MetadataPages(CoreAdmin):
    def get_urls(self) -> Any:
        return [*self.own_page("metadata", self.metadata_view), *super().get_urls()]

    def metadata_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        if not request.user.is_superuser:
            raise PermissionDenied  # whoever changes whom we believe could sign in as anybody
        form = IdpMetadataForm(request, connection=connection)
        if form.submit() and form.written is not None:
            self.message_user(
                request, f"The metadata of {connection}'s identity provider is adopted.", messages.SUCCESS
            )
            return self.to_change_page(connection)
        title = f"Metadata of the IdP of {connection}"
        return self.page(
            request,
            "admin/sso/metadata.html",
            title=title,
            form=form,
            obj=connection,
            saml=form.saml,
            difference=form.difference,
        )
