"""The sign-in of the administration: Django's, with a budget before the hash and an event after it (R34, R39)."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse

from core_identity.budgets import hash_of_address
from core_identity.password_guard import require_password_budget
from core_identity.services.password_events import note_refusal, note_sign_in
from core_identity.values import Actor, ActorKind, Channel


class PasswordSignInForm(AdminAuthenticationForm):
    """Validation compares the password, so the view asks for a budget first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The same for a wrong name, a wrong password, and a user who is not an administrator.
        wrong = "No administrator has this username and password. Check both: small and capital letters differ."
        self.error_messages = {**self.error_messages, "invalid_login": wrong}

    def typed_name(self) -> str | None:
        """Return the name whose password would be compared, or None if none would be."""
        try:
            self.fields["password"].clean(self.data.get("password"))
            name: str = self.fields["username"].clean(self.data.get("username"))
        except ValidationError:
            return None
        return name


class PasswordSignInView(LoginView):
    authentication_form = PasswordSignInForm
    template_name = "admin/login.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = self.get_form().typed_name()  # type: ignore[attr-defined]
        if name is not None:
            require_password_budget(request, name)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: Any) -> HttpResponse:
        if form.has_error(NON_FIELD_ERRORS):
            stranger = Actor(Channel.ADMIN, ActorKind.SIGN_IN, "sign-in with a password", request_id=self._reference)
            note_refusal(actor=stranger, name=form.cleaned_data["username"], network=hash_of_address(self.request))
        return super().form_invalid(form)

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        note_sign_in(
            actor=Actor(
                Channel.ADMIN, ActorKind.ADMIN, user.get_username(), id=str(user.pk), request_id=self._reference
            ),
            user=user,
        )
        return super().form_valid(form)

    @property
    def _reference(self) -> str:
        return str(self.request.request_id)  # type: ignore[attr-defined]  # by RequestIdMiddleware
