from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from core_identity.models import Identity, User


class RelatedFilter(admin.RelatedFieldListFilter):
    """Django drops a filter, and the condition with it, where there is only one choice: a link to it would then list everybody."""

    def has_output(self) -> bool:
        return True


class StatusFilter(admin.SimpleListFilter):
    """The same words as `core_identity.selectors.status_of`, and requests of the IdPs to reactivate (R22)."""

    title = parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [
            ("active", "active"),
            ("inactive", "inactive at every IdP"),
            ("expired", "expired"),
            ("wished", "reactivation requested"),
            ("merged", "merged into another"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        known = Identity.objects.filter(user=OuterRef("pk"))
        inactive = Exists(known) & ~Exists(known.filter(active=True, deleted_at__isnull=True))
        if self.value() == "merged":
            return queryset.filter(merged_into__isnull=False)
        if self.value() is not None:
            queryset = queryset.filter(merged_into__isnull=True)
        match self.value():
            case "expired":
                return queryset.filter(expired_at__isnull=False)
            case "wished":
                wishes = known.filter(reactivation_requested_at__isnull=False)
                return queryset.filter(Exists(wishes), expired_at__isnull=False)
            case "inactive":
                return queryset.filter(inactive, expired_at__isnull=True)
            case "active":
                return queryset.filter(~inactive, expired_at__isnull=True)
        return queryset
