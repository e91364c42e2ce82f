"""Our own SAML keys of a connection, and the steps of their life."""

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.http import Http404, HttpRequest, HttpResponse

from core_identity.admin_kit.forms import ConfirmsPreview, ReasonForm
from core_identity.admin_kit.pages import Access, ConnectionPage, ConnectionReadPage
from sso.admin.settings import require_settings
from sso.models import KeyState, SpKey
from sso.settings.keys import activate_key, certificate_facts, delete_key, keys_of, make_key, opens

if TYPE_CHECKING:
    from core_identity.models import Connection

STEPS: Final = {"create": "Create a key", "activate": "Activate the next key", "delete": "Delete a key"}


class KeyForm(ConfirmsPreview, ReasonForm):
    """One step in the life of our keys. ``step`` is create, activate or delete; ``key`` is the key of the step, None for create."""

    changed = "The keys changed while you were looking. Review them again."
    STEPS: ClassVar[dict[str, Any]] = {"create": make_key, "activate": activate_key, "delete": delete_key}

    def __init__(self, request: HttpRequest, *, connection: "Connection", step: str) -> None:
        super().__init__(request)
        self.connection, self.step = connection, step
        self.fields[
            "reason"
        ].help_text = "Stored in the events permanently. For example: rollover of this year, ticket 4711."
        keys = {key.state: key for key in keys_of(connection)}
        self.first = not keys
        self.key: SpKey | None = {
            "create": None,
            "activate": keys.get(KeyState.NEXT),
            "delete": keys.get(KeyState.OLD) or keys.get(KeyState.NEXT),
        }[step]
        self.fingerprint = self.preview_digest = certificate_facts(self.key.certificate)[0] if self.key else ""

    def write(self) -> SpKey:
        act = self.STEPS[self.step]
        done: SpKey = act(actor=self.actor, connection=self.connection, reason=self.cleaned_data["reason"])
        return done


class KeysPage(ConnectionReadPage):
    """The list of our keys. With ``?certificate=`` the answer is that certificate, as IdPs want it uploaded.

    For superusers, because an IdP recognises us by our key.
    """

    name = "keys"
    title = "Our SAML keys of {row.name}"
    access = Access.SUPERUSER
    template_name = "admin/sso/keys.html"

    def is_too_early(self) -> bool:
        return getattr(self.row, "saml", None) is None

    def answer_instead(self) -> HttpResponse | None:
        require_settings(self.row)
        certificate_id = self.request.GET.get("certificate")
        return None if certificate_id is None else _certificate(self.row, certificate_id)

    def facts(self, form: Any) -> dict[str, Any]:
        keys = keys_of(self.row)
        return {
            "keys": [(key, *certificate_facts(key.certificate), opens(key)) for key in keys],
            "states": {str(key.state) for key in keys},
        }


class KeyPage(ConnectionPage):
    """One step in the life of our keys; the page first explains what it breaks."""

    name = "key"
    access = Access.SUPERUSER
    form_class = KeyForm
    template_name = "admin/sso/key.html"
    done = "Done. These are our keys now."

    def answer_instead(self) -> None:
        require_settings(self.row)
        self.step = self.request.GET.get("step", "")
        if self.step not in STEPS:
            raise Http404("There is no such step.")

    def get_form(self, form_class: Any = None) -> KeyForm:
        return KeyForm(self.request, connection=self.row, step=self.step)

    def get_title(self, form: Any) -> str:
        return STEPS[self.step]

    def next_page(self, form: Any) -> str:
        return self.other_page("keys")


def _certificate(connection: "Connection", state: str) -> HttpResponse:
    found = next((key for key in keys_of(connection) if key.state == state), None)
    if found is None:
        raise Http404("There is no such key.")
    answer = HttpResponse(found.certificate, content_type="application/x-pem-file")
    answer["Content-Disposition"] = f'attachment; filename="core-{connection.slug}-{state}.pem"'
    return answer
