"""Erase a user: a preview first, then the erasure. Only for superusers (R34)."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from core_identity.admin_kit.forms import ReasonForm
from core_identity.admin_kit.pages import Access, RowPage
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

    user: User

    def clean_username(self) -> str:
        typed: str = self.cleaned_data["username"]
        if typed != self.user.username:
            raise forms.ValidationError("This is not their username.")
        return typed

    def write(self) -> ErasePlan:
        return erase(actor=self.actor, user_id=self.user.pk, reason=self.cleaned_data["reason"])


class ErasePage(RowPage):
    name = "erase"
    title = "Erase {row}"
    access = Access.SUPERUSER
    form_class = EraseForm
    template_name = "admin/core_identity/user/erase.html"
    done = "Erased. Only the id, the UID and the end of access remain."

    def answer_instead(self) -> HttpResponse | None:
        try:
            self.plan = plan_erase(self.row)
        except NotAllowed as refused:
            messages.error(self.request, refused.message)
            return redirect(self.page_of(self.row))
        return None

    def facts(self, form: EraseForm) -> dict[str, Any]:
        return {"plan": self.plan}
