"""The small forms on the page of a user: roles given by hand, and a password."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html, validate_password
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core_identity.admin.ended_grants import ConfirmsEndedGrants
from core_identity.admin.role_choice import offer_roles
from core_identity.admin_kit.forms import ActForm, ReasonForm
from core_identity.admin_kit.pages import RowPage
from core_identity.models import Grant, Role, User
from core_identity.password_guard import require_password_budget
from core_identity.selectors.roles import protected_roles
from core_identity.services.roles import grant_role, revoke_role
from core_identity.services.transactions import in_one_transaction
from core_identity.services.users import set_password
from core_identity.values import Channel


def roles_to_give(request: HttpRequest) -> QuerySet[Role]:
    """Return the roles that the administrator of a request may give: protected ones need a superuser (R33)."""
    roles = Role.objects.all()
    return roles if request.user.is_superuser else roles.exclude(pk__in=protected_roles().values("pk"))


class RolesForm(ConfirmsEndedGrants, ReasonForm):
    """Only the roles that administrators gave. A grant of a channel belongs to that channel and stays (R32)."""

    roles = forms.ModelMultipleChoiceField(Role.objects.none(), required=False, widget=forms.CheckboxSelectMultiple)
    field_order = ("roles", "reason")

    def __init__(self, request: HttpRequest, *, user: User) -> None:
        self.user = user
        offered = roles_to_give(request)
        self.given = set(offered.filter(grants__user=user, grants__channel=Channel.ADMIN.value))
        super().__init__(request, initial={"roles": [role.pk for role in self.given]})
        offer_roles(self.fields["roles"], offered, request, source=Grant)

    def write(self) -> None:
        chosen, reason = set(self.cleaned_data["roles"]), self.cleaned_data["reason"]

        @in_one_transaction
        def both() -> None:
            for role in chosen - self.given:
                grant_role(actor=self.actor, user_id=self.user.pk, role_id=role.pk, reason=reason)
            for role in self.given - chosen:
                revoke_role(actor=self.actor, user_id=self.user.pk, role_id=role.pk, reason=reason)

        both()


class PasswordForm(ActForm):
    """For local administrators. A user with an identity signs in through the connection, so a leaver has no second way in (R10)."""

    password = forms.CharField(strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    again = forms.CharField(strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    user: User

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.user)
        return password

    def clean(self) -> None:
        if self.user.identities.exists():
            self.add_error(None, "This person signs in by a connection and needs no password.")
        if "password" in self.cleaned_data and self.cleaned_data["password"] != self.cleaned_data.get("again"):
            self.add_error("again", "The two passwords differ.")

    def write(self) -> None:
        require_password_budget(self.request, self.request.user.get_username())
        set_password(actor=self.actor, user_id=self.user.pk, password=self.cleaned_data["password"])


class RolesPage(RowPage):
    name = "roles"
    title = "Roles of {row} given by hand"
    form_class = RolesForm
    template_name = "admin/core_identity/user/roles.html"
    done = "The roles that administrators give to {row} are changed. The reason is in the events."


class PasswordPage(RowPage):
    name = "password"
    title = "New password for {row}"
    form_class = PasswordForm
    template_name = "admin/core_identity/user/password.html"
    done = "{row} has a new password."

    def answer_instead(self) -> HttpResponse | None:
        return redirect("admin:password_change") if self.row == self.request.user else None

    def facts(self, form: PasswordForm) -> dict[str, Any]:
        return {"rules": password_validators_help_text_html()}
