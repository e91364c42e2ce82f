"""Actions on many people: accept the IdP's values, expire, unexpire, give a role. Guarded people need a superuser (R26, R33)."""

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from core_identity.admin.across import AllDriftPage, ReactivationsPage
from core_identity.admin.expiry import HOW, WITH_ROLES
from core_identity.admin.role_choice import offer_roles
from core_identity.admin.user_pages import roles_to_give
from core_identity.admin_kit.bulk import SHOWN, BulkForm, BulkPage, ListedBulkPage
from core_identity.admin_kit.filters import Filters
from core_identity.brand import BRAND
from core_identity.errors import NotAllowed, NotFound
from core_identity.models import Grant, Identity, Role, User
from core_identity.selectors.across import reactivations
from core_identity.selectors.drift import UID, drift_in, drift_of, drifting
from core_identity.selectors.story import changed_since_expiry, changes_since_expiry
from core_identity.selectors.users import guarded_users, status_of
from core_identity.services.drift import accept_drift
from core_identity.services.expiry import expire, unexpire
from core_identity.services.roles import grant_role


class AcceptForm(BulkForm):
    page: "AcceptDriftPage"

    def act(self, row: UUID) -> object:
        identity = drifting().filter(pk=row).first()
        if identity is None:
            raise NotFound(f"The identity provider and {BRAND} agree now.")
        field = self.page.field()
        fields = [one.field for one in drift_in(identity) if field in {"", one.field}]
        sent_by = Counter(one.field for one in drift_of(identity.user))
        if any(sent_by[name] > 1 for name in fields if name != UID):
            raise NotAllowed(
                "Two identity providers send different values for the same field. Accept one on the page of the user."
            )
        return accept_drift(
            actor=self.actor,
            user_id=identity.user_id,
            identity_id=identity.pk,
            fields=fields,
            reason=self.cleaned_data["reason"],
        )


class AcceptDriftPage(BulkPage):
    """R18: accept the IdP's values of all people in a list of drift. Values that came after the preview are not accepted."""

    name = "accept-drift"
    title = "Accept the identity provider's values"
    form_class = AcceptForm
    template_name = "admin/core_identity/user/accept_drift.html"
    button = "Accept the identity provider's values"
    nothing = "There is no drift to accept."

    def filters(self, query: QueryDict) -> Filters:
        return Filters.of(query, AllDriftPage.kinds)

    def field(self) -> str:
        return self.filters(QueryDict(self.run.query)).kind

    def rows_of_query(self, query: QueryDict, until: datetime) -> QuerySet[Identity]:
        filters = self.filters(query)
        return drifting(filters.kind or None).filter(filters.rows("drifting__connection"), changed_at__lte=until)

    def superuser_rows(self, rows: QuerySet[Identity]) -> QuerySet[Identity]:
        return rows.filter(user__in=guarded_users())

    def list_address(self) -> str:
        query = QueryDict(self.run.query) if hasattr(self, "run") else self.request.GET
        return f"{reverse('admin:core_identity_user_all-drift')}?{self.filters(query).query()}"

    def preview(self, rows: QuerySet[Identity]) -> Any:
        field = self.field()
        first = rows.order_by("drifting__id")[:SHOWN]
        return [(one, [drift for drift in drift_in(one) if field in {"", drift.field}]) for one in first]


class ExpireManyForm(BulkForm):
    def act(self, row: UUID) -> object:
        if row == self.request.user.pk:
            raise NotAllowed("You cannot expire yourself.")
        return expire(actor=self.actor, user_id=row, reason=self.cleaned_data["reason"])


class UnexpireManyForm(BulkForm):
    how = forms.ChoiceField(label="What to do", widget=forms.RadioSelect, initial=WITH_ROLES, choices=HOW)
    field_order = ("how", "reason")

    def act(self, row: UUID) -> object:
        user = User.objects.filter(pk=row).first()
        if user is not None and user.expired_at is not None and changed_since_expiry(user):
            raise NotAllowed(
                "The identity provider changed the UID, externalId, userName or email since the expiry. "
                "Unexpire this person on the page of the user."
            )
        keep = self.cleaned_data["how"] == WITH_ROLES
        return unexpire(actor=self.actor, user_id=row, reason=self.cleaned_data["reason"], keep_roles=keep)


class GiveRoleManyForm(BulkForm):
    role = forms.ModelChoiceField(Role.objects.none())
    field_order = ("role", "reason")

    def __init__(self, request: HttpRequest, *, page: BulkPage) -> None:
        super().__init__(request, page=page)
        offer_roles(self.fields["role"], roles_to_give(request), request, source=Grant)

    def act(self, row: UUID) -> object:
        role, reason = self.cleaned_data["role"], self.cleaned_data["reason"]
        return grant_role(actor=self.actor, user_id=row, role_id=role.pk, reason=reason)


class ManyPeoplePage(ListedBulkPage):
    """The people whom an administrator chose in the list of users: by ticks, or all that the list finds, without a limit."""

    def changeable_users(self, users: QuerySet[User], until: datetime) -> QuerySet[User]:
        """Return those of the users whom the page can change and the preview could show."""
        raise NotImplementedError  # pragma: no cover - each page has its own

    def rows_of_query(self, query: QueryDict, until: datetime) -> QuerySet[User]:
        return self.changeable_users(self.selected_rows(query), until)

    def superuser_rows(self, rows: QuerySet[User]) -> QuerySet[User]:
        return rows.filter(pk__in=guarded_users().values("pk"))

    def preview(self, rows: QuerySet[User]) -> Any:
        first = rows.select_related("customer").prefetch_related("identities__connection", "identities__uids")
        return [
            (user, status_of(user), bool(user.expired_at and changes_since_expiry(user, user.identities.all())))
            for user in first.order_by("pk")[:SHOWN]
        ]


class ExpireManyPage(ManyPeoplePage):
    name = "expire-many"
    title = "Expire"
    form_class = ExpireManyForm
    template_name = "admin/core_identity/user/expire_many.html"
    button = "Expire"
    nothing = "Nobody in the selection can be expired."

    def changeable_users(self, users: QuerySet[User], until: datetime) -> QuerySet[User]:
        return users.filter(expired_at__isnull=True, created_at__lte=until)


class UnexpireManyPage(ManyPeoplePage):
    name = "unexpire-many"
    title = "Unexpire"
    form_class = UnexpireManyForm
    template_name = "admin/core_identity/user/unexpire_many.html"
    button = "Unexpire"
    nothing = "Nobody in the selection can be unexpired."

    def changeable_users(self, users: QuerySet[User], until: datetime) -> QuerySet[User]:
        return users.filter(expired_at__lte=until, merged_into__isnull=True, erased_at__isnull=True)


class GiveRoleManyPage(ManyPeoplePage):
    """Give one role to many people by hand. If somebody has it by hand already, the grant and its reason stay (R32)."""

    name = "give-role-many"
    title = "Give a role"
    form_class = GiveRoleManyForm
    template_name = "admin/core_identity/user/give_role_many.html"
    button = "Give the role"
    nothing = "Nobody in the selection can get a role."

    def changeable_users(self, users: QuerySet[User], until: datetime) -> QuerySet[User]:
        return users.filter(merged_into__isnull=True, erased_at__isnull=True, created_at__lte=until)


class UnexpireRequestedPage(UnexpireManyPage):
    """R22: the people of a list of reactivation requests."""

    name = "unexpire-requested"

    def rows_of_query(self, query: QueryDict, until: datetime) -> QuerySet[User]:
        filters = Filters.of(query, ReactivationsPage.kinds)
        requests = reactivations(filters.kind).filter(filters.rows(), reactivation_requested_at__lte=until)
        return self.changeable_users(User.objects.filter(pk__in=requests.order_by().values("user_id")), until)

    def list_address(self) -> str:
        query = QueryDict(self.run.query) if hasattr(self, "run") else self.request.GET
        filters = Filters.of(query, ReactivationsPage.kinds)
        return f"{reverse('admin:core_identity_user_reactivations')}?{filters.query()}"
