"""The sign-in form of the administration: Django's, with a budget before the hash and an event after it (R34, R39)."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from core_identity.budgets import hash_of_address
from core_identity.password_guard import require_password_budget
from core_identity.services.password_events import note_refusal, note_sign_in
from core_identity.values import Actor, ActorKind, Channel


class PasswordSignInForm(AdminAuthenticationForm):
    request: HttpRequest

    def clean(self) -> Any:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name is None or not password:
            return super().clean()
        require_password_budget(self.request, name)
        reference = self.request.request_id  # type: ignore[attr-defined]  # by RequestIdMiddleware
        try:
            cleaned = super().clean()
        except ValidationError:
            stranger = Actor(Channel.ADMIN, ActorKind.SIGN_IN, "sign-in with a password", request_id=reference)
            note_refusal(actor=stranger, name=name, network=hash_of_address(self.request))
            raise
        user = self.get_user()
        actor = Actor(Channel.ADMIN, ActorKind.ADMIN, user.get_username(), id=str(user.pk), request_id=reference)
        note_sign_in(actor=actor, user=user)
        return cleaned
