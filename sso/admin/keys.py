"""Our own SAML keys of a connection, and the steps of their life."""

from typing import TYPE_CHECKING, Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import ReasonForm
from core_identity.errors import NotAllowed
from sso.admin.settings import require_settings
from sso.keys import activate_key, certificate_facts, keys_of, make_key, opens, retire_key
from sso.models import KeyState, SpKey

if TYPE_CHECKING:
    from core_identity.models import Connection

STEPS: Final = {"make": "Make a key", "activate": "Let the next key sign", "retire": "Delete a key"}


class KeyForm(ReasonForm):
    """One step of the life of our keys; ``step`` is make, activate or retire, and ``key`` the one that it is about, None where one is made."""

    STEPS: ClassVar[dict[str, Any]] = {"make": make_key, "activate": activate_key, "retire": retire_key}

    def __init__(self, request: HttpRequest, *, connection: "Connection", step: str) -> None:
        super().__init__(request)
        self.connection, self.step = connection, step
        self.fields[
            "reason"
        ].help_text = "Stored in the events permanently. For example: rollover of this year, ticket 4711."
        held = {key.state: key for key in keys_of(connection)}
        self.first = not held
        self.key: SpKey | None = {
            "make": None,
            "activate": held.get(KeyState.NEXT),
            "retire": held.get(KeyState.OLD) or held.get(KeyState.NEXT),
        }[step]
        self.shown = certificate_facts(self.key.certificate)[0] if self.key else ""

    def write(self) -> SpKey:
        if self.data.get("shown", "") != self.shown:
            raise NotAllowed("The keys changed while you were looking. Review them again.")
        act = self.STEPS[self.step]
        done: SpKey = act(actor=self.actor, connection=self.connection, reason=self.cleaned_data["reason"])
        return done


class KeyPages(CoreAdmin):
    def get_urls(self) -> Any:
        return [
            *self.own_page("keys", self.keys_view),
            *self.own_page("key", self.key_view),
            *super().get_urls(),
        ]

    def keys_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """List them; with ``?certificate=`` answer with that certificate, as IdPs want it uploaded."""
        connection = self._for_superuser(request, pk)
        keys = keys_of(connection)
        wanted = request.GET.get("certificate")
        if wanted is not None:
            return _certificate(connection, keys, wanted)
        return self.page(
            request,
            "admin/sso/keys.html",
            title=f"Our SAML keys of {connection}",
            form=forms.Form(),
            obj=connection,
            keys=[(key, *certificate_facts(key.certificate), opens(key)) for key in keys],
            states={str(key.state) for key in keys},
        )

    def key_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """One step, asked first, with what it breaks."""
        connection = self._for_superuser(request, pk)
        step = request.GET.get("step", "")
        if step not in STEPS:
            raise Http404("There is no such step.")
        form = KeyForm(request, connection=connection, step=step)
        if form.submit():
            self.message_user(request, "Done. These are our keys now.", messages.SUCCESS)
            return redirect("admin:core_identity_connection_keys", connection.pk)
        return self.page(request, "admin/sso/key.html", title=STEPS[step], form=form, obj=connection)

    def _for_superuser(self, request: HttpRequest, pk: UUID) -> "Connection":
        connection: Connection = self.changeable(request, pk)
        if not request.user.is_superuser:
            raise PermissionDenied  # by a key of ours the IdP knows us, and whom it lets in
        require_settings(connection)
        return connection


def _certificate(connection: "Connection", keys: list[SpKey], state: str) -> HttpResponse:
    found = next((key for key in keys if key.state == state), None)
    if found is None:
        raise Http404("There is no such key.")
    answer = HttpResponse(found.certificate, content_type="application/x-pem-file")
    answer["Content-Disposition"] = f'attachment; filename="core-{connection.slug}-{state}.pem"'
    return answer
