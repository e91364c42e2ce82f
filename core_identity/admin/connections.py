"""The page of a connection, as far as core_identity knows it; registered by `core_identity.config.admin`, which adds the rest."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from core_identity.admin.across import UnmappedGroupsPage, WaitingGroupsPage
from core_identity.admin.bursts import BurstPage
from core_identity.admin.connection_lists import GroupsPage, MismatchesPage
from core_identity.admin.connection_pages import ExternalIdPage, GrantablePage, LimitsPage, SwitchPage
from core_identity.admin.connection_tabs import address_of, tabs_for
from core_identity.admin.consequences import consequences
from core_identity.admin.drift import ConnectionDriftPage
from core_identity.admin.ended_grants import ConfirmsEndedGrants
from core_identity.admin.map_group import GroupPage
from core_identity.admin.set_up import OverviewPage, StepsPage
from core_identity.admin.setup_links import SetupLinkPage, SetUpsPage
from core_identity.admin.succession import RekeyPage, SucceedPage
from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.health import HealthRow
from core_identity.admin_kit.lists import OfCustomer
from core_identity.admin_kit.logs import chip
from core_identity.admin_kit.pages import ConnectionPart, Pages
from core_identity.admin_kit.seen import link_to, link_to_customer, seen_by
from core_identity.models import Connection, Identity
from core_identity.models.connection import Mark, UidRule
from core_identity.selectors.bursts import may_settle_bursts, open_bursts
from core_identity.selectors.groups import unlisted_people
from core_identity.selectors.mismatches import perhaps_pushed_too
from core_identity.selectors.pages import number_of_resources
from core_identity.selectors.uid_examples import UidExamples, uid_examples
from core_identity.services.connections import (
    LOCKED_WITH_IDENTITIES,
    SETTINGS,
    change_connection,
    create_connection,
)
from core_identity.set_up import uid_rule_in_words
from core_identity.templatetags.core_pages import ago

LOCKED = "The UID attribute and the UID rule are locked, because people are already known by them."
CHOICE = "Choose the UID rule with the customer. It is locked as soon as the first person is known."
MARK_FOR_OTHER_ONLY = (
    "The mark beside the UID can be waived only if the UID is another stable, unique value that nobody can edit."
)


HELP: Final = {
    "customer": "The company whose people sign in or are pushed here. It cannot be changed later.",
    "own_idp": "Only for the identity provider of your own company. Sign-ins carry staff rights here, and only superusers can change the connection. "
    "Staff who sign in through any other connection are refused.",
    "reactivation": "The effect if the identity provider marks an expired user as active again. If an administrator decides, the user is on the list "
    "Reactivation requests.",
    "roles_from": "Push groups come by SCIM, whenever a group changes. The names of groups in an assertion come with each sign-in. If a "
    "source is no longer chosen, the roles that came by it end. You see them before anything is saved.",
    "sso_creates_users": "Whether the first sign-in of an unknown person creates a user. Otherwise this person is refused until SCIM pushes them.",
    "unknown_group": "A group that waits gives a role as soon as you choose one on the page Groups. "
    "A refused group is an error in the tasks of the identity provider.",
}  # fmt: skip


class ConnectionForm(ConfirmsEndedGrants, forms.ModelForm):
    class Meta:
        model = Connection
        fields = ("customer", "slug", *sorted(SETTINGS - {"external_id_may_change"}))
        help_texts = HELP

    def clean(self) -> None:
        rule = self.cleaned_data.get("uid_rule", self.instance.uid_rule)
        if self.cleaned_data.get("uid_mark") == Mark.WAIVED and rule != UidRule.OTHER:
            self.add_error("uid_mark", MARK_FOR_OTHER_ONLY)

    def effects(self) -> list[str]:
        """A new connection has nobody yet, so it needs no question."""
        if self.instance._state.adding:
            return []
        return consequences(self.instance, {name: self.cleaned_data[name] for name in self.changed_data})

    def write(self) -> Connection:
        if self.instance._state.adding:
            return create_connection(actor=self.actor, **self.cleaned_data)
        return change_connection(actor=self.actor, connection_id=self.instance.pk, **self.cleaned_data)


class ConnectionAdmin(CoreAdmin):
    form = ConnectionForm
    pages: ClassVar[Pages] = (
        OverviewPage,
        StepsPage,
        SetupLinkPage,
        SwitchPage,
        ExternalIdPage,
        LimitsPage,
        GrantablePage,
        MismatchesPage,
        GroupsPage,
        GroupPage,
        BurstPage,
        ConnectionDriftPage,
        RekeyPage,
        SucceedPage,
        WaitingGroupsPage,
        UnmappedGroupsPage,
        SetUpsPage,
    )
    parts: ClassVar[tuple[ConnectionPart, ...]] = ()
    """What other packages show; `core_identity.config.admin` knows them."""
    list_display = ("link", "slug", "customer", "state", "last_sign_in", "last_push")
    left_out = ("last_push",)
    list_display_links = None
    list_filter = ("enabled", OfCustomer)
    list_select_related = ("customer",)
    search_fields = ("slug", "customer__name_key")
    search_help_text = "By slug, or name of the customer."
    empty_list = (
        "No connection yet, so nobody can sign in or be pushed. Create a customer first, and then its connection."
    )
    autocomplete_fields = ("customer",)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return tuple(part.inline for part in self.parts) if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        connections: QuerySet[Connection] = super().get_queryset(request)
        pushed = Identity.objects.filter(connection=OuterRef("pk"), pushed_at__isnull=False)
        related = [name for part in self.parts for name in part.related]
        return connections.select_related("customer", *related).annotate(
            people=Exists(Identity.objects.filter(connection=OuterRef("pk"))),
            has_burst=Exists(open_bursts().filter(connection=OuterRef("pk"))),
            pushed=Subquery(pushed.order_by("-changed_at").values("changed_at")[:1]),
            **{name: column for part in self.parts for name, column in part.columns.items()},
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        who = LOCKED if obj and obj.people else _rules_in_words()
        may_change = ("external_id_may_change",) if obj else ()
        health = ("enabled", "known_people", "last_sign_in", "last_push", "roles_given", "perhaps_twice", "not_listed")
        return [
            (None, {"fields": ("customer_page" if obj else "customer", "slug", "name")}),
            (
                "Who is who",
                {
                    "fields": ("uid_attribute", "uid_rule", "uid_mark", "uid_required_in_scim", *may_change),
                    "description": who,
                },
            ),
            ("People", {"fields": ("sso_creates_users", "reactivation", "own_idp")}),
            ("Groups", {"fields": ("roles_from", "overage_days", "unknown_group")}),
            *([("Now", {"fields": health})] if obj else []),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Slug and customer never change (R1). UID rule and attribute are locked once an identity exists (R3)."""
        own = () if request.user.is_superuser else ("own_idp",)
        if obj is None:
            return own
        locked = sorted(LOCKED_WITH_IDENTITIES) if obj.people else ()
        return (
            "slug",
            "customer_page",
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
        """Our own IdP decides who is an administrator (R26), so only a superuser may change its connection."""
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or request.user.is_superuser or not obj.own_idp

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """Lead to the overview of the new connection, which shows the next step."""
        if "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        self.message_user(
            request, f"The connection {obj.name} was created. Next: enter the values below at the identity provider."
        )
        return self.to_change_page(obj)

    def to_change_page(self, obj: Any) -> HttpResponse:
        """Return to the overview, because it shows the next step."""
        return redirect("admin:core_identity_connection_overview", obj.pk)

    def tabs(self, request: HttpRequest, connection: Connection) -> list[dict[str, Any]]:
        return tabs_for(self, request, connection)

    def facts(self, connection: Connection) -> dict[str, Any]:
        """Return what the parts know about a connection."""
        facts: dict[str, Any] = {}
        for part in self.parts:
            facts.update(part.facts(connection))
        return facts

    def overview(self, request: HttpRequest, connection: Connection) -> dict[str, Any]:
        """Return what the overview shows beside steps and screens."""
        facts, address = self.facts(connection), partial(address_of, self, request, connection)
        health = [row for part in self.parts for row in part.health(connection, facts, address)]
        if seen_by(request)["user"]:
            health += _uid_rows(uid_examples(connection), address("mismatches"))
        changes = HealthRow("Changes", "all events", self.history(connection))
        return {
            **facts,
            "bursts": self.bursts(request, connection),
            "credentials_address": address("credentials"),
            "health": [*health, *([changes] if seen_by(request)["event"] else [])],
            "ends_soon": [row for row in health if row.ends_soon],
        }

    def bursts(self, request: HttpRequest, connection: Connection) -> bool:
        """Whether a burst of deactivations is pending for this administrator."""
        return may_settle_bursts(request.user) and connection.has_burst  # type: ignore[attr-defined]  # by `get_queryset`

    def history(self, connection: Connection) -> str:
        return f"{reverse('admin:core_identity_event_changelist')}?{self.history_field}={connection.pk}"

    @admin.display(description="name", ordering="name")
    def link(self, connection: Connection) -> str:
        address = reverse("admin:core_identity_connection_overview", args=[connection.pk])
        return format_html('<a href="{}">{}</a>', address, connection.name)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        connection = context.get("original")
        if connection is not None:
            context["subtitle"] = context["crumb"] = connection.name
            context["tabs"] = self.tabs(request, connection)
            context.update(self.facts(connection))
            context["bursts"] = self.bursts(request, connection)
            context["credentials_address"] = address_of(self, request, connection, "credentials")
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="customer")
    def customer_page(self, connection: Connection) -> str:
        return link_to_customer(connection)

    @admin.display(description="people pushed by SCIM")
    def known_people(self, connection: Connection) -> int:
        return number_of_resources(connection)

    @admin.display(description="last sign-in", ordering="signed_in")
    def last_sign_in(self, connection: Connection) -> str:
        return _when(connection.signed_in)  # type: ignore[attr-defined]

    @admin.display(description="status", ordering="enabled")
    def state(self, connection: Connection) -> str:
        return chip("fine", "on") if connection.enabled else chip("attention", "switched off")

    @admin.display(description="last change to a pushed person", ordering="pushed")
    def last_push(self, connection: Connection) -> str:
        return _when(connection.pushed)  # type: ignore[attr-defined]

    @admin.display(description="roles its groups may give")
    def roles_given(self, connection: Connection) -> str:
        return ", ".join(role.name for role in connection.grantable_roles.all()) or "none yet"

    @admin.display(description="people known twice")
    def perhaps_twice(self, connection: Connection) -> str:
        address = reverse("admin:core_identity_connection_mismatches", args=[connection.pk])
        number = perhaps_pushed_too(connection).count()
        return link_to(connection, "user", address, _people(number)) if number else "nobody"

    @admin.display(description="people whose groups are not listed")
    def not_listed(self, connection: Connection) -> str:
        """R31: their roles by sign-ins end unless a full list comes."""
        address = reverse("admin:core_identity_connection_groups", args=[connection.pk])
        number = unlisted_people(connection).count()
        return link_to(connection, "connection", f"{address}#unlisted", _people(number)) if number else "nobody"


def _uid_rows(found: UidExamples, address: str) -> Iterator[HealthRow]:
    """Yield an example of what each channel sends as the UID, and how many pushed people have a derived one (R6, R37)."""
    if found.by_sso:
        yield HealthRow("UID of the newest person by SSO", found.by_sso)
    if found.pushed:
        value = f"{found.pushed} (the userName, because no UID was sent)" if found.is_derived else found.pushed
        yield HealthRow("UID of the newest pushed person", value)
    if found.derived:
        words = f"{found.derived} of the newest {found.looked_at}"
        yield HealthRow("Pushed without a UID", words, address, "attention")


def _rules_in_words() -> str:
    """Return what each UID rule means, with examples, for the moment when it can still be chosen (R3)."""
    return format_html_join("", "<p>{}</p>", [(CHOICE,), *((uid_rule_in_words(one.value),) for one in UidRule)])


def _people(number: int) -> str:
    return f"{number} {'person' if number == 1 else 'people'}"


def _when(moment: datetime | None) -> str:
    return ago(moment) or "never"
