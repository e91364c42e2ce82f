"""The small pages of a connection: on and off, the roles that its groups may give, and its limits."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest

from core_identity.admin.ended_grants import ConfirmsEndedGrants
from core_identity.admin.role_choice import offer_roles
from core_identity.admin_kit.forms import ActForm, ReasonForm
from core_identity.admin_kit.health import HealthRow
from core_identity.admin_kit.limits import Limit, Limits
from core_identity.admin_kit.pages import ConnectionPage, ConnectionReadPage
from core_identity.models import Burst, Connection, PushGroup, Role
from core_identity.selectors.counts import MOST
from core_identity.selectors.groups import listed_groups, role_keys
from core_identity.selectors.roles import protected_roles
from core_identity.services.connections import (
    set_external_id_may_change,
    set_grantable_roles,
    switch_off,
    switch_on,
)
from core_identity.templatetags.core_pages import ago, or_more


class SwitchForm(ReasonForm):
    """R1a: a connection is never deleted, only switched off."""

    connection: Connection

    def write(self) -> Connection:
        act = switch_off if self.connection.enabled else switch_on
        return act(actor=self.actor, connection_id=self.connection.pk, reason=self.cleaned_data["reason"])


class ExternalIdForm(ReasonForm):
    """R8a: whether the IdP may change the externalId of a person whose UID and userName stay."""

    connection: Connection

    def write(self) -> Connection:
        return set_external_id_may_change(
            actor=self.actor,
            connection_id=self.connection.pk,
            permitted=not self.connection.external_id_may_change,
            reason=self.cleaned_data["reason"],
        )


class GrantableForm(ConfirmsEndedGrants, ActForm):
    """R28, R29. The form does not offer protected roles, because no group gives them (R33). Their present setting stays."""

    roles = forms.ModelMultipleChoiceField(Role.objects.none(), required=False, widget=forms.CheckboxSelectMultiple)
    confirm_waiting = forms.BooleanField(
        required=False,
        label="Let the pending groups named above take effect now",
        help_text="Their members get the role at once; no new push is needed. If you do not tick this, the groups give no role yet.",
    )

    def __init__(self, request: HttpRequest, *, connection: Connection) -> None:
        self.connection = connection
        grantable = connection.grantable_roles.all()
        protected = protected_roles().values("pk")
        self.kept = list(grantable.filter(pk__in=protected))
        super().__init__(request, initial={"roles": [role.pk for role in grantable], "confirm_waiting": False})
        waiting: Any = listed_groups(connection=connection, waiting=True, most=MOST)
        heads = {group.name_key: or_more(group.heads, MOST) for group in waiting}

        def label(role: Role) -> str:
            pending = [heads[name_key] for name_key in sorted(role_keys(role)) if name_key in heads]
            return f"{role} (pending: a push group of {' and one of '.join(pending)})" if pending else str(role)

        field: Any = self.fields["roles"]
        field.label_from_instance = label
        roles = Role.objects.exclude(pk__in=protected).prefetch_related("aliases")
        offer_roles(field, roles, request, source=PushGroup)

    def write(self) -> None:
        set_grantable_roles(
            actor=self.actor,
            connection=self.connection,
            roles=[*self.cleaned_data["roles"], *self.kept],
            confirm_waiting=self.cleaned_data["confirm_waiting"],
        )


class SwitchPage(ConnectionPage):
    name = "switch"
    form_class = SwitchForm
    template_name = "admin/core_identity/connection/switch.html"

    def get_title(self, form: Any) -> str:
        return f"Switch {'off' if self.row.enabled else 'on'} the connection {self.row.name}"

    def message(self, form: SwitchForm) -> str:
        return f"The connection {self.row.name} is {'on' if form.written.enabled else 'off'}."


class ExternalIdPage(ConnectionPage):
    name = "external-id"
    title = "May the externalId change in {row.name}?"
    form_class = ExternalIdForm
    template_name = "admin/core_identity/connection/external_id.html"

    def message(self, form: ExternalIdForm) -> str:
        now = "may change" if form.written.external_id_may_change else "cannot change any more"
        return f"The externalId of people of {self.row.name} {now}."


class GrantablePage(ConnectionPage):
    name = "roles"
    title = "Roles that groups of {row.name} may give"
    form_class = GrantableForm
    template_name = "admin/core_identity/connection/roles.html"
    done = "The roles that {row.name} may give are saved."


class LimitsPage(ConnectionReadPage):
    name = "limits"
    title = "Limits of {row.name}"
    template_name = "admin/core_identity/connection/limits.html"

    def facts(self, form: Any) -> dict[str, Any]:
        parts = [_bursts(self.row), *(part.limits(self.row) for part in self.admin.parts)]
        return {
            "limits": [limit for part in parts for limit in part.limits],
            "reached": [row for part in parts for row in part.reached],
        }


def _bursts(connection: Connection) -> Limits:
    """Return from how many deactivations on an alarm is raised, and when the last one was (R22a)."""
    burst = settings.BURST
    words = f"{burst.percent} % of the people or {burst.people}, whichever is fewer, but at least {burst.least}"
    last = Burst.objects.filter(connection=connection).order_by("-last_at").first()
    return Limits(
        [Limit("Deactivations within an hour that raise an alarm", words, "BURST_PERCENT, BURST_PEOPLE, BURST_LEAST")],
        [HealthRow("Last burst", ago(last.last_at) if last else "never")],
    )
