"""Lists on pages of a connection: its groups, and people whom it may know twice. They change nothing."""

from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Paginator

from core_identity.admin_kit.lists import ON_A_PAGE
from core_identity.admin_kit.pages import ConnectionReadPage
from core_identity.keys import MAX_NAME, key
from core_identity.selectors.across import roles_by_name
from core_identity.selectors.counts import MOST
from core_identity.selectors.groups import (
    COUNTED,
    listed_groups,
    people_without_groups,
    unlisted_people,
    unlisted_roles_end,
    unmapped_groups,
)
from core_identity.selectors.mismatches import LATELY, mismatches, perhaps_pushed_too, refused_lately

UNLISTED: Final = 20
UNMAPPED: Final = 30
"""Rows of the two tables below the push groups."""


class MismatchesPage(ConnectionReadPage):
    """Nothing is corrected here, because the IdP decides who is who. The page shows people, so it needs a second permission."""

    name = "mismatches"
    title = "People known twice in {row.name}"
    template_name = "admin/core_identity/connection/mismatches.html"

    def may_open(self) -> bool:
        return self.request.user.has_perm("core_identity.view_user")

    def facts(self, form: Any) -> dict[str, Any]:
        page = Paginator(perhaps_pushed_too(self.row), ON_A_PAGE).get_page(self.request.GET.get("page"))
        return {
            "page": page,
            "pairs": mismatches(self.row, list(page)),
            "refused": refused_lately(self.row),
            "days": LATELY.days,
        }


class GroupsPage(ConnectionReadPage):
    """R29, R31: the groups that the IdP sends, and which of them give no role."""

    name = "groups"
    title = "Groups of {row.name}"
    template_name = "admin/core_identity/connection/groups.html"

    def facts(self, form: Any) -> dict[str, Any]:
        query = self.request.GET
        waiting, name = "waiting" in query, query.get("q", "").strip().replace("\0", "")[:MAX_NAME]
        groups = listed_groups(connection=self.row, waiting=waiting, most=MOST).filter(name_key__contains=key(name))
        pushed = Paginator(groups, ON_A_PAGE).get_page(query.get("p"))
        waiting_here = roles_by_name([group.name_key for group in pushed if group.role is None])
        unmapped = unmapped_groups(self.row, most=UNMAPPED)
        named = roles_by_name([group.name for group in unmapped])
        return {
            "most": MOST,
            "pushed": pushed,
            "counted": COUNTED,
            "pushed_rows": [(group, waiting_here.get(group.name_key)) for group in pushed],
            "waiting": waiting,
            "name": name,
            "of_all": urlencode({"q": name} if name else {}),
            "of_waiting": urlencode({"waiting": 1, "q": name} if name else {"waiting": 1}),
            "unmapped": [(group, self.row, named.get(key(group.name))) for group in unmapped],
            "without": people_without_groups(self.row),
            "unlisted": self.unlisted(),
        }

    def unlisted(self) -> dict[str, Any]:
        """Return the people whose groups are not listed, with the time when their roles end; only to an administrator who may see people."""
        listed = Paginator(unlisted_people(self.row), UNLISTED).get_page(self.request.GET.get("unlisted"))
        may_see_people = self.request.user.has_perm("core_identity.view_user")
        return {
            "number": listed.paginator.count,
            "page": listed,
            "people": [(one, unlisted_roles_end(one)) for one in (listed if may_see_people else ())],
        }
