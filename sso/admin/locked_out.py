"""The people who cannot sign in, because the IdP signs with a certificate that its connection does not know."""

from typing import Any

from django.urls import reverse

from core_identity.admin_kit.pages import ConnectionReadPage
from core_identity.admin_kit.seen import seen_by
from core_identity.selectors.people import named_users
from sso.admin.metadata import MetadataPage
from sso.sign_in.lockout import LISTED, former_sign_ins, lockout_of
from sso.sign_in.log import MOST_COUNTED


class LockedOutPage(ConnectionReadPage):
    name = "locked-out"
    title = "Who is locked out of {row.name}?"
    template_name = "admin/sso/locked_out.html"

    def facts(self, form: Any) -> dict[str, Any]:
        lockout = lockout_of(self.row)
        people = former_sign_ins(self.row) if lockout.refused and seen_by(self.request)["user"] else []
        named = named_users((one.user_id for one in people), without_expired=True)
        log = f"{reverse('admin:sso_signinrecord_changelist')}?connection={self.row.slug}&outcome=certificate"
        return {
            "lockout": lockout,
            "most": MOST_COUNTED,
            "people": [(named[one.user_id], one) for one in people if one.user_id in named],
            "listed": LISTED,
            "log": log,
            "may_adopt": MetadataPage.is_open_to(self.admin, self.request, self.row),
        }
