"""The SAML side of a connection, as an administrator fills it in: the same words as a connection file."""

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

import sso.settings.changes
from core_identity.admin_kit.forms import ActForm, ConfirmsPreview
from core_identity.admin_kit.pages import ConnectionPage
from core_identity.brand import BRAND
from core_identity.errors import NotAllowed
from sso.admin.consequences import Consequence, consequences
from sso.models import SamlSettings
from sso.settings.keys import keys_of

if TYPE_CHECKING:
    from core_identity.models import Connection

NO_KEY: Final = (
    "There is no key of ours yet, so the identity provider cannot encrypt and everybody would be refused. Create one on the page Our SAML keys, "
    "give its certificate to the identity provider, and require encryption only after one encrypted sign-in succeeded."
)


class SamlForm(ConfirmsPreview, ActForm):
    """The first button previews the changes with their consequences. The second button saves them, if the preview is still right.

    The first settings of a connection are saved at once, because nobody can sign in through it yet.
    """

    idp_metadata = forms.CharField(
        label="Metadata of the identity provider",
        max_length=1024 * 1024,
        widget=forms.Textarea(attrs={"rows": 12, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="The whole XML. In Okta: the app, Sign On, SAML Signing Certificates, View IdP metadata. "
        "Later you can change it on a separate page.",
    )
    email_domains = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="One per line. The sign-in page uses a domain once you verify it on the page Email domains.",
    )
    GROUPS: ClassVar[tuple[tuple[str, tuple[str, ...]], ...]] = (
        ("Where sign-ins start, and how people prove their identity", ("idp_initiated", "force_authn", "authn_context", "name_id_format")),
        (f"What {BRAND} accepts", ("signed", "want_encrypted", "clock_skew")),
        (f"What {BRAND} sends, and how", ("sign_requests", "sign_metadata", "sso_binding", "slo_binding")),
    )  # fmt: skip
    """The settings that have a field of the model, by subject."""
    button = "save"

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        self.connection = connection
        self.found = SamlSettings.objects.filter(connection=connection).first()
        self.consequences: list[Consequence] | None = None
        self.hints: list[str] = []
        saml = self.found or SamlSettings()
        names = {name: name for _, names in self.GROUPS for name in names}
        names |= {name: f"{name}_attribute" for name in SamlSettings.ATTRIBUTES}
        shown = {name: getattr(saml, field) for name, field in names.items()}
        super().__init__(request, initial={**shown, "email_domains": "\n".join(saml.email_domains)})
        for name, field in names.items():
            model_field: Any = SamlSettings._meta.get_field(field)
            required = name in SamlSettings.ATTRIBUTES and not model_field.blank
            form_field = model_field.formfield(required=required, label=capfirst(model_field.verbose_name))
            if isinstance(form_field, forms.CharField):  # URNs are long
                form_field.widget.attrs |= {"class": "vLargeTextField", "spellcheck": "false"}
            self.fields[name] = form_field
        if self.found is not None:  # the page *Metadata of the IdP* changes it, after a preview
            del self.fields["idp_metadata"]

    def fieldsets(self) -> list[tuple[str | None, dict[str, Any]]]:
        """Return the fields by subject."""
        first: list[tuple[str | None, tuple[str, ...]]] = [] if self.found else [(None, ("idp_metadata",))]
        last = (
            ("The way from the sign-in page", ("email_domains",)),
            ("Names of the attributes that the identity provider sends", SamlSettings.ATTRIBUTES),
        )
        return [(heading, {"fields": names}) for heading, names in (*first, *self.GROUPS, *last)]

    def clean_want_encrypted(self) -> bool:
        want_encrypted = bool(self.cleaned_data["want_encrypted"])
        if want_encrypted and not (self.found and self.found.want_encrypted) and not keys_of(self.connection):
            raise forms.ValidationError(NO_KEY)
        return want_encrypted

    def section(self) -> dict[str, Any]:
        """Return the settings as a connection file would contain them."""
        form_data = dict(self.cleaned_data)
        return {
            # Keep the settings that are not on this page, such as the certificates.
            **(
                sso.settings.changes.section_of(self.found)
                if self.found
                else {"idp_metadata": form_data.pop("idp_metadata")}
            ),
            "attributes": {name: form_data.pop(name) for name in SamlSettings.ATTRIBUTES},
            "email_domains": form_data.pop("email_domains").split(),
            **{name: None if value == "" else value for name, value in form_data.items()},
        }

    def preview(self) -> None:
        if self.found is not None:
            changes = sso.settings.changes.plan(self.connection, self.section(), base_dir=None)
            self.consequences, self.preview_digest = consequences(changes), sso.settings.changes.seen_as(changes)

    def confirmed(self) -> bool:
        return self.found is None or super().confirmed()

    def write(self) -> SamlSettings:
        section, seen = self.section(), self.preview_digest if self.found else None
        saml = sso.settings.changes.apply(self.connection, section, base_dir=None, actor=self.actor, seen=seen)
        if self.found is None:
            self.hints = sso.settings.changes.hints(saml, section, base_dir=None)
        return saml


class SettingsPage(ConnectionPage):
    name = "saml"
    title = "SAML settings of {row.name}"
    form_class = SamlForm
    template_name = "admin/sso/settings.html"
    done = "The SAML settings of {row.name} are saved."

    def may_open(self) -> bool:
        """The first metadata decides which certificates are trusted. An administrator who chooses it could sign in as any user."""
        return self.request.user.is_superuser or hasattr(self.row, "saml")

    def fieldsets(self, form: SamlForm) -> list[tuple[str | None, dict[str, Any]]]:
        return form.fieldsets()

    def form_valid(self, form: SamlForm) -> HttpResponse:
        answer = super().form_valid(form)
        for hint in form.hints:
            messages.warning(self.request, hint)
        return answer


def require_settings(connection: "Connection") -> SamlSettings:
    """Return the SAML side of a connection; raise `NotAllowed` if there is none yet."""
    found = SamlSettings.objects.filter(connection=connection).first()
    if found is None:
        raise NotAllowed(f"SAML is not set up for {connection} yet.")
    return found
