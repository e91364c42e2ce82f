"""Expire and unexpire: from the list for many, from the page of a user for one, always with a reason (R24)."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import ReasonForm
from core_identity.models import User
from core_identity.selectors.roles import roles_of
from core_identity.selectors.story import changed_since_expiry
from core_identity.selectors.users import guarded_users, status_of
from core_identity.services.expiry import expire, unexpire
from core_identity.services.split import split_off
from core_identity.services.transactions import in_one_transaction

AT_ONCE = 100
"""People on one page to confirm: more than that nobody reads."""

WITH_ROLES, WITHOUT_ROLES = "with_roles", "without_roles"


class ExpireForm(ReasonForm):
    verb: ClassVar[str] = "expire"

    def __init__(self, request: HttpRequest, *, users: Sequence[User], decided: bool = True) -> None:
        super().__init__(request, decided=decided)
        self.users = users

    @classmethod
    def concerned(cls, users: QuerySet[User]) -> QuerySet[User]:
        return users.filter(expired_at__isnull=True)

    def write(self) -> None:
        self.each(lambda user: expire(actor=self.actor, user_id=user.pk, reason=self.cleaned_data["reason"]))

    def each(self, act: Callable[[User], object]) -> None:
        @in_one_transaction
        def all_or_none() -> None:
            # Always in the same order, so that no two administrators wait for each other.
            for user in sorted(self.users, key=lambda user: user.pk):
                act(user)

        all_or_none()


class UnexpireForm(ExpireForm):
    verb = "unexpire"
    how = forms.ChoiceField(
        label="What to do",
        widget=forms.RadioSelect,
        initial=WITH_ROLES,
        choices=[
            (WITH_ROLES, "Unexpire: may sign in again, with the roles shown"),
            (WITHOUT_ROLES, "Unexpire without roles: every role ends first"),
        ],
    )
    field_order = ("how", "reason")

    def __init__(self, request: HttpRequest, *, users: Sequence[User], decided: bool = True) -> None:
        super().__init__(request, users=users, decided=decided)
        if len(users) == 1:
            self.fields["how"].choices += [  # type: ignore[attr-defined]
                (
                    str(one.pk),
                    f"This is another person: {one} of {one.connection} gets a user of its own, {users[0]} stays expired",
                )
                for one in users[0].identities.select_related("connection")
            ]

    @classmethod
    def concerned(cls, users: QuerySet[User]) -> QuerySet[User]:
        return users.filter(expired_at__isnull=False, merged_into__isnull=True, erased_at__isnull=True)

    def write(self) -> None:
        how, reason = self.cleaned_data["how"], self.cleaned_data["reason"]
        if how in {WITH_ROLES, WITHOUT_ROLES}:
            keep = how == WITH_ROLES
            self.each(lambda user: unexpire(actor=self.actor, user_id=user.pk, reason=reason, keep_roles=keep))
        else:
            split_off(actor=self.actor, identity_id=UUID(how), reason=reason)


class ExpiryPages(CoreAdmin):
    """Part of the admin of users: the two actions and their pages."""

    actions: tuple[str, ...] = ("expire_chosen", "unexpire_chosen")
    acts: tuple[type[ExpireForm], ...] = (ExpireForm, UnexpireForm)

    @admin.action(description="Expire…", permissions=["change"])
    def expire_chosen(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse:
        return self._confirm(request, ExpireForm, chosen, decided=False)

    @admin.action(description="Unexpire…", permissions=["change"])
    def unexpire_chosen(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse:
        return self._confirm(request, UnexpireForm, chosen, decided=False)

    def get_urls(self) -> Any:
        own = [
            path(
                f"{form.verb}/", self.admin_site.admin_view(self._view_of(form)), name=f"core_identity_user_{form.verb}"
            )
            for form in self.acts
        ]
        return [*own, *super().get_urls()]

    def _view_of(self, form: type[ExpireForm]) -> Callable[[HttpRequest], HttpResponse]:
        def view(request: HttpRequest) -> HttpResponse:
            if not self.has_change_permission(request):
                raise PermissionDenied
            ids = (request.POST if request.method == "POST" else request.GET).getlist("user")
            named = forms.ModelMultipleChoiceField(User.objects.all(), required=False)
            try:
                chosen = named.clean(ids)
            except forms.ValidationError:
                chosen = User.objects.none()
            return self._confirm(request, form, chosen, decided=request.method == "POST")

        return view

    def _confirm(
        self, request: HttpRequest, form_class: type[ExpireForm], chosen: QuerySet[User], *, decided: bool
    ) -> HttpResponse:
        """Show whom it concerns and ask why; once ``decided``, do it."""
        verb = form_class.verb
        users = list(form_class.concerned(chosen).select_related("customer").prefetch_related("identities__connection"))
        refused = _refused(request, verb, users)
        if refused:
            self.message_user(request, refused, messages.ERROR)
            return redirect("admin:core_identity_user_changelist")
        form = form_class(request, users=users, decided=decided)
        if form.submit():
            names = ", ".join(str(user) for user in users)
            self.message_user(request, f"Done: {names}. The reason is in the events.", messages.SUCCESS)
            return self.to_change_page(users[0]) if len(users) == 1 else redirect("admin:core_identity_user_changelist")
        told = [
            {"user": user, "status": status_of(user), "roles": [role for role in roles_of(user) if role.effective]}
            | {"changed": changed_since_expiry(user) if user.expired_at else []}
            for user in users
        ]
        one = users[0] if len(users) == 1 else None
        action = reverse(f"admin:core_identity_user_{verb}")
        title = f"{verb.capitalize()} {one or 'people'}"
        return self.page(
            request, f"admin/core_identity/user/{verb}.html", title=title, form=form, obj=one, told=told, action=action
        )


def _refused(request: HttpRequest, verb: str, users: Sequence[User]) -> str:
    """Say why nothing happens, or nothing."""
    if not users:
        return f"There is nobody among them to {verb}."
    if len(users) > AT_ONCE:
        return f"These are {len(users)} people. Choose at most {AT_ONCE} at once."
    if request.user in users:
        return f"You cannot {verb} yourself."
    guarded = guarded_users().filter(pk__in=[user.pk for user in users])
    if not request.user.is_superuser and guarded:
        names = ", ".join(str(user) for user in guarded)
        return f"Only a superuser may {verb} staff and holders of protected roles: {names}."
    return ""
