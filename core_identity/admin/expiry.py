"""Expire and unexpire: from the list for many, from the page of a user for one, always with a reason (R24)."""

from collections.abc import Callable, Sequence
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest

from core_identity.admin.people_page import PeoplePage
from core_identity.admin_kit.forms import ReasonForm
from core_identity.models import User
from core_identity.services.expiry import expire, unexpire
from core_identity.services.split import split_off
from core_identity.services.transactions import in_one_transaction

WITH_ROLES, WITHOUT_ROLES = "with_roles", "without_roles"
HOW = (
    (WITH_ROLES, "Unexpire: may sign in again, with the roles shown"),
    (WITHOUT_ROLES, "Unexpire without roles: every role ends first"),
)


class ExpireForm(ReasonForm):
    users: Sequence[User]

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
    how = forms.ChoiceField(label="What to do", widget=forms.RadioSelect, initial=WITH_ROLES, choices=HOW)
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

    def write(self) -> None:
        how, reason = self.cleaned_data["how"], self.cleaned_data["reason"]
        if how in {WITH_ROLES, WITHOUT_ROLES}:
            keep = how == WITH_ROLES
            self.each(lambda user: unexpire(actor=self.actor, user_id=user.pk, reason=reason, keep_roles=keep))
        else:
            split_off(actor=self.actor, identity_id=UUID(how), reason=reason)


class ExpirePage(PeoplePage):
    name = "expire"
    form_class = ExpireForm
    template_name = "admin/core_identity/user/expire.html"

    def changeable_users(self, users: QuerySet[User]) -> QuerySet[User]:
        return users.filter(expired_at__isnull=True)


class UnexpirePage(PeoplePage):
    name = "unexpire"
    form_class = UnexpireForm
    template_name = "admin/core_identity/user/unexpire.html"

    def changeable_users(self, users: QuerySet[User]) -> QuerySet[User]:
        return users.filter(expired_at__isnull=False, merged_into__isnull=True, erased_at__isnull=True)
