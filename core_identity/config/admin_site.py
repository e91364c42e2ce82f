from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, Final

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db import connection as database
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import path, reverse

from core_identity.brand import BRAND
from core_identity.config.navigation import navigation
from core_identity.errors import IdentityError, TooManyPasswords, TryLater
from core_identity.signals import signed_out


@contextmanager
def planned_for_its_values() -> Iterator[None]:
    """Let PostgreSQL plan each statement of a block for its values.

    A prepared statement may get one plan for all values. That is fast for the requests of programs. But a list of an administrator filters by values
    that fit very few rows or nearly all of them, and a plan for one kind reads a whole table for the other.
    """
    database.ensure_connection()
    driver = database.connection
    before, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        yield
    finally:
        driver.prepare_threshold = before


class CoreAdminSite(AdminSite):
    """The administration of CORE: the models of core_identity, and no other way to write them than its services."""

    site_header = site_title = BRAND
    index_title = "Home"
    enable_nav_sidebar = False  # ours is in templates/admin/base.html

    LOGS: Final = ("sso.SignInRecord", "scim.ProvisioningRecord")
    """Models of other apps that administrators may read."""

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take our own models only: tokens, clients or groups of auth, which other apps register, would be ways around the services."""
        models = model_or_iterable if isinstance(model_or_iterable, list | tuple) else [model_or_iterable]
        ours = [model for model in models if model._meta.app_label == "core_identity" or model._meta.label in self.LOGS]
        super().register(ours, admin_class, **options)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Show the reason if a service refuses, on every page: another administrator may have been faster."""

        @wraps(view)
        def with_refusals(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                with planned_for_its_values():
                    answer = view(request, *args, **kwargs)
                    # Rendered here, because a list is read while it is rendered.
                    return answer.render() if isinstance(answer, SimpleTemplateResponse) else answer
            except IdentityError as refused:
                messages.error(request, refused.message)
                return redirect("admin:index")
            except TryLater as refused:
                return self._try_later(request, refused)

        return super().admin_view(with_refusals, cacheable)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the navigation, unless the visitor may not open the administration."""
        context = super().each_context(request)
        if context["has_permission"]:
            context["core_sections"], context["core_counts"] = navigation(request, self)
        return context

    def get_urls(self) -> Any:
        """Add the pages that belong to no model."""
        # Imported late: what it imports registers itself at this site.
        from core_identity.config.search_page import search
        from core_identity.config.style_page import style
        from core_identity.config.suggestions import suggest

        return [
            path("search/", self.admin_view(partial(search, site=self)), name="search"),
            path("suggest/<slug:of>/", self.admin_view(suggest), name="suggest"),
            path("style/", self.admin_view(partial(style, site=self)), name="style"),
            *super().get_urls(),
        ]

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        """Lead to Home: the navigation is by task, and has no page of an application."""
        return redirect("admin:index")

    def index(self, request: HttpRequest, extra_context: Any = None) -> Any:
        # Imported late: what it imports registers itself at this site.
        from core_identity.config.home import home

        context = self.each_context(request)
        page = home(request, context["core_counts"])
        return TemplateResponse(
            request, "admin/index.html", {**context, "title": self.index_title, **page, **(extra_context or {})}
        )

    def login(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """As Django's, with a limit on guesses and a narrower ``next``."""
        # Imported late, because the modules of that package register themselves at this site.
        from core_identity.config.password_pages import PasswordSignInView

        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        page = {
            **self.each_context(request),
            "title": "Sign in",
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
        }
        request.current_app = self.name
        try:
            return PasswordSignInView.as_view(extra_context={**page, **(extra_context or {})})(request)
        except TryLater as refused:
            return self._try_later(request, refused)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """As Django's, with a row in the sign-in log. Django calls this for a POST only."""
        if request.method == "POST" and request.user.is_authenticated:
            signed_out.send(sender=type(request.user), request=request, user=request.user)
        return super().logout(request, extra_context)

    def _try_later(self, request: HttpRequest, refusal: TryLater) -> HttpResponse:
        page = {**self.each_context(request), "title": "Try again later", "refusal": refusal}
        page["reference"] = request.request_id  # type: ignore[attr-defined]  # by RequestIdMiddleware
        status = 429 if isinstance(refusal, TooManyPasswords) else 503
        response = render(request, "admin/try_later.html", page, status=status)
        response["Retry-After"] = str(refusal.seconds)
        return response

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        # Imported late, because the modules of that package register themselves at this site.
        from core_identity.admin.own_password import OwnPasswordView

        request.current_app = self.name
        return OwnPasswordView.as_view(
            success_url=reverse("admin:password_change_done"), extra_context=self.each_context(request)
        )(request)
