"""Correct the link between a user and a connection: offer, withdraw, release a UID, set another one (R5, R8a, R10)."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from core_identity.admin.bulk_people import ExpireManyPage, GiveRoleManyPage, ManyPeoplePage, UnexpireManyPage
from core_identity.admin.ended_grants import ConfirmsEndedGrants
from core_identity.admin.expiry import ExpireForm, ExpirePage, UnexpirePage
from core_identity.admin.people_page import PeoplePage
from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.bulk import query_of
from core_identity.admin_kit.forms import ReasonForm
from core_identity.admin_kit.pages import RowPage
from core_identity.models import Connection, Identity, IdentityUid, User
from core_identity.services.links import offer, releasable, release, relink, withdraw


class OfferForm(ExpireForm):
    connection = forms.ModelChoiceField(Connection.objects.none(), label="To the connection")
    field_order = ("connection", "reason")

    def __init__(self, request: HttpRequest, **extra: Any) -> None:
        super().__init__(request, **extra)
        customers = {user.customer_id for user in self.users}
        self.fields["connection"].queryset = Connection.objects.filter(customer__in=customers, enabled=True)  # type: ignore[attr-defined]

    def write(self) -> None:
        offer(
            actor=self.actor,
            connection=self.cleaned_data["connection"],
            user_ids=[user.pk for user in self.users],
            reason=self.cleaned_data["reason"],
        )


class UidsForm(ConfirmsEndedGrants, ReasonForm):
    """One of: release a UID, give another UID, withdraw an offer."""

    act = forms.ChoiceField(label="What to do", widget=forms.RadioSelect)
    uid = forms.CharField(
        required=False,
        max_length=255,
        label="New UID",
        help_text="Only if you set a UID: exactly as the identity provider sends it.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    field_order = ("act", "uid", "reason")

    def __init__(self, request: HttpRequest, *, user: User) -> None:
        super().__init__(request)
        choices = []
        identities = Identity.objects.filter(user=user).select_related("connection")
        for identity in identities:
            if identity.offered_at is not None:
                choices.append((f"withdraw {identity.pk}", f"{identity.connection}: withdraw the offer"))
                continue
            choices.append((f"relink {identity.pk}", f"{identity.connection}: give {identity} the UID entered below"))
        rows = IdentityUid.objects.filter(identity__in=identities).select_related("identity__user", "connection")
        choices += [
            (f"release {row.pk}", f"{row.connection}: release the UID {row}, so that another person can have it")
            for row in rows
            if releasable(row)
        ]
        self.fields["act"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> None:
        if self.cleaned_data.get("act", "").startswith("relink") and not self.cleaned_data.get("uid", "").strip():
            self.add_error("uid", "Which UID?")

    def write(self) -> None:
        act, _, pk = self.cleaned_data["act"].partition(" ")
        reason = self.cleaned_data["reason"]
        match act:
            case "release":
                release(actor=self.actor, uid_id=UUID(pk), reason=reason)
            case "relink":
                relink(actor=self.actor, identity_id=UUID(pk), uid=self.cleaned_data["uid"], reason=reason)
            case _:
                withdraw(actor=self.actor, identity_id=UUID(pk), reason=reason)


class OfferPage(PeoplePage):
    name = "offer"
    form_class = OfferForm
    template_name = "admin/core_identity/user/offer.html"

    def changeable_users(self, users: QuerySet[User]) -> QuerySet[User]:
        return users.filter(expired_at__isnull=True, customer__isnull=False)


class UidsPage(RowPage):
    name = "uids"
    title = "UIDs and offers of {row}"
    form_class = UidsForm
    template_name = "admin/core_identity/user/uids.html"


class PeopleActions(CoreAdmin):
    """The actions of the list of users. Each opens a page that asks for a reason."""

    actions: tuple[str, ...] = ("expire_chosen", "unexpire_chosen", "give_role_chosen", "offer_chosen")

    @admin.action(description="Expire…", permissions=["change"])
    def expire_chosen(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse:
        return self._act(request, chosen, ExpirePage, ExpireManyPage)

    @admin.action(description="Unexpire…", permissions=["change"])
    def unexpire_chosen(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse:
        return self._act(request, chosen, UnexpirePage, UnexpireManyPage)

    @admin.action(description="Give a role…", permissions=["change"])
    def give_role_chosen(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse:
        return GiveRoleManyPage(admin=self).open_for(request, query_of(request))

    @admin.action(description="Offer to a connection…", permissions=["change"])
    def offer_chosen(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse:
        return OfferPage(admin=self).open_for(request, chosen)

    def _act(
        self, request: HttpRequest, chosen: QuerySet[User], of_one: type[PeoplePage], of_many: type[ManyPeoplePage]
    ) -> HttpResponse:
        """Open the page of one person, which shows more, or that of many."""
        if len(chosen[:2]) == 1:
            return of_one(admin=self).open_for(request, chosen)
        return of_many(admin=self).open_for(request, query_of(request))
