"""Fields to choose roles: all roles while they are few, a field to search beyond. Nobody reads a list of more than 50."""

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.db.models import QuerySet
from django.http import HttpRequest

from core_identity.models import Grant, PushGroup, Role
from core_identity.selectors.roles import protected_roles

MOST_LISTED: Final = 50


class SearchForSeveral(AutocompleteSelectMultiple):
    """A field with a search, and without Django's button that removes all chosen rows at once."""

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> dict[str, Any]:
        return {**super().build_attrs(base_attrs, extra_attrs), "data-allow-clear": "false"}


def offer_roles(field: Any, roles: QuerySet[Role], request: HttpRequest, *, source: type[Grant | PushGroup]) -> None:
    """Let a field choose among ``roles``. The search finds other roles for grants by hand than for groups; ``source`` is one of the two.

    The search answers only administrators who may see roles. Others get the list, whatever its length.
    """
    are_many = roles.values("pk")[: MOST_LISTED + 1].count() > MOST_LISTED
    if are_many and request.user.has_perm("core_identity.view_role"):
        is_several = isinstance(field, forms.ModelMultipleChoiceField)
        widget: Any = SearchForSeveral if is_several else AutocompleteSelect
        field.widget = widget(source._meta.get_field("role"), admin.site)
        field.widget.is_required = field.required
    field.queryset = roles


def searched_roles(roles: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Return those of ``roles`` that the field behind a search may give: groups give no protected role, and only superusers do (R33)."""
    source = request.GET.get("model_name")
    is_open = source == Grant._meta.model_name and request.user.is_superuser
    if source not in {Grant._meta.model_name, PushGroup._meta.model_name} or is_open:
        return roles
    return roles.exclude(pk__in=protected_roles().values("pk"))
