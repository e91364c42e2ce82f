"""A group that an IdP sends: its members, and the role that it gives (R28, R29, R31)."""

from typing import Any
from uuid import UUID

from django import forms
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest

from core_identity.admin.across import may_map
from core_identity.admin.role_choice import offer_roles
from core_identity.admin_kit.filters import page_of_rows
from core_identity.admin_kit.forms import ActForm
from core_identity.admin_kit.pages import Access, ConnectionPage
from core_identity.admin_kit.seen import seen_by
from core_identity.keys import key
from core_identity.models import Connection, ExpectedMember, PushGroup, PushGroupMember, Role
from core_identity.selectors.groups import reached_by, role_keys
from core_identity.selectors.roles import protected_roles
from core_identity.services.groups import link_waiting
from core_identity.services.roles import change_role


class MapForm(ActForm):
    """Let a group give a role that exists: the role gets the name as an alias, and the connection may give it."""

    role = forms.ModelChoiceField(
        Role.objects.none(),
        label="Role",
        help_text="The role gets the name of the group as an alias, and this connection may give it.",
    )

    def __init__(self, request: HttpRequest, *, connection: Connection, name: str, group: PushGroup | None) -> None:
        self.connection, self.name, self.group = connection, name, group
        named = Role.objects.filter(reached_by([key(name)])).first()
        super().__init__(request, initial={"role": named})
        # Protected roles are not offered, because no group gives them (R33).
        roles = Role.objects.filter(~Q(pk__in=protected_roles().values("pk")))
        offer_roles(self.fields["role"], roles.order_by("name_key"), request, source=PushGroup)

    @transaction.atomic
    def write(self) -> Role:
        role: Role = self.cleaned_data["role"]
        aliases = [alias.name for alias in role.aliases.all()]
        known = key(self.name) in role_keys(role)
        changed = change_role(
            actor=self.actor,
            role_id=role.pk,
            aliases=None if known else [*aliases, self.name],
            grantable_by=[*role.grantable_by.exclude(pk=self.connection.pk), self.connection],
        )
        if self.group is not None:
            link_waiting(actor=self.actor, role_id=role.pk, group_ids=[self.group.pk])
        return changed


class GroupPage(ConnectionPage):
    """``?group=`` is the id of a push group, ``?name=`` the name of a group in assertions. Without either, it leads to the list of groups."""

    name = "group"
    title = "Group"
    access = Access.VIEW
    form_class = MapForm
    template_name = "admin/core_identity/connection/group.html"
    done = "Groups of this name give the role {written} from now on."

    def may_open(self) -> bool:
        """Everybody who may see the connection may look. Mapping changes a role."""
        return self.request.method != "POST" or self.request.user.has_perm("core_identity.change_role")

    def group(self) -> PushGroup | None:
        group_id = self.request.GET.get("group")
        if group_id is None:
            return None
        try:
            return PushGroup.objects.select_related("role").get(connection=self.row, pk=UUID(group_id))
        except (ValueError, PushGroup.DoesNotExist):
            raise Http404 from None

    def get_form(self, form_class: Any = None) -> MapForm:
        group = self.group()
        name = group.display_name if group else self.request.GET.get("name", "").strip()[:255]
        if "\0" in name or (self.request.method == "POST" and not name):
            raise Http404
        return MapForm(self.request, connection=self.row, name=name, group=group)

    def get_title(self, form: MapForm) -> str:
        return f"Group {form.name} of {self.row}"

    def next_page(self, form: MapForm) -> str:
        return self.other_page("groups")

    def facts(self, form: MapForm) -> dict[str, Any]:
        sees, group = seen_by(self.request), form.group
        facts: dict[str, Any] = {**may_map(self.request), "sees": sees, "group": group, "name": form.name}
        if group is None:
            return facts
        facts["expected"] = ExpectedMember.objects.filter(group=group).count()
        if sees["user"]:
            members = PushGroupMember.objects.filter(group=group).select_related("identity__user").order_by("pk")
            facts["members"] = page_of_rows(members, self.request.GET.get("p"))
        return facts
