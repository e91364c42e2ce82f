"""Names for the fields of filters, while somebody types. Only an administrator who may open a list with such a field gets them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from core_identity.admin.user_filters import UsersOfRole
from core_identity.admin_kit.lists import NamedFilter, OfConnection, OfCustomer
from core_identity.admin_kit.seen import seen_by

_FILTERS: Final[Mapping[str, tuple[type[NamedFilter], frozenset[str]]]] = MappingProxyType(
    {
        "connection": (OfConnection, frozenset({"conflict", "connection", "event", "role", "user"})),
        "customer": (OfCustomer, frozenset({"conflict", "connection", "customer", "role", "user"})),
        "role": (UsersOfRole, frozenset({"role", "user"})),
    }
)
"""The filters by their parameter, each with the models whose lists have it. The list of groups is open to administrators of roles."""


@require_safe
def suggest(request: HttpRequest, of: str) -> JsonResponse:
    """Answer ``{"found": [{"value", "label"}]}`` for the text ``q``: what a field takes, and the words for people. One query."""
    if of not in _FILTERS:
        raise Http404
    named, models = _FILTERS[of]
    sees = seen_by(request)
    if not any(sees[model] for model in models):
        raise PermissionDenied
    found = named.suggestions(request.GET.get("q", ""))
    return JsonResponse({"found": [{"value": value, "label": label} for value, label in found]})
