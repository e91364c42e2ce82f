"""The page of a connection, as far as core_identity knows it; registered by `core_identity.config.admin`, which adds the rest."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timezone import localtime

from core_identity.admin.bursts import BurstPages
from core_identity.admin.connection_pages import ExternalIdForm, GrantableForm, SwitchForm
from core_identity.admin.drift import ConnectionDriftPages
from core_identity.admin.ended_grants import ConfirmsEndedGrants
from core_identity.admin.succession import SuccessionPages
from core_identity.errors import NotFound
from core_identity.models import Connection
from core_identity.models.connection import Mark, UidRule
from core_identity.selectors.groups import (
    listed_groups,
    people_without_groups,
    unlisted_people,
    unlisted_roles_end,
    unmapped_groups,
)
from core_identity.selectors.mismatches import LATELY, mismatches, perhaps_pushed_too, refused_lately
from core_identity.services.connections import (
    LOCKED_WITH_IDENTITIES,
    SETTINGS,
    change_connection,
    create_connection,
)

LOCKED = "The UID attribute and the UID rule are locked, because people are already known by them."
MARK_FOR_OTHER_ONLY = (
    "The second mark can be waived only if the UID is another stable, unique value that nobody can edit."
)
PAIRS_ON_A_PAGE = GROUPS_ON_A_PAGE = 50


class ConnectionForm(ConfirmsEndedGrants, forms.ModelForm):
    class Meta:
        model = Connection
        fields = ("customer", "slug", *sorted(SETTINGS - {"external_id_may_change"}))

    def clean(self) -> None:
        rule = self.cleaned_data.get("uid_rule", self.instance.uid_rule)
        if self.cleaned_data.get("uid_mark") == Mark.WAIVED and rule != UidRule.OTHER:
            self.add_error("uid_mark", MARK_FOR_OTHER_ONLY)

    def write(self) -> Connection:
        if self.instance._state.adding:
            return create_connection(actor=self.actor, **self.cleaned_data)
        return change_connection(actor=self.actor, connection_id=self.instance.pk, **self.cleaned_data)


class ConnectionAdmin(SuccessionPages, ConnectionDriftPages, BurstPages):
    form = ConnectionForm
    list_display = ("slug", "name", "customer", "enabled", "last_sign_in", "last_push")
    list_filter = ("enabled", "customer")
    list_select_related = ("customer",)
    search_fields = ("slug", "customer__name_key")
    search_help_text = "By slug, or name of the customer."
    autocomplete_fields = ("customer",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        connections: QuerySet[Connection] = super().get_queryset(request)
        return connections.annotate(
            people=Count("identities"),
            signed_in=Max("identities__signed_in_at"),
            pushed=Max("identities__changed_at", filter=Q(identities__pushed_at__isnull=False)),
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        locked = {"description": LOCKED} if obj and obj.people else {}
        may_change = ("external_id_may_change",) if obj else ()
        health = ("enabled", "known_people", "last_sign_in", "last_push", "roles_given", "perhaps_twice", "not_listed")
        return [
            (None, {"fields": ("customer", "slug", "name")}),
            (
                "Who is who",
                {"fields": ("uid_attribute", "uid_rule", "uid_mark", "uid_required_in_scim", *may_change), **locked},
            ),
            ("People", {"fields": ("sso_makes_users", "reactivation", "own_idp")}),
            ("Groups", {"fields": ("roles_from", "overage_days", "unknown_group")}),
            *([("Now", {"fields": health})] if obj else []),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """R1: slug and customer stay. R3: so do UID rule and attribute, once somebody is known by them."""
        own = () if request.user.is_superuser else ("own_idp",)
        if obj is None:
            return own
        locked = sorted(LOCKED_WITH_IDENTITIES) if obj.people else ()
        return (
            "slug",
            "customer",
            "enabled",
            "external_id_may_change",
            "known_people",
            "last_sign_in",
            "last_push",
            "roles_given",
            "perhaps_twice",
            "not_listed",
            *locked,
            *own,
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Our own IdP says who is an administrator (R26): only a superuser may change whom we believe there."""
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or request.user.is_superuser or not obj.own_idp

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """Go on to its page: there is what the IdP has to be told."""
        if "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        self.message_user(request, f"The connection {obj} was created. Next: its SAML settings and OAuth client.")
        return self.to_change_page(obj)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        connection = context.get("original")
        if connection is not None:
            context["may_act"] = self.has_change_permission(request, connection)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> Any:
        return [
            *self.own_page("switch", self.switch_view),
            *self.own_page("external-id", self.external_id_view),
            *self.own_page("roles", self.roles_view),
            *self.own_page("mismatches", self.mismatches_view),
            *self.own_page("groups", self.groups_view),
            *super().get_urls(),
        ]

    def switch_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        form = SwitchForm(request, connection=connection)
        if form.submit():
            self.message_user(request, f"The connection {connection} is {'on' if form.written.enabled else 'off'}.")
            return self.to_change_page(connection)
        title = f"Switch {'off' if connection.enabled else 'on'} the connection {connection}"
        return self.page(request, "admin/core_identity/connection/switch.html", title=title, form=form, obj=connection)

    def external_id_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        form = ExternalIdForm(request, connection=connection)
        if form.submit():
            now = "may change" if form.written.external_id_may_change else "cannot change any more"
            self.message_user(request, f"The externalId of people of {connection} {now}.", messages.SUCCESS)
            return self.to_change_page(connection)
        title = f"May the externalId change in {connection}?"
        return self.page(
            request, "admin/core_identity/connection/external_id.html", title=title, form=form, obj=connection
        )

    def roles_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        form = GrantableForm(request, connection=connection)
        if form.submit():
            self.message_user(request, f"The roles that {connection} may give are saved.", messages.SUCCESS)
            return self.to_change_page(connection)
        title = f"Roles that groups of {connection} may give"
        return self.page(request, "admin/core_identity/connection/roles.html", title=title, form=form, obj=connection)

    def mismatches_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Read only: who is who is mended at the IdP. It shows people, so the permission to see connections is not enough."""
        connection = self.get_object(request, str(pk))
        if connection is None:
            raise NotFound("There is no such connection.")
        if not self.has_view_permission(request, connection) or not request.user.has_perm("core_identity.view_user"):
            raise PermissionDenied
        page = Paginator(perhaps_pushed_too(connection), PAIRS_ON_A_PAGE).get_page(request.GET.get("page"))
        return self.page(
            request,
            "admin/core_identity/connection/mismatches.html",
            title=f"People whom {connection} may know twice",
            form=forms.Form(),
            obj=connection,
            page=page,
            pairs=mismatches(connection, list(page)),
            refused=refused_lately(connection),
            days=LATELY.days,
        )

    def groups_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """R29, R31: what the IdP sends of groups, and what of it gives nothing."""
        connection = self.viewable(request, pk)
        waiting = "waiting" in request.GET
        pushed = Paginator(listed_groups(connection=connection, waiting=waiting), GROUPS_ON_A_PAGE)
        return self.page(
            request,
            "admin/core_identity/connection/groups.html",
            title=f"Groups of {connection}",
            form=forms.Form(),
            obj=connection,
            pushed=pushed.get_page(request.GET.get("p")),
            waiting=waiting,
            may_make_roles=request.user.has_perm("core_identity.add_role"),
            unmapped=unmapped_groups(connection),
            without=people_without_groups(connection),
            unlisted=_unlisted(request, connection),
        )

    @admin.display(description="people known by this connection")
    def known_people(self, connection: Connection) -> int:
        return int(connection.people)  # type: ignore[attr-defined]  # by get_queryset

    @admin.display(description="last sign-in", ordering="signed_in")
    def last_sign_in(self, connection: Connection) -> str:
        return _when(connection.signed_in)  # type: ignore[attr-defined]

    @admin.display(description="last change to a pushed person", ordering="pushed")
    def last_push(self, connection: Connection) -> str:
        return _when(connection.pushed)  # type: ignore[attr-defined]

    @admin.display(description="roles its groups may give")
    def roles_given(self, connection: Connection) -> str:
        return ", ".join(role.name for role in connection.grantable_roles.all()) or "none yet"

    @admin.display(description="people perhaps known twice")
    def perhaps_twice(self, connection: Connection) -> str:
        address = reverse("admin:core_identity_connection_mismatches", args=[connection.pk])
        return format_html('{}: <a href="{}">show them</a>', perhaps_pushed_too(connection).count(), address)

    @admin.display(description="people whose groups are not listed")
    def not_listed(self, connection: Connection) -> str:
        """R31: their roles by sign-ins end unless a full list comes."""
        address = reverse("admin:core_identity_connection_groups", args=[connection.pk])
        return format_html('{}: <a href="{}#unlisted">show them</a>', unlisted_people(connection).count(), address)


def _unlisted(request: HttpRequest, connection: Connection) -> dict[str, Any]:
    """Return the people whose groups are not listed, with the time when their roles end; to who may see people (R31)."""
    people = unlisted_people(connection)
    listed = Paginator(people, GROUPS_ON_A_PAGE).get_page(request.GET.get("unlisted"))
    return {
        "number": listed.paginator.count,
        "page": listed,
        "people": [
            (one, unlisted_roles_end(one))
            for one in (listed if request.user.has_perm("core_identity.view_user") else ())
        ],
    }


def _when(moment: datetime | None) -> str:
    return f"{localtime(moment):%Y-%m-%d %H:%M}" if moment else "never"
