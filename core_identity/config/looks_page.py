"""The list of the connections that need a look, which the numbers and banners of Home lead to."""

from typing import Any

from django.utils import timezone

from core_identity.admin.across import AcrossPage
from core_identity.admin_kit.filters import Filters, Shown
from core_identity.config.connection_states import connection_states
from core_identity.config.home import address_of_look
from core_identity.config.looks import KINDS, TONES


class NeedALookPage(AcrossPage):
    """R37: each connection with what needs a look, the most urgent first."""

    name = "need-a-look"
    title = "Connections that need a look"
    template_name = "admin/core_identity/connection/need_a_look.html"
    kinds = KINDS
    kind_label = "What"
    on_a_page = 8  # each may have several reasons

    def found(self, filters: Filters) -> Any:
        chosen = filters.connections()
        slugs = None if chosen is None else {one.slug for one in chosen}
        found = [
            (state.connection, [look for look in state.looks if filters.kind in {"", look.kind}])
            for state in connection_states(self.request, timezone.now())
            if slugs is None or state.connection.slug in slugs
        ]
        return sorted((one for one in found if one[1]), key=lambda one: min(TONES.index(look.tone) for look in one[1]))

    def shown(self, page: Shown) -> Any:
        return [
            (connection, [(look, address_of_look(self.request, connection, look)) for look in looks])
            for connection, looks in page.rows
        ]
