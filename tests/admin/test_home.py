"""Home: numbers that are true, lead somewhere, and cost the same however much there is."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

import scim.connections
import sso.settings.changes
from core_identity import errors
from core_identity.config.charts import HEIGHT, chart
from core_identity.event_kinds import EventKind
from core_identity.models import Burst, Connection, Identity, LoggedHour, PushGroup
from core_identity.selectors.log_hours import DAYS, Activity, Day, LogTable, activities
from core_identity.services.connections import switch_off
from core_identity.services.events import record
from core_identity.services.log_hours import count_finished_hours
from core_identity.services.push.provisioning import create_person
from scim.home import CALLS, ending_credentials
from scim.last_calls import last_call_by_connection
from scim.models import BearerToken, ClientSecret, ProvisioningRecord
from scim.oauth.bearer_tokens import make_token
from sso.home import SIGN_INS, LastSignIn, last_sign_in_by_connection
from sso.models import SignInRecord, SpKey
from sso.settings.keys import make_key
from sso.sign_in.log import kind_of
from tests.admin.conftest import browser_of, put, staff
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, make_connection
from tests.support.clock import travel
from tests.support.plans import plans
from tests.support.saml import TestIdp

NOON = datetime(2026, 5, 15, 12, 30, tzinfo=UTC)


def call(at: datetime, status: int = 200, slug: str = "acme") -> None:
    ProvisioningRecord.objects.create(at=at, method="GET", status=status, duration_ms=1, connection_slug=slug)


def used_token(at: datetime, connection: Connection, **columns: datetime) -> None:
    """Make a token that was used last at this time."""
    BearerToken.objects.create(
        connection=connection, name="used", token_hash=f"of {connection.slug}", last_used_at=at, **columns
    )


def sign_in(at: datetime, connection: Connection, code: str = "signed_in", *, is_test: bool = False) -> None:
    """Write what a sign-in leaves: its row in the log, and the event if the person got in."""
    if code == "signed_in" and not is_test:
        with time_machine.travel(at, tick=False):
            record(actor=BROWSER, kind=EventKind.USER_SIGNED_IN, subject=None, connection=connection)
    SignInRecord.objects.create(
        at=at,
        connection_id=connection.pk,
        connection_slug=connection.slug,
        code=code,
        kind=kind_of(code),
        is_test=is_test,
    )


def activity(log: LogTable, *, now: datetime) -> Activity:
    return activities([log], now=now)[log.name]


@pytest.mark.django_db
def test_the_numbers_of_a_day_are_those_of_the_log() -> None:
    for hours, status in ((0, 200), (1, 409), (2, 200), (23, 500), (26, 200), (30, 404), (24 * 14 + 30, 200)):
        call(NOON - timedelta(hours=hours), status)
    for _ in range(2):
        count_finished_hours([CALLS], now=NOON)
        numbers = activity(CALLS, now=NOON)
        assert (numbers.total, numbers.bad) == (4, 2)
        assert len(numbers.days) == DAYS
        assert [(day.total, day.bad) for day in numbers.days[-2:]] == [(3, 2), (3, 1)]
        assert sum(day.total for day in numbers.days) == 6


@pytest.mark.django_db
def test_an_hour_is_counted_once_and_empty_hours_too() -> None:
    call(NOON - timedelta(hours=5), 500)
    assert count_finished_hours([CALLS], now=NOON) == DAYS * 24
    assert count_finished_hours([CALLS], now=NOON) == 0
    assert count_finished_hours([CALLS], now=NOON + timedelta(minutes=30, seconds=30)) == 0, "rows may still be written"
    assert count_finished_hours([CALLS], now=NOON + timedelta(minutes=32)) == 1
    ProvisioningRecord.objects.all().delete()
    assert activity(CALLS, now=NOON).bad == 1, "numbers outlive the rows"
    assert LoggedHour.objects.filter(total__gt=0).count() == 1


@pytest.mark.django_db
def test_tests_and_refused_logouts_are_not_counted_as_sign_ins(acme: Connection) -> None:
    moment = NOON - timedelta(hours=1)
    sign_in(moment, acme)
    sign_in(moment, acme, "audience")
    sign_in(moment, acme, "logout_refused")
    sign_in(moment, acme, "audience", is_test=True)
    numbers = activity(SIGN_INS, now=NOON)
    assert (numbers.total, numbers.bad) == (2, 1)


@pytest.mark.django_db
def test_a_number_on_home_reads_no_row_of_a_counted_hour(acme: Connection) -> None:
    now = timezone.now()
    ProvisioningRecord.objects.bulk_create(
        ProvisioningRecord(at=now - timedelta(minutes=90 + 10 * n), method="GET", status=200, duration_ms=1)
        for n in range(3000)
    )
    count_finished_hours([CALLS], now=now)
    with database.cursor() as cursor:
        cursor.execute("ANALYZE scim_provisioningrecord")
    with plans() as seen:
        activity(CALLS, now=now)
    # Not of the counted hours: their index also has what the rolled back tests before this one left behind.
    of_log = [step for _, steps, _ in seen.statements for step in steps if step.table == CALLS.table]
    assert of_log
    assert sum(step.looked_at for step in of_log) < 1000, seen.dearest()


def test_the_highest_bar_fills_the_chart_and_a_single_refusal_is_seen() -> None:
    days = [Day(NOON.date(), total, bad) for total, bad in ((0, 0), (1, 1), (1000, 1))]
    drawn = chart(days)
    assert [(bar.height, bar.bad_height) for bar in drawn.bars] == [(0, 0), (2, 2), (HEIGHT, 2)]
    assert [bar.y + bar.height for bar in drawn.bars] == [HEIGHT] * 3
    assert drawn.width == drawn.bars[-1].x + drawn.bar
    assert chart([Day(NOON.date(), 0, 0)]).bars[0].height == 0


@pytest.mark.django_db
def test_an_empty_installation_says_what_to_do_first(as_root: Client) -> None:
    page = re.sub(r"\s+", " ", as_root.get("/admin/").content.decode())
    assert "Begin here" in page
    assert f'class="core-button primary" href="{reverse("admin:core_identity_customer_add")}"' in page
    assert "No decision is pending." in page
    assert "Nobody has signed in yet." in page
    assert "There is no break-glass administrator." in page
    reader = browser_of(staff("reader", "view_connection")).get("/admin/").content.decode()
    assert "Begin here" in reader
    assert "core-button primary" not in reader
    assert "break-glass" not in reader


@pytest.fixture
def busy(acme: Connection, jane: Identity) -> Connection:
    """Something of everything waits."""
    put(jane, replace(JANE, active=False))
    put(jane, JANE)
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(ZOE, email=JANE.email))
    PushGroup.objects.create(connection=acme, display_name="Archivists <b>", name_key="archivists")
    now = timezone.now()
    Burst.objects.create(connection=acme, began_at=now, last_at=now)
    BearerToken.objects.create(connection=acme, name="entra", token_hash="x", expires_at=now + timedelta(days=5))
    sign_in(now, acme)
    sign_in(now, acme, "audience")
    call(now, 409)
    return acme


def test_each_task_is_shown_with_its_button(as_root: Client, busy: Connection, jane: Identity) -> None:
    page = as_root.get("/admin/").content.decode()
    assert "3 things need a decision." in re.sub(r"\s+", " ", page)
    for words in (
        "Archivists &lt;b&gt;",
        "Reactivation requested",
        "The token entra ends",
        "Unusually many people were deactivated",
    ):
        assert words in page
    group = PushGroup.objects.get(connection=busy)
    assert f"{reverse('admin:core_identity_connection_group', args=[busy.pk])}?group={group.pk}" in page
    assert reverse("admin:core_identity_user_change", args=[jane.user_id]) in page
    assert ">1 refused</a>" in page
    assert ">1 failed</a>" in page


@pytest.mark.parametrize(
    ("permission", "words"),
    [
        ("view_conflict", {"Conflicts to decide", "Decide"}),
        ("view_user", {"People who may sign in", "Review"}),
        ("view_connection", {"Sign-ins, 14 days", "Last sign-ins", "ends in"}),
        ("view_event", set()),
    ],
)
def test_home_shows_only_what_its_reader_may_see(permission: str, words: set[str], busy: Connection) -> None:
    everything = {
        "Conflicts to decide",
        ">Decide<",
        "People who may sign in",
        ">Review<",
        "Sign-ins, 14 days",
        "Last sign-ins",
        "ends in",
        "Unusually",
    }
    page = browser_of(staff("few", permission)).get("/admin/").content.decode()
    assert {one for one in everything if one in page} == {
        f">{one}<" if one in {"Decide", "Review"} else one for one in words
    }


def test_the_cost_of_home_does_not_grow(as_root: Client, busy: Connection) -> None:
    def cost() -> int:
        as_root.get("/admin/")  # counts the hours
        with CaptureQueriesContext(database) as queries:
            assert as_root.get("/admin/").status_code == 200
        return len(queries)

    few = cost()
    PushGroup.objects.bulk_create(
        PushGroup(connection=busy, display_name=f"G{n}", name_key=f"g{n}") for n in range(200)
    )
    for number in range(12):
        other = make_connection(f"other-{number}", customer=f"Other {number}")
        sign_in(timezone.now(), other)
        call(timezone.now(), 200, other.slug)
        used_token(timezone.now(), other)
    assert cost() == few < 20
    page = as_root.get("/admin/").content.decode()
    assert page.count("core-chip") < 30
    assert "All 13 connections</a>" in page


@pytest.mark.parametrize(
    ("arrange", "word"),
    [
        (lambda acme: None, "Not used yet"),
        (lambda acme: used_token(timezone.now(), acme), "Healthy"),
        (lambda acme: used_token(timezone.now() - timedelta(days=9), acme), "Silent for 9 days"),
        (
            lambda acme: used_token(timezone.now(), acme, expires_at=timezone.now() + timedelta(days=9)),
            "Token ends soon",
        ),
        (lambda acme: used_token(timezone.now(), acme, expires_at=timezone.now() - timedelta(days=9)), "Token ended"),
        (lambda acme: sign_in(timezone.now(), acme), "Healthy"),
        (lambda acme: sign_in(timezone.now() - timedelta(days=9), acme), "Silent for 9 days"),
        (lambda acme: switch_off(actor=ADMIN, connection_id=acme.pk, reason="test"), "Switched off"),
    ],
)
def test_a_connection_has_a_word_for_its_state(
    arrange: Callable[[Connection], None], word: str, as_root: Client, acme: Connection
) -> None:
    arrange(acme)
    page = as_root.get("/admin/").content.decode()
    assert re.findall(r'<span class="core-chip \w+">([^<]+)</span>\s*</span>', page) == [word]


@pytest.mark.parametrize(
    ("use", "row"), [(sign_in, "Last sign-in"), (used_token, "Last request")], ids=["sign-in", "SCIM"]
)
def test_a_silent_connection_is_not_forgotten_with_its_logs(
    use: Callable[[datetime, Connection], None], row: str, as_root: Client, acme: Connection
) -> None:
    use(timezone.now() - timedelta(days=40, hours=1), acme)
    SignInRecord.objects.all().delete()
    ProvisioningRecord.objects.all().delete()
    assert "Silent for 40 days" in as_root.get("/admin/").content.decode()
    overview = as_root.get(f"/admin/core_identity/connection/{acme.pk}/overview/").content.decode()
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", overview))
    date = timezone.localtime(timezone.now() - timedelta(days=40, hours=1))
    assert f"{row} {date.day} {date:%b %Y}" in words


def test_a_stranger_changes_neither_the_state_of_a_connection_nor_its_last_request(
    as_root: Client, acme: Connection
) -> None:
    globex = make_connection("globex", customer="Globex")
    _, token = make_token(actor=COMMAND, connection=acme, name="ours")
    _, foreign = make_token(actor=COMMAND, connection=globex, name="theirs")
    http = Client(headers={"host": "localhost"})

    def ask(text: str) -> int:
        return http.get("/scim/acme/v2/Users?count=1", headers={"Authorization": f"Bearer {text}"}).status_code

    assert [ask(text) for text in ("scim_nonsense", "nonsense", foreign)] == [401] * 3
    assert ProvisioningRecord.objects.filter(connection_slug="acme", status=401).count() == 3
    assert last_call_by_connection(["acme", "globex"]) == {}
    with travel(timezone.now() - timedelta(days=9), tick=False):
        assert ask(token) == 200
        used = timezone.now()
    ask("scim_nonsense")
    assert last_call_by_connection(["acme", "globex"]) == {"acme": used}
    page = as_root.get("/admin/").content.decode()
    assert "Silent for 9 days" in page
    assert "Requests are refused" not in page


@pytest.mark.django_db
def test_the_last_sign_in_is_that_of_a_person_who_got_in(acme: Connection) -> None:
    now = timezone.now()
    sign_in(now - timedelta(hours=2), acme)
    sign_in(now, acme, "audience")
    sign_in(now, acme, is_test=True)
    globex = make_connection("globex", customer="Globex")
    assert last_sign_in_by_connection([acme, globex]) == {"acme": LastSignIn(now - timedelta(hours=2), None)}


@pytest.mark.django_db
def test_tokens_that_end_soon_or_ended_lately_are_announced(acme: Connection) -> None:
    now = timezone.now()
    for name, days in (("soon", 29), ("later", 31), ("over", -1), ("long over", -31)):
        BearerToken.objects.create(connection=acme, name=name, token_hash=name, expires_at=now + timedelta(days=days))
    for name, days in (("revoked", 1), ("revoked and over", -1)):
        BearerToken.objects.create(
            connection=acme, name=name, token_hash=name, expires_at=now + timedelta(days=days), revoked_at=now
        )
    assert [(one.what, one.has_ended, one.tone) for one in ending_credentials(now)] == [
        ("The token over", True, "attention"),
        ("The token soon", False, "attention"),
    ]


@pytest.mark.parametrize(
    ("other", "tone"),
    [
        ({}, "trouble"),
        ({"revoked_at": timezone.now()}, "trouble"),
        ({"expires_at": timezone.now() - timedelta(days=40)}, "trouble"),
        ({"expires_at": timezone.now() + timedelta(days=40)}, "attention"),
        ({"expires_at": None}, "attention"),
    ],
)
def test_an_ended_token_is_trouble_where_no_other_credential_lives(
    other: dict[str, Any], tone: str, as_root: Client, acme: Connection
) -> None:
    now = timezone.now()
    BearerToken.objects.create(connection=acme, name="entra", token_hash="e", expires_at=now - timedelta(days=2))
    globex = make_connection("globex", customer="Globex")
    BearerToken.objects.create(connection=globex, name="theirs", token_hash="t", last_used_at=now)
    if other:
        BearerToken.objects.create(connection=acme, name="other", token_hash="o", **other)
    assert [one.tone for one in ending_credentials(now, slug="acme")] == [tone]
    page = as_root.get("/admin/").content.decode()
    assert "Acme: The token entra ended 2 days ago." in page
    assert f'<span class="core-chip {tone}">Token ended</span>' in page
    overview = as_root.get(f"/admin/core_identity/connection/{acme.pk}/overview/").content.decode()
    assert f'<span class="core-chip {tone}">The token entra ended on ' in overview


@pytest.mark.django_db
def test_an_ended_secret_is_trouble_until_another_credential_lives(acme: Connection) -> None:
    scim.connections.apply(acme, {}, rotate_secret=True)
    now = timezone.now()
    ClientSecret.objects.update(ends_at=now - timedelta(days=2))
    assert [(one.what, one.tone) for one in ending_credentials(now)] == [("The client secret", "trouble")]
    make_token(actor=COMMAND, connection=acme, name="other")
    assert [(one.what, one.tone) for one in ending_credentials(now)] == [("The client secret", "attention")]
    ClientSecret.objects.create(client=acme.oauth_client, secret_hash="x")
    assert ending_credentials(now) == [], "its end was planned"


def test_a_key_of_ours_that_ends_soon_is_announced_with_the_way_to_its_page(as_root: Client, acme: Connection) -> None:
    idp, ending = TestIdp(ends=timedelta(days=900)), TestIdp(ends=timedelta(days=5))
    sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata()}, base_dir=None)
    make_key(actor=ADMIN, connection=acme)
    assert "Our active SAML key" not in as_root.get("/admin/").content.decode()
    SpKey.objects.filter(connection=acme).update(certificate=ending.pem)
    page = as_root.get("/admin/").content.decode()
    assert "Our active SAML key ends on" in page
    assert "Look at our SAML key" in page
    assert reverse("admin:core_identity_connection_keys", args=[acme.pk]) in page


@pytest.mark.django_db
def test_days_are_those_of_the_time_zone_of_the_pages(settings: object) -> None:
    late = datetime(2026, 5, 14, 23, 30, tzinfo=UTC)
    call(late)
    with time_machine.travel(NOON, tick=False), timezone.override("Europe/Berlin"):
        days = activity(CALLS, now=NOON).days
    assert {day.day.isoformat(): day.total for day in days if day.total} == {"2026-05-15": 1}
