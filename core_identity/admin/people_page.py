"""A page for an action on users: on many from the list, or on one from the page of a user."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, reverse

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.pages import AdminPage
from core_identity.models import User
from core_identity.selectors.roles import roles_of
from core_identity.selectors.story import changed_since_expiry
from core_identity.selectors.users import guarded_users, status_of

AT_ONCE: Final = 100
"""People on one page to confirm. Nobody reads a longer list."""


class PeoplePage(AdminPage):
    """``…/<name>/`` with the ids of the users as ``user``. The page shows these users and asks for a reason; the name is a verb."""

    users: Sequence[User]
    decided = False
    """Whether the administrator pressed the button of this page. An action of the list sends a POST too, and only opens the page."""

    @classmethod
    def address(cls, admin: CoreAdmin) -> URLPattern:
        return cls.view(admin, f"{cls.name}/")

    def changeable_users(self, users: QuerySet[User]) -> QuerySet[User]:
        """Return those of the chosen users whom the page can change."""
        raise NotImplementedError  # pragma: no cover - each page has its own

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.admin.has_change_permission(request):
            raise PermissionDenied
        self.decided = request.method == "POST"
        ids = (request.POST if self.decided else request.GET).getlist("user")
        try:
            chosen = forms.ModelMultipleChoiceField(User.objects.all(), required=False).clean(ids)
        except forms.ValidationError:
            chosen = User.objects.none()
        return self.choose(chosen) or super().dispatch(request, *args, **kwargs)

    def open_for(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse:
        """Answer an action of the list."""
        self.setup(request)
        return self.choose(chosen) or self.render_to_response(self.get_context_data())

    def choose(self, chosen: QuerySet[User]) -> HttpResponse | None:
        """Store the users and return nothing, or return why nothing happens."""
        found = self.changeable_users(chosen).select_related("customer").prefetch_related("identities__connection")
        self.users = list(found[: AT_ONCE + 1])
        self.row = self.users[0] if len(self.users) == 1 else None
        refused = self.refusal()
        if not refused:
            return None
        messages.error(self.request, refused)
        return redirect(self.list_of_users)

    def refusal(self) -> str:
        """Return why nothing happens, or nothing."""
        if not self.users:
            return f"You cannot {self.name} any of the selected people."
        if len(self.users) > AT_ONCE:
            return f"These are more than {AT_ONCE} people. Choose at most {AT_ONCE} at once."
        if self.request.user in self.users:
            return f"You cannot {self.name} yourself."
        guarded = guarded_users().filter(pk__in=[user.pk for user in self.users])
        if not self.request.user.is_superuser and guarded:
            names = ", ".join(str(user) for user in guarded)
            return f"Only a superuser may {self.name} staff and holders of protected roles: {names}."
        return ""

    def get_form(self, form_class: Any = None) -> Any:
        return self.form_class(self.request, users=self.users, decided=self.decided)  # type: ignore[misc]

    def message(self, form: Any) -> str:
        return f"Done: {', '.join(str(user) for user in self.users)}. The reason is in the events."

    @property
    def list_of_users(self) -> str:
        return reverse("admin:core_identity_user_changelist")

    def next_page(self, form: Any) -> str:
        return self.page_of(self.row) if self.row else self.list_of_users

    def get_title(self, form: Any) -> str:
        return f"{self.name.capitalize()} {self.row or 'people'}"

    def facts(self, form: Any) -> dict[str, Any]:
        people = [
            {"user": user, "status": status_of(user), "roles": [role for role in roles_of(user) if role.effective]}
            | {"changed": changed_since_expiry(user) if user.expired_at else []}
            for user in self.users
        ]
        return {"people": people, "action": reverse(f"admin:core_identity_user_{self.name}")}
