"""The page that lists the limits of a connection: read only, with the variables that change them, and when each was reached (R22a)."""

import re
from datetime import timedelta
from html import unescape

from django.test import Client, override_settings
from django.utils import timezone

from core_identity.models import Burst, Connection
from core_identity.policy.bursts import BurstLimits
from scim.models import ProvisioningRecord
from tests.admin.conftest import browser_of, staff
from tests.support.cast import make_connection


def page_of(browser: Client, connection: Connection) -> str:
    answer = browser.get(f"/admin/core_identity/connection/{connection.pk}/limits/")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def refused_call(connection: Connection, status: int = 429, *, days: int = 0) -> None:
    ProvisioningRecord.objects.create(
        at=timezone.now() - timedelta(days=days),
        method="PUT",
        status=status,
        duration_ms=1,
        connection_id=connection.pk,
        connection_slug=connection.slug,
    )


@override_settings(
    BURST=BurstLimits(percent=30, people=70, least=7),
    SCIM_READS_PER_MINUTE=1234,
    SCIM_WRITES_PER_MINUTE=0,
    SIGN_INS_PER_MINUTE=55,
)
def test_each_limit_is_shown_with_the_variable_that_changes_it(as_root: Client, acme: Connection) -> None:
    page = page_of(as_root, acme)
    for words in (
        "BURST_PERCENT, BURST_PEOPLE, BURST_LEAST 30 % of the people or 70, whichever is fewer, but at least 7",
        "SCIM_READS_PER_MINUTE 1,234",
        "SCIM_WRITES_PER_MINUTE no limit",
        "SIGN_INS_PER_MINUTE 55",
        "Last burst never",
        "Last SCIM request refused by a limit none of the last 1,000",
    ):
        assert words in page, words


def test_the_page_shows_when_this_connection_reached_a_limit(as_root: Client, acme: Connection) -> None:
    other = make_connection("globex", customer="Globex")
    now = timezone.now()
    for connection, days in ((acme, 3), (other, 1)):
        at = now - timedelta(days=days)
        Burst.objects.create(connection=connection, began_at=at, last_at=at, settled_at=now)
    refused_call(other)
    refused_call(acme, 409)
    page = page_of(as_root, acme)
    assert "Last burst 3 days ago" in page
    assert "Last SCIM request refused by a limit none of the last 1,000" in page
    refused_call(acme)
    assert "Last SCIM request refused by a limit just now" in page_of(as_root, acme)


def test_a_reader_of_connections_may_read_the_limits(acme: Connection) -> None:
    page_of(browser_of(staff("reader", "view_connection")), acme)
