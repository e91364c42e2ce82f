"""Another token that a set-up link asked for, and a superuser's decision (R38)."""

from typing import Any

from core_identity.admin_kit.proposals import ProposalForm, ProposalPage
from core_identity.portal.trust import Proposed


class ProposedTokenForm(ProposalForm):
    """To accept changes nothing yet: the link may then make one token, which is shown to the customer once."""

    kind = Proposed.TOKEN


class ProposedTokenPage(ProposalPage):
    name = Proposed.TOKEN.page
    title = "Token proposed for {row.name}"
    form_class = ProposedTokenForm
    template_name = "admin/scim/proposed.html"

    def facts(self, form: ProposedTokenForm) -> dict[str, Any]:
        return {"proposal": form.proposal}
