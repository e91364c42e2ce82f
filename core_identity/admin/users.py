from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.auth.password_validation import validate_password
from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Collate
from django.http import HttpRequest

from core_identity.admin.across import AllDriftPage, AllMismatchesPage, ReactivationsPage, RefusedPage
from core_identity.admin.bulk_people import (
    AcceptDriftPage,
    ExpireManyPage,
    GiveRoleManyPage,
    UnexpireManyPage,
    UnexpireRequestedPage,
)
from core_identity.admin.drift import UserDriftPage
from core_identity.admin.erasure import ErasePage
from core_identity.admin.expiry import ExpirePage, UnexpirePage
from core_identity.admin.guarded import is_guarded_from
from core_identity.admin.links import OfferPage, PeopleActions, UidsPage
from core_identity.admin.merge import MergePage
from core_identity.admin.sessions import EndSessionsPage
from core_identity.admin.story import story_of
from core_identity.admin.timeline import CONFLICTS, EVENTS
from core_identity.admin.user_filters import StatusFilter, UsersOfConnection, UsersOfRole
from core_identity.admin.user_pages import PasswordPage, RolesPage
from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import WrittenByService
from core_identity.admin_kit.lists import OfCustomer
from core_identity.admin_kit.logs import chip
from core_identity.admin_kit.seen import link_to_customer, seen_by
from core_identity.admin_kit.timeline import Source
from core_identity.attributes import FIELDS
from core_identity.brand import BRAND
from core_identity.models import Identity, User
from core_identity.password_guard import require_password_budget
from core_identity.selectors.search import user_ids
from core_identity.selectors.users import status_of
from core_identity.services.users import change_user, create_user

FOUND: Final = 1_000
"""People that a search by the beginning of a name lists."""
MORE: Final = f"More than {FOUND:,} people have a name that begins like this. Some of them are listed. Type more characters to find the others."
FLAGS = ("is_staff", "is_superuser")
STATUS_COLOURS = {"active": "fine", "inactive": "attention", "expired": "trouble"}
FROM_IDP = (
    "These values follow the identity provider, if it knows this person: its next change replaces your "
    "values. No identity provider changes the email address."
)


class NewUserForm(WrittenByService, forms.ModelForm):
    password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=f"Leave it empty for everybody who signs in through a connection. Only administrators of {BRAND} itself need a password.",
    )

    class Meta:
        model = User
        fields = ("username", "email", "first_name", "last_name", "customer", *FLAGS)

    def clean_password(self) -> str | None:
        password = self.cleaned_data["password"]
        if password:
            validate_password(password, self.instance)
        return password or None

    def write(self) -> User:
        if self.cleaned_data["password"]:
            require_password_budget(self.request, self.request.user.get_username())
        return create_user(actor=self.actor, **self.cleaned_data)


class UserForm(WrittenByService, forms.ModelForm):
    class Meta:
        model = User
        fields = ("email", "email_shared", *FIELDS, *FLAGS)

    def write(self) -> User:
        # Write only the fields that the administrator changed, because a push may have changed others in the meantime.
        changed = {name: value for name, value in self.cleaned_data.items() if name in self.changed_data}
        return change_user(actor=self.actor, user_id=self.instance.pk, **changed)


class UserAdmin(PeopleActions, CoreAdmin):
    """The pages of users. `core_identity.config.admin` registers it, with the logs of all packages as `sources` of the timeline."""

    form = UserForm
    sources: tuple[Source, ...] = (EVENTS, CONFLICTS)
    pages = (
        RolesPage,
        PasswordPage,
        MergePage,
        UserDriftPage,
        UidsPage,
        EndSessionsPage,
        ErasePage,
        ExpirePage,
        UnexpirePage,
        OfferPage,
        ExpireManyPage,
        UnexpireManyPage,
        GiveRoleManyPage,
        AllDriftPage,
        AcceptDriftPage,
        ReactivationsPage,
        UnexpireRequestedPage,
        AllMismatchesPage,
        RefusedPage,
    )
    history_field = "user_id"
    list_display = ("username", "name", "email", "customer", "status", "connections")
    left_out = ("email", "connections")
    list_filter = (
        StatusFilter,
        "is_staff",
        UsersOfConnection,
        UsersOfRole,
        OfCustomer,
    )
    search_fields = ("username_key", "email_key")
    search_help_text = (
        "By a whole email, UID, userName, NameID, externalId or id, or by the beginning of a username or name."
    )
    sortable_by = ()
    empty_list = "Nobody yet. People appear when they sign in or are pushed. Create a user here for somebody without an identity provider."
    autocomplete_fields = ("customer",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        identities = Identity.objects.select_related("connection")
        people: QuerySet[User] = super().get_queryset(request).select_related("customer", "merged_into")
        return people.prefetch_related(Prefetch("identities", queryset=identities))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj else {"form": NewUserForm}), **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        flags = FLAGS if request.user.is_superuser or obj else ()
        if obj is None:
            fields = ("username", "email", "first_name", "last_name", "customer", "password", *flags)
            return [(None, {"fields": fields})]
        return [
            (None, {"fields": ("username", "customer_page", "email", "email_shared")}),
            ("What the identity provider may change", {"fields": FIELDS, "description": FROM_IDP}),
            ("Administration", {"fields": flags}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        return ("username", "customer_page", *(() if request.user.is_superuser else FLAGS))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An administrator who could change a superuser, or set their password, could become one. A tombstone does not change (R11)."""
        if not super().has_change_permission(request, obj):
            return False
        if obj is not None and obj.merged_into_id is not None:
            return False
        return obj is None or not is_guarded_from(request, obj)

    def get_ordering(self, request: HttpRequest) -> Any:
        """Sort what a search found. The index of the usual order would lead through all users to the few that were found."""
        return [Collate("username_key", "C")] if request.GET.get("q", "").strip() else super().get_ordering(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Find by indexes only, as the search box of all pages does (`core_identity.selectors.search`)."""
        if not search_term.strip():
            return queryset, False
        ids = user_ids(search_term.strip(), most=FOUND)
        if len(ids) > FOUND:
            request.search_note = MORE  # type: ignore[attr-defined]  # for the template, by `LoadedList`
        return queryset.filter(pk__in=ids[:FOUND]), False

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        user = context.get("original")
        if user is not None:
            # After a POST read it again, because the instance of the form may contain refused values.
            stored = user if request.method == "GET" else self.get_queryset(request).get(pk=user.pk)
            may_change = self.has_change_permission(request, user)
            context.update(
                title=stored.get_full_name() or stored.username,
                subtitle=None,
                story=story_of(stored, request, self.sources),
                may_act=may_change,
                may_end_sessions=EndSessionsPage.is_open_to(self, request, user),
                takes_password=not stored.identities.all(),
                sees=seen_by(request),
            )
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="customer")
    def customer_page(self, user: User) -> str:
        return link_to_customer(user)

    @admin.display(description="name", ordering="last_name")
    def name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description="status")
    def status(self, user: User) -> str:
        status = status_of(user)
        return chip(STATUS_COLOURS.get(status, "plain"), status)

    @admin.display(description="connections", empty_value="none: created by an administrator")
    def connections(self, user: User) -> str:
        return ", ".join(identity.connection.name for identity in user.identities.all())
