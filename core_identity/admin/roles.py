import hashlib
from collections import Counter
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Permission
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from core_identity.admin.ended_grants import ConfirmsEndedGrants
from core_identity.admin.role_choice import SearchForSeveral, searched_roles
from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import ActForm, ConfirmsPreview, actor_of
from core_identity.admin_kit.logs import chip
from core_identity.admin_kit.pages import RowPage
from core_identity.admin_kit.seen import link_to
from core_identity.models import Connection, Grant, PushGroup, Role
from core_identity.selectors.counts import MOST, holders_of_roles
from core_identity.selectors.groups import waiting_groups
from core_identity.selectors.roles import protected_roles
from core_identity.services.groups import link_waiting
from core_identity.services.roles import change_role, create_role, delete_role
from core_identity.templatetags.core_pages import or_more

MOST_BOXES: Final = 20
"""Connections that the page of a role shows as boxes to tick."""
MOST_CHOSEN: Final = 50
"""Connections of one role that its page lets an administrator change together."""
NAMED: Final = 3
"""Connections that the list of roles names."""

MACHINERY = ("admin", "auth", "contenttypes", "sessions", "oauth2_provider", "scim", "sso")
"""Apps with permissions that open no page, so giving one would have no effect. Reading payloads of the provisioning log is the exception."""

REACH_SHOWN: Final = 10
"""Connections that the page of a role names with their groups."""
GROUPS_OF_ONE: Final = 5
"""Push groups of one connection that it names."""
GROUPS_LISTED: Final = 50
"""Push groups that can be ticked one by one where they are pending for a role. Beyond, there is one box for all."""

PAGES = {
    "conflict": ("view", "change"),
    "customer": ("view", "add", "change"),
    "connection": ("view", "add", "change"),
    "user": ("view", "add", "change"),
    "role": ("view", "add", "change", "delete"),
    "event": ("view",),
    "session": ("end",),
}
"""The permissions that this administration asks for."""


def offered_permissions(role: Role) -> QuerySet[Permission]:
    """Return the permissions that open a page, and those that ``role`` already has."""
    codenames = [f"{act}_{model}" for model, acts in PAGES.items() for act in acts]
    ours = Q(content_type__app_label="core_identity")
    payloads = Q(content_type__app_label="scim", codename="view_payload")
    meaningful = (ours & Q(codename__in=codenames)) | payloads | ~(ours | Q(content_type__app_label__in=MACHINERY))
    in_role = Q(pk__in=Role.permissions.through.objects.filter(role_id=role.pk).values("permission_id"))
    return Permission.objects.filter(meaningful | in_role).select_related("content_type")


class RoleForm(ConfirmsEndedGrants, forms.ModelForm):
    aliases = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 40}),
        help_text="Other names by which groups give the role, one per line. A group that is renamed to one of them keeps giving the "
        "role. Removing a name ends the grants that came by it.",
    )

    class Meta:
        model = Role
        fields = ("name", "description", "marked_protected", "grantable_by", "permissions")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["aliases"] = "\n".join(alias.name for alias in self.instance.aliases.all())
        if "permissions" in self.fields:  # for superusers only
            self.fields["permissions"].queryset = offered_permissions(self.instance)  # type: ignore[attr-defined]

    def clean_aliases(self) -> list[str]:
        return str(self.cleaned_data["aliases"]).splitlines()

    def write(self) -> Role:
        if self.instance._state.adding:
            return create_role(actor=self.actor, **self.cleaned_data)
        return change_role(actor=self.actor, role_id=self.instance.pk, **self.cleaned_data)


class WaitingForm(ConfirmsPreview, ActForm):
    """R29: which pending groups with a name of the role give it from now on. All of them means those that the page showed."""

    groups = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Push groups",
        help_text="Their members get the role at once; no new push is needed. The others give no role yet.",
    )
    all_groups = forms.BooleanField(required=False)
    changed = "The pending groups changed while this page was open. Check the list again."

    def __init__(self, request: HttpRequest, *, role: Role) -> None:
        super().__init__(request)
        self.role = role
        self.waiting = waiting_groups(role, most=MOST)
        waiting = sorted(str(group.pk) for group, _ in self.waiting)
        self.preview_digest = hashlib.sha256(" ".join(waiting).encode()).hexdigest()
        self.fields["groups"].choices = [  # type: ignore[attr-defined]
            (
                str(group.pk),
                f"{group.display_name} of {group.connection.slug}: {or_more(heads, MOST)} {'person' if heads == 1 else 'people'}",
            )
            for group, heads in self.waiting[:GROUPS_LISTED]
        ]
        if len(self.waiting) > GROUPS_LISTED:
            self.fields[
                "all_groups"
            ].label = f"All {len(self.waiting)} push groups of all connections, also those not listed here"
        else:
            del self.fields["all_groups"]

    def is_as_shown(self) -> bool:
        return "all_groups" not in self.data or super().is_as_shown()

    def write(self) -> int:
        if self.cleaned_data.get("all_groups"):
            chosen = [group.pk for group, _ in self.waiting]
        else:
            chosen = [UUID(one) for one in self.cleaned_data["groups"]]
        return link_waiting(actor=self.actor, role_id=self.role.pk, group_ids=chosen)


class WaitingPage(RowPage):
    name = "waiting"
    title = "Pending push groups for the role {row}"
    form_class = WaitingForm
    template_name = "admin/core_identity/role/waiting.html"
    done = "Push groups that give the role {row} from now on: {written}."

    def next_page(self, form: WaitingForm) -> str:
        return reverse("admin:core_identity_role_changelist")

    def facts(self, form: WaitingForm) -> dict[str, Any]:
        return {"protected": self.row.protected}


@admin.register(Role)
class RoleAdmin(CoreAdmin):
    form = RoleForm
    pages = (WaitingPage,)
    list_display = ("name", "other_names", "protection", "holders", "grantable_names")
    left_out = ("other_names",)
    search_fields = ("name_key",)
    search_help_text = "By name."
    empty_list = (
        "No role yet. Create one, with the name of a group of the identity provider, so that the group gives it."
    )
    filter_horizontal = ("permissions",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        protected = ExpressionWrapper(Q(pk__in=protected_roles().values("pk")), output_field=BooleanField())
        roles: QuerySet[Role] = super().get_queryset(request).annotate(protected=protected)
        return roles.prefetch_related("aliases")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, searched_roles(queryset, request), search_term)

    def about_rows(self, request: HttpRequest, rows: list[Any]) -> None:
        counted = holders_of_roles([one.pk for one in rows])
        for one in rows:
            one.heads = counted[one.pk]
        names: dict[UUID, list[str]] = {one.pk: [] for one in rows}
        grantable = Role.grantable_by.through.objects.filter(role__in=list(names)).order_by("connection__name")
        for role, name in grantable.values_list("role_id", "connection__name"):
            names[role].append(name)
        for one in rows:
            one.connection_names = names[one.pk]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Show a box for each connection while they are few. Beyond, only an administrator who may see connections can search them."""
        if db_field.name == "grantable_by":
            many = Connection.objects.count() > MOST_BOXES and request.user.has_perm("core_identity.view_connection")
            widget = SearchForSeveral(db_field, self.admin_site) if many else forms.CheckboxSelectMultiple()
            kwargs["widget"] = widget
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        may_write = obj is None or self.has_change_permission(request, obj)
        is_long = obj is not None and obj.grantable_by.count() > MOST_CHOSEN
        grantable = "many_connections" if is_long else "grantable_by"
        fields = ["name", "aliases" if may_write else "other_names", "description", grantable]
        if obj:
            fields += ["holders", "reach", "protection"]
        if request.user.is_superuser:
            fields += ["marked_protected", "permissions"]
        return [(None, {"fields": fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("holders", "reach", "protection", "other_names", "many_connections")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        connections = Connection.objects.values_list("pk", flat=True)[:2]
        preset = {"grantable_by": list(connections)} if len(connections) == 1 else {}
        return {**preset, **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj) and _may_touch(request, obj)

    # After saving: the push groups that the role could now reach (R29).

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._ask_for_waiting(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._ask_for_waiting(request, obj) or super().response_change(request, obj)

    def _ask_for_waiting(self, request: HttpRequest, role: Role) -> HttpResponse | None:
        if not waiting_groups(role, most=1):
            return None
        self.message_user(request, f"The role {role} is saved.", messages.SUCCESS)
        return redirect("admin:core_identity_role_waiting", role.pk)

    # Deleting (R27): the service ends the grants, so none of them is in the way.

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        groups = PushGroup.objects.filter(role__in=objs).count()
        holders = Grant.objects.filter(role__in=objs).values("user").distinct().count()
        counts = Counter({"people who lose it": holders, "push groups that give no role afterwards": groups})
        return [str(role) for role in objs], counts, set(), []

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_role(actor=actor_of(request), role_id=obj.pk)

    @admin.display(description="protection", ordering="protected")
    def protection(self, role: Role) -> str:
        is_protected = role.protected  # type: ignore[attr-defined]  # by get_queryset
        return chip("attention", "protected") if is_protected else chip("plain", "not protected")

    @admin.display(description="holders")
    def holders(self, role: Role) -> str:
        known: int | None = getattr(role, "heads", None)  # by about_rows
        heads = holders_of_roles([role.pk])[role.pk] if known is None else known
        url = f"{reverse('admin:core_identity_user_changelist')}?{urlencode({'role': role.name})}"
        return link_to(role, "user", url, or_more(heads, MOST))

    @admin.display(description="grantable by")
    def many_connections(self, role: Role) -> str:
        return f"{role.grantable_by.count()} connections. To change this, open the roles of the groups of a connection."

    @admin.display(description="reached by")
    def reach(self, role: Role) -> str:
        """R28: the groups and names that give the role, for each connection that may."""
        names = " or ".join([role.name, *(alias.name for alias in role.aliases.all())])
        grantable = role.grantable_by.order_by("slug")
        connections = list(grantable[: REACH_SHOWN + 1])
        more = grantable.count() - REACH_SHOWN if len(connections) > REACH_SHOWN else 0
        windows = [
            role.push_groups.filter(connection=one).order_by("name_key")[: GROUPS_OF_ONE + 1]
            for one in connections[:REACH_SHOWN]
        ]
        groups = list(windows[0].union(*windows[1:], all=True)) if windows else []
        lines = []
        for connection in connections[:REACH_SHOWN]:
            if connection.takes_push_groups:
                page = reverse("admin:core_identity_connection_group", args=[connection.pk])
                own = [
                    (link_to(role, "connection", f"{page}?group={one.pk}", one),)
                    for one in groups
                    if one.connection_id == connection.pk
                ]
                links = format_html_join(", ", "{}", own[:GROUPS_OF_ONE]) or "none yet"
                more_groups = len(own) > GROUPS_OF_ONE
                lines.append(
                    (connection.name, "push groups", format_html("{} and more", links) if more_groups else links)
                )
            if connection.takes_sso_groups:
                lines.append((connection.name, "names in assertions", names))
        shown = format_html_join(mark_safe("<br>"), "{}, {}: {}", lines) or "no connection may give it"
        if not more:
            return shown
        address = f"{reverse('admin:core_identity_connection_waiting-groups')}?kind=linked"
        return format_html('{}<br>and {} more connections: <a href="{}">all groups</a>', shown, more, address)

    @admin.display(description="aliases")
    def other_names(self, role: Role) -> str:
        return ", ".join(alias.name for alias in role.aliases.all())

    @admin.display(description="grantable by", empty_value="no connection")
    def grantable_names(self, role: Role) -> str:
        names = role.connection_names  # type: ignore[attr-defined]  # by about_rows
        shown = ", ".join(names[:NAMED])
        return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown


def _may_touch(request: HttpRequest, role: Role | None) -> bool:
    """Return whether this administrator may change the role. An administrator who could change a protected role could take any permission."""
    if role is None or request.user.is_superuser:
        return True
    return not protected_roles().filter(pk=role.pk).exists()
