"""The filters of the list of users."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest

from core_identity.admin_kit.lists import NamedFilter, OfConnection
from core_identity.keys import key
from core_identity.models import Grant, Identity, Role, User
from core_identity.models.identity import NOT_LIVE


class UsersOfConnection(OfConnection):
    def among(self, queryset: QuerySet[User], chosen: Sequence[Any]) -> QuerySet[User]:
        return queryset.filter(Exists(Identity.objects.filter(user=OuterRef("pk"), connection__in=_keys(chosen))))


class UsersOfRole(NamedFilter):
    title = parameter_name = "role"
    label = "name, or a part of it"
    shown = "name"

    @classmethod
    def exact(cls, text: str) -> QuerySet[Any]:
        return Role.objects.filter(name_key=key(text))

    @classmethod
    def part(cls, text: str) -> QuerySet[Any]:
        return Role.objects.filter(name_key__contains=key(text))

    def among(self, queryset: QuerySet[User], chosen: Sequence[Any]) -> QuerySet[User]:
        return queryset.filter(Exists(Grant.objects.filter(user=OuterRef("pk"), role__in=_keys(chosen))))


def _keys(chosen: Sequence[Any]) -> list[UUID]:
    return [one.pk for one in chosen]


class StatusFilter(admin.SimpleListFilter):
    """The same words as `core_identity.selectors.status_of`, and requests of the IdPs to reactivate (R22)."""

    title = parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [
            ("active", "active"),
            ("inactive", "inactive at every identity provider"),
            ("expired", "expired"),
            ("requested", "reactivation requested"),
            ("merged", "merged into another"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        identities = Identity.objects.filter(user=OuterRef("pk"))
        not_live = identities.filter(NOT_LIVE)
        live = identities.filter(active=True, deleted_at__isnull=True)
        if self.value() == "merged":
            return queryset.filter(merged_into__isnull=False)
        if self.value() is not None:
            queryset = queryset.filter(merged_into__isnull=True)
        match self.value():
            case "expired":
                return queryset.filter(expired_at__isnull=False)
            case "requested":
                requests = identities.filter(reactivation_requested_at__isnull=False)
                return queryset.filter(Exists(requests), expired_at__isnull=False)
            case "inactive":
                return queryset.filter(Exists(not_live), ~Exists(live), expired_at__isnull=True)
            case "active":
                # As values, and not with Exists: PostgreSQL would read all identities before the first user.
                found = {"not_live": Subquery(not_live.values("pk")[:1]), "live": Subquery(live.values("pk")[:1])}
                return queryset.alias(**found).filter(
                    Q(not_live__isnull=True) | Q(live__isnull=False), expired_at__isnull=True
                )
        return queryset
