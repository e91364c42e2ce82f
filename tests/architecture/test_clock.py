"""The database's clock decides about security. The clock of a node is for times that are only shown or logged."""

import ast
from pathlib import Path
from typing import Final

from tests.architecture.test_writers import ROOT, modules, parsed

SHOWN_OR_LOGGED: Final = {
    "core_identity/admin_kit/logs.py",  # the name of a file
    "core_identity/config/home.py",  # ages and ends that are shown
    "core_identity/config/looks_page.py",  # ages and ends that are shown
    "core_identity/config/readiness.py",  # compares the two clocks
    "core_identity/selectors/mismatches.py",  # what is listed
    "core_identity/selectors/refused.py",  # what is listed
    "core_identity/admin_kit/health.py",  # failures of the last day, on a page
    "core_identity/services/conflicts.py",
    "core_identity/services/erasure.py",
    "core_identity/services/events.py",
    "core_identity/services/expiry.py",  # when a reactivation was requested
    "core_identity/services/push/following.py",
    "core_identity/services/groups.py",
    "core_identity/services/identities.py",
    "core_identity/services/links.py",
    "core_identity/services/push/provisioning.py",
    "core_identity/services/resolutions.py",
    "core_identity/services/sign_in.py",
    "core_identity/services/sso_groups.py",
    "core_identity/templatetags/core_pages.py",  # how long ago, on pages
    "scim/admin/pages.py",  # what ends soon, on a page
    "scim/oauth/bearer_tokens.py",  # when a token was revoked
    "scim/oauth/consents.py",
    "scim/log/writer.py",  # the age of a row
    "scim/models.py",  # a word on a page
    "scim/log/provisioning_log.py",
    "sso/admin/pages.py",  # warnings
    "sso/checks.py",
    "sso/commands.py",
    "sso/settings/email_domains.py",
    "sso/settings/idp_changes.py",  # the last refresh
    "sso/set_up.py",  # warnings
    "sso/settings/keys.py",  # the start of a certificate of ours
    "sso/sign_in/log.py",
    "sso/sign_in/views.py",  # validUntil of our metadata
}
"""Modules that may read the clock of the node. A new one needs a reason: if its time ends or refuses anything, use `core_identity.clock`."""


def test_only_pages_and_logs_use_the_clock_of_the_node() -> None:
    found = {str(path.relative_to(ROOT)) for path in modules() if reads_the_clock(path)}
    assert found == SHOWN_OR_LOGGED


def reads_the_clock(path: Path) -> bool:
    names = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return bool(names & {"timezone.now", "time.time", "datetime.now", "datetime.utcnow", "date.today"})
