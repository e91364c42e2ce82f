"""A page of the administration as a declaration: its name, title, form, template, who may open it, and what happens when it is done.

A page is Django's FormView. Its form only validates; the page calls `submit`, and only a form that has written is done.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.core.exceptions import PermissionDenied
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.views.generic import FormView

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.health import HealthRow
from core_identity.admin_kit.limits import Limits
from core_identity.admin_kit.seen import seen_by

if TYPE_CHECKING:
    from core_identity.models import Connection


class Access(Enum):
    """The administrators who may open a page of a row: those who may see the row, or change it, or superusers."""

    VIEW = auto()
    CHANGE = auto()
    SUPERUSER = auto()


class AdminPage(FormView):
    """A page with the layout of Django's forms. `CoreAdmin.pages` lists the pages of a model."""

    name: ClassVar[str]
    """The last part of the address, and of the name of the URL."""
    title: ClassVar[str]
    """May contain {row}."""
    done: ClassVar[str] = "Done. The reason is in the events."
    """The sentence that the administrator reads afterwards. It may contain {row}, and {written}: what the service returned."""

    http_method_names = ["get", "head", "post"]
    admin: Any = None
    """The `CoreAdmin` that lists this page; set by it."""
    row: Any = None

    @classmethod
    def address(cls, admin: CoreAdmin) -> URLPattern:
        raise NotImplementedError  # pragma: no cover - each kind of page has its own

    @classmethod
    def view(cls, admin: CoreAdmin, route: str) -> URLPattern:
        name = f"{admin.opts.app_label}_{admin.opts.model_name}_{cls.name}"
        return path(route, admin.admin_site.admin_view(cls.as_view(admin=admin)), name=name)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form: Any = self.get_form()
        return self.form_valid(form) if form.submit() else self.form_invalid(form)

    def form_valid(self, form: Any) -> HttpResponse:
        """The service has written."""
        messages.success(self.request, self.message(form))
        return HttpResponseRedirect(self.next_page(form))

    def message(self, form: Any) -> str:
        return self.done.format(row=self.row, written=form.written)

    def next_page(self, form: Any) -> str:
        """Return the address of the page that follows."""
        return self.page_of(self.row)

    def page_of(self, row: Any) -> str:
        """Return the address of the change page of a row of this model."""
        return reverse(f"admin:{self.admin.opts.app_label}_{self.admin.opts.model_name}_change", args=[row.pk])

    def get_title(self, form: Any) -> str:
        return self.title.format(row=self.row)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form: BaseForm = kwargs.get("form") or self.get_form()
        return {
            "view": self,
            **self.admin.admin_site.each_context(self.request),
            "opts": self.admin.opts,
            "title": self.get_title(form),
            "original": self.row,
            "form": form,
            "adminform": AdminForm(form, self.fieldsets(form), {}),  # type: ignore[arg-type]  # any form does
            "media": self.admin.media + form.media,
            "sees": seen_by(self.request),
            "may_list": self.admin.has_view_or_change_permission(self.request),
            **self.facts(form),
        }

    def fieldsets(self, form: Any) -> list[tuple[str | None, dict[str, Any]]]:
        return [(None, {"fields": list(form.fields)})]

    def facts(self, form: Any) -> dict[str, Any]:
        """Return what the template shows beside the form."""
        return {}


class RowPage(AdminPage):
    """A page of one row: ``…/<pk>/<name>/``. The form gets the row by the name of its model."""

    access: ClassVar[Access] = Access.CHANGE
    permission: ClassVar[str] = ""
    """A permission that the page needs as well, if it has one of its own."""

    @classmethod
    def address(cls, admin: CoreAdmin) -> URLPattern:
        return cls.view(admin, f"<uuid:pk>/{cls.name}/")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        find = self.admin.viewable if self.access is Access.VIEW else self.admin.changeable
        self.row = find(request, kwargs["pk"])
        if not self.is_open():
            raise PermissionDenied
        return self.answer_instead() or super().dispatch(request, *args, **kwargs)

    @classmethod
    def is_open_to(cls, admin: CoreAdmin, request: HttpRequest, row: Any) -> bool:
        """Return whether the administrator of a request may open the page of a row that they may see. A link to it appears only then."""
        page = cls(admin=admin)
        page.setup(request)
        page.row = row
        may_try = cls.access is Access.VIEW or admin.has_change_permission(request, row)
        return may_try and page.is_open() and not page.is_too_early()

    def is_open(self) -> bool:
        user = self.request.user
        permitted = not self.permission or user.has_perm(self.permission)
        return permitted and (self.access is not Access.SUPERUSER or user.is_superuser) and self.may_open()

    def is_too_early(self) -> bool:
        """Whether the row lacks a setting that the page needs, so that no link leads to it yet."""
        return False

    def may_open(self) -> bool:
        """Whether a further condition is met, beside `access`."""
        return True

    def answer_instead(self) -> HttpResponse | None:
        """Return an answer in place of the page, such as a file, or a redirect if there is nothing to do."""
        return None

    def get_form(self, form_class: Any = None) -> Any:
        return self.form_class(self.request, **{self.admin.opts.model_name: self.row})  # type: ignore[misc]

    def other_page(self, name: str) -> str:
        """Return the address of another page of the row."""
        return reverse(f"admin:{self.admin.opts.app_label}_{self.admin.opts.model_name}_{name}", args=[self.row.pk])


class ReadPage(RowPage):
    """A page that only shows something."""

    access = Access.VIEW
    http_method_names = ["get", "head"]

    def get_form(self, form_class: Any = None) -> Any:
        return forms.Form()


class ListPage(AdminPage):
    """A page of no single row: ``…/<name>/``. ``access`` is about the rows of the model."""

    access: ClassVar[Access] = Access.VIEW

    @classmethod
    def address(cls, admin: CoreAdmin) -> URLPattern:
        return cls.view(admin, f"{cls.name}/")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.is_open():
            raise PermissionDenied
        return self.answer_instead() or super().dispatch(request, *args, **kwargs)

    @classmethod
    def is_open_to(cls, admin: CoreAdmin, request: HttpRequest) -> bool:
        """Return whether the administrator of a request may open the page. A link to it appears only then."""
        page = cls(admin=admin)
        page.setup(request)
        return page.is_open()

    def is_open(self) -> bool:
        match self.access:
            case Access.VIEW:
                permitted = self.admin.has_view_or_change_permission(self.request)
            case Access.CHANGE:
                permitted = self.admin.has_change_permission(self.request)
            case Access.SUPERUSER:
                permitted = self.request.user.is_superuser
        return permitted and self.may_open()

    def may_open(self) -> bool:
        """Whether a further condition is met, beside `access`."""
        return True

    def answer_instead(self) -> HttpResponse | None:
        """Return an answer in place of the page."""
        return None

    def get_title(self, form: Any) -> str:
        return self.title


class ListReadPage(ListPage):
    """A list that changes nothing itself; its links and buttons lead to the pages that do."""

    http_method_names = ["get", "head"]

    def get_form(self, form_class: Any = None) -> Any:
        return forms.Form()


class ConnectionPage(RowPage):
    """A page of a connection. The package that knows the subject declares it; `core_identity.config.admin` lists it."""

    row: "Connection"

    def page_of(self, row: Any) -> str:
        """Return the address of the overview, because it shows the next step."""
        return reverse("admin:core_identity_connection_overview", args=[row.pk])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "tabs": self.admin.tabs(self.request, self.row)}


class ConnectionReadPage(ReadPage, ConnectionPage):
    """A page of a connection that only shows something."""


Pages = tuple[type[AdminPage], ...]
AddressOf = Callable[[str], str]
"""Return the address of a page of a connection, or an empty text if the administrator may not open it."""


@dataclass(frozen=True, slots=True)
class ConnectionPart:
    """The parts that a package shows on the pages of a connection. `core_identity.config.admin` lists the parts."""

    pages: tuple[type[ConnectionPage], ...]
    inline: Any
    """The settings, to read."""
    facts: "Callable[[Connection], Mapping[str, Any]]"
    """The notes that the templates show: warnings on each page, and more on the overview."""
    columns: Mapping[str, Any]
    """Expressions that the list of connections shows, by name."""
    related: tuple[str, ...]
    """Rows of one connection that its pages read: loaded with it, in one statement."""
    health: "Callable[[Connection, Mapping[str, Any], AddressOf], Iterable[HealthRow]]"
    """The rows of the health card, from the connection and the facts. Their cost does not grow with people or logs."""
    limits: "Callable[[Connection], Limits]"
    """The limits of the page Limits. Their cost does not grow with people or logs."""
