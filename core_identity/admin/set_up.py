"""The first page of a connection: the set-up in steps, ticked by facts, and the values for the IdP's screens (R37)."""

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import reverse

from core_identity.admin.connection_tabs import tabs_for
from core_identity.admin_kit.base import CoreAdmin
from core_identity.models import Connection
from core_identity.set_up import Step, Vendor, screens_of, steps_of


class SetUpPages(CoreAdmin):
    def get_urls(self) -> Any:
        return [
            *self.own_page("overview", self.overview_view),
            *self.own_page("steps", self.steps_view),
            *super().get_urls(),
        ]

    def overview_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.viewable(request, pk)
        vendor = next((one for one in Vendor if one == request.GET.get("idp")), Vendor.OKTA)
        return self.page(
            request,
            "admin/core_identity/connection/overview.html",
            title=connection.name,
            form=forms.Form(),
            obj=connection,
            **self.overview(request, connection),
            vendor=vendor,
            vendors=list(Vendor),
            screens=screens_of(connection, vendor),
        )

    def overview(self, request: HttpRequest, connection: Connection) -> dict[str, Any]:
        """Return what the overview shows besides the screens. The protocol apps' pages add to it."""
        return self.progress(request, connection)

    def steps_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Answer the list of steps alone, so that ticks turn while somebody looks at the page."""
        connection = self.viewable(request, pk)
        context = {"original": connection, **self.progress(request, connection)}
        return render(request, "admin/core_identity/connection/steps.html", context)

    def progress(self, request: HttpRequest, connection: Connection) -> dict[str, Any]:
        """Return the steps, how many are done, and which one is next."""
        steps = steps_of(connection)
        done = sum(step.done for step in steps)
        pages = {page["url"] for tab in self.tabs(request, connection) for page in tab["pages"]}
        following = next((step.order for step in steps if not step.done), None)
        shown = [(step, _address(connection, step, pages), step.order == following) for step in steps]
        return {"steps": shown, "done": done, "of": len(steps)}

    def tabs(self, request: HttpRequest, connection: Connection) -> list[dict[str, Any]]:
        may_change = self.has_change_permission(request, connection)
        return tabs_for(request, connection, may_change=may_change, closed=self.closed_pages(request, connection))

    def closed_pages(self, request: HttpRequest, connection: Connection) -> set[str]:
        """Return the names of pages that this connection has no use for yet. The protocol apps' pages add to it."""
        return set()

    def page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        connection = context.get("obj")
        if isinstance(connection, Connection):
            context.setdefault("tabs", self.tabs(request, connection))
        return super().page(request, template, **context)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if context.get("original") is not None:
            context["tabs"] = self.tabs(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def to_change_page(self, obj: Model) -> HttpResponse:
        """Return to the overview after each act, because it shows the next step."""
        return redirect(overview_of(obj)) if isinstance(obj, Connection) else super().to_change_page(obj)


def overview_of(connection: Connection) -> str:
    """Return the address of the first page of a connection."""
    return reverse("admin:core_identity_connection_overview", args=[connection.pk])


def _address(connection: Connection, step: Step, pages: set[str]) -> str:
    """Return the address of the page that does a step, if this administrator may open it."""
    address = reverse(f"admin:core_identity_connection_{step.page}", args=[connection.pk]) if step.page else ""
    return address if address in pages else ""
