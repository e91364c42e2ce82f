"""Erase: shown first, then done, by superusers only (R34)."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import ReasonForm
from core_identity.errors import NotAllowed
from core_identity.models import User
from core_identity.services.erasure import ErasePlan, erase, plan_erase


class EraseForm(ReasonForm):
    username = forms.CharField(
        max_length=300,
        label="Their username",
        help_text="Type it, because this cannot be undone.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    field_order = ("username", "reason")

    def __init__(self, request: HttpRequest, *, user: User) -> None:
        super().__init__(request)
        self.user = user

    def clean_username(self) -> str:
        typed: str = self.cleaned_data["username"]
        if typed != self.user.username:
            raise forms.ValidationError("This is not their username.")
        return typed

    def write(self) -> ErasePlan:
        return erase(actor=self.actor, user_id=self.user.pk, reason=self.cleaned_data["reason"])


class ErasePages(CoreAdmin):
    """Part of the admin of users."""

    def get_urls(self) -> Any:
        return [*self.own_page("erase", self.erase_view), *super().get_urls()]

    def erase_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        user = self.changeable(request, pk)
        if not request.user.is_superuser:
            raise PermissionDenied
        try:
            plan = plan_erase(user)
        except NotAllowed as refused:
            self.message_user(request, refused.message, messages.ERROR)
            return self.to_change_page(user)
        form = EraseForm(request, user=user)
        if form.submit():
            self.message_user(request, "Erased. Only the id, the UID and the end of access remain.", messages.SUCCESS)
            return self.to_change_page(user)
        return self.page(
            request, "admin/core_identity/user/erase.html", title=f"Erase {user}", form=form, obj=user, plan=plan
        )
