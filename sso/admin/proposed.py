"""Metadata that a set-up link proposed: the difference, and a superuser's decision (R38)."""

from typing import Any

from core_identity.admin_kit.forms import ConfirmsPreview
from core_identity.admin_kit.proposals import ProposalForm, ProposalPage
from core_identity.errors import SettingsErrors
from core_identity.portal.trust import Proposed
from sso.settings.idp_changes import CHANGED, Difference, adopt, difference, read_source, settings_or_new


class ProposedMetadataForm(ConfirmsPreview, ProposalForm):
    kind = Proposed.METADATA
    changed = CHANGED

    difference: Difference | None = None
    faults: tuple[str, ...] = ()

    def look(self) -> None:
        """Find the difference for the page, or the faults that the metadata has by now."""
        try:
            self.preview()
        except SettingsErrors as several:
            self.faults = tuple(fault.message for fault in several.faults)

    def preview(self) -> None:
        """Read the metadata again: its certificates can have ended since it was sent."""
        if self.proposal is None or self.is_rejected:
            return
        self.found, _ = read_source(self.connection, xml=self.proposal.payload.encode())
        self.difference = difference(settings_or_new(self.connection), self.found)
        self.preview_digest = self.difference.seen

    def is_as_shown(self) -> bool:
        return self.is_rejected or self.proposal is None or super().is_as_shown()

    def make_the_change(self) -> None:
        adopt(actor=self.actor, connection=self.connection, read=self.found, seen=self.preview_digest)


class ProposedMetadataPage(ProposalPage):
    name = Proposed.METADATA.page
    title = "Metadata proposed for {row.name}"
    form_class = ProposedMetadataForm
    template_name = "admin/sso/proposed.html"

    def get_form(self, form_class: Any = None) -> ProposedMetadataForm:
        form: ProposedMetadataForm = super().get_form(form_class)
        if self.request.method == "GET":
            form.look()
        return form

    def facts(self, form: ProposedMetadataForm) -> dict[str, Any]:
        return {"proposal": form.proposal, "difference": form.difference, "faults": form.faults}
