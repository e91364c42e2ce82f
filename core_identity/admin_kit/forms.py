"""Forms of the administration: each one writes by a service, and shows why the service refuses."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest

from core_identity.errors import IdentityError, InvalidValue, NotAllowed, SettingsErrors
from core_identity.values import Actor, ActorKind, Channel


def actor_of(request: HttpRequest) -> Actor:
    """Return the administrator who sent ``request``, as the actor of events."""
    user = request.user
    reference = request.request_id  # type: ignore[attr-defined]  # by RequestIdMiddleware
    return Actor(Channel.ADMIN, ActorKind.ADMIN, user.get_username(), id=str(user.pk), request_id=reference)


class WrittenByService(forms.BaseForm):
    """A form that only validates; `submit` then writes by a service.

    If the service refuses, nothing was changed, and its reasons are errors of the form. ``written`` is what the service returned.
    """

    request: HttpRequest
    written: Any = None
    refusal: forms.ValidationError | None = None
    """Why the service refused this form, if Django's change page is shown again for that reason."""

    def write(self) -> Any:
        raise NotImplementedError  # pragma: no cover - each form has its own

    def try_to_write(self) -> Any:
        """Run `write`; a subclass can ask for a confirmation first."""
        return self.write()

    @property
    def actor(self) -> Actor:
        return actor_of(self.request)

    def submit(self) -> bool:
        """Write if everything is valid, and return whether it was written."""
        if not self.is_valid():
            return False
        written = self.or_errors(self.try_to_write)
        self.written = None if self.errors else written
        return not self.errors

    def or_errors(self, act: Callable[[], Any]) -> Any:
        """Run ``act`` and return its result. If a service refuses, its reasons become errors of the form, and the result is None."""
        try:
            return act()
        except SettingsErrors as several:
            for fault in several.faults:
                field = fault.path.rpartition(".")[2]
                known = field in self.fields
                self.add_error(field if known else None, fault.message if known else f"{fault.path}: {fault.message}")
        except InvalidValue as refused:
            self.add_error(refused.field if refused.field in self.fields else None, refused.message)
        except IdentityError as refused:
            self.add_error(None, refused.message)
        return None

    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound and self.refusal is not None:
            self.add_error(None, self.refusal)


class ActForm(WrittenByService, forms.Form):
    """The form of a page with one button, such as expire or switch off. Not ``decided`` means: the request only opens the page.

    The row of the page becomes an attribute by the name of its model; a form declares it, for example as ``connection: Connection``.
    """

    def __init__(self, request: HttpRequest, *, decided: bool = True, initial: Any = None, **row: Any) -> None:
        self.request = request
        for name, value in row.items():
            setattr(self, name, value)
        super().__init__(request.POST if decided and request.method == "POST" else None, initial=initial)


class ConfirmsPreview(WrittenByService):
    """A form that writes only what its page showed.

    The page sends ``preview_digest`` back as ``shown``. If the preview would be different now, nothing is written.
    """

    button: ClassVar[str] = ""
    """The name of the second button, if the first one only shows what would happen."""
    changed: ClassVar[str] = "The settings changed while you were looking. Review the changes again."
    preview_digest: str = ""

    def preview(self) -> None:
        """Compute the preview for the page, and ``preview_digest``, its digest. It only reads."""

    def submit(self) -> bool:
        return self.is_previewed() and self.confirmed() and super().submit()

    def is_previewed(self) -> bool:
        """Validate, compute the preview, and return whether there was no error."""
        if self.is_valid():
            self.or_errors(self.preview)
        return not self.errors

    def confirmed(self) -> bool:
        return not self.button or self.button in self.data

    def is_as_shown(self) -> bool:
        return bool(self.data.get("shown", "") == self.preview_digest)

    def try_to_write(self) -> Any:
        if not self.is_as_shown():
            raise NotAllowed(self.changed)
        return super().try_to_write()


class ReasonForm(ActForm):
    """A form that asks for a reason, which stays in the history of the user for years."""

    reason = forms.CharField(
        max_length=1024,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text="Stored in the events permanently. For example: ticket 4711.",
    )
