"""The shared parts of the pages of all models."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, reverse

from core_identity.admin_kit.lists import LongList
from core_identity.errors import NotFound
from core_identity.keys import key

if TYPE_CHECKING:
    from core_identity.admin_kit.pages import AdminPage


class RefusedByService(Exception):
    """The service refused a valid form, and nothing was changed. The reasons are errors of ``form``."""

    def __init__(self, form: BaseForm) -> None:
        super().__init__(form)
        self.form = form


class CoreAdmin(LongList):
    """A page of a model that services write: `form` is a `WrittenByService`. Nothing can be deleted, and events are the history (R34)."""

    history_field = "subject_id"
    pages: "ClassVar[tuple[type[AdminPage], ...]]" = ()
    """The pages of this model, beside those of Django."""

    class Media:
        css = {"all": ["admin_core.css"]}
        js = ["admin_core.js"]

    def get_urls(self) -> list[URLPattern]:
        return [*(page.address(self) for page in self.pages), *super().get_urls()]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)  # a class made for this request
        form.request = request  # type: ignore[attr-defined]
        form.refusal = getattr(request, "refusal_of_form", None)  # type: ignore[attr-defined]
        return form

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Answer without Django's transaction, because each service has its own, and can then try it again.

        If the service refuses, the page is shown again, with the reasons as errors of the form.
        """
        words = {"title": f"Create {self.opts.verbose_name}"} if object_id is None else {}
        extra_context = {"show_save_and_add_another": False, **words, **(extra_context or {})}
        try:
            return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]
        except RefusedByService as refused:
            request.refusal_of_form = forms.ValidationError(refused.form.errors.as_data())  # type: ignore[attr-defined]
            return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Return the row that the service wrote; Django calls this once, for a valid form."""
        if not form.submit():
            raise RefusedByService(form)
        return form.written

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The service has written already."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The service has written these as well."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write nothing: the events contain the change, and a second log could only contradict them."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write nothing; see `log_addition`."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Write nothing; see `log_addition`."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        obj = self.viewable(request, object_id)
        return HttpResponseRedirect(f"{reverse('admin:core_identity_event_changelist')}?{self.history_field}={obj.pk}")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Compare names by their key (R5), not by ``upper()`` of the database."""
        return (queryset.filter(self.found_by(search_term.strip())) if search_term.strip() else queryset), False

    def found_by(self, term: str) -> Q:
        return reduce(or_, (Q(**{f"{field}__contains": key(term)}) for field in self.search_fields))

    def viewable(self, request: HttpRequest, pk: UUID | str) -> Any:
        """Return a row; raise `NotFound`, or ``PermissionDenied`` if this administrator may not see it."""
        obj = self.get_object(request, str(pk))
        if obj is None:
            raise NotFound(f"There is no such {self.opts.verbose_name} any more.")
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        return obj

    def changeable(self, request: HttpRequest, pk: UUID) -> Any:
        """Return a row; raise `NotFound`, or ``PermissionDenied`` if this administrator may not change it."""
        obj = self.viewable(request, pk)
        if not self.has_change_permission(request, obj):
            raise PermissionDenied
        return obj

    def to_change_page(self, obj: Model) -> HttpResponse:
        return redirect(f"admin:core_identity_{self.opts.model_name}_change", obj.pk)
