"""The people whom a certificate locks out: those who signed in before, never a name from a message that proves nothing (R34, R35)."""

import re
from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core_identity.models import Connection, Event, Identity, User
from core_identity.selectors.sign_ins import last_passed_test
from core_identity.services.connections import switch_off
from core_identity.services.expiry import expire
from core_identity.services.users import create_user
from core_identity.set_up import Vendor
from core_identity.write_guard import service_writes
from sso.admin.pages import SAML
from sso.home import last_sign_in_by_connection
from sso.models import SignInRecord
from sso.set_up import LATELY, steps
from sso.sign_in.lockout import former_sign_ins, lockout_of
from sso.sign_in.log import kind_of
from tests.admin.conftest import browser_of, staff
from tests.admin.test_home import sign_in
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, COMMAND, JANE, ZOE, by_sso, make_connection
from tests.support.plans import rows_read
from tests.support.saml import TestIdp

pytestmark = pytest.mark.django_db
JANE_BY_SSO = by_sso(JANE)
TABLE = SignInRecord._meta.db_table
EVENTS = Event._meta.db_table


@pytest.fixture
def as_root(db: None) -> Client:
    return browser_of(create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True))


def text_of(browser: Client, connection: Connection) -> str:
    answer = browser.get(f"/admin/core_identity/connection/{connection.pk}/locked-out/")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<time[^>]*>([^<]*)</time>", r"\1", answer.content.decode()))


def person_called(username: str) -> User:
    return User.objects.get(username=username)


def refuse(connection: Connection, rows: int) -> None:
    """Have messages refused as strangers can send them, for a cause other than the certificate."""
    SignInRecord.objects.bulk_create(
        SignInRecord(
            at=timezone.now(),
            connection_id=connection.pk,
            connection_slug=connection.slug,
            code="audience",
            kind=kind_of("audience"),
        )
        for _ in range(rows)
    )


def test_people_who_signed_in_before_are_named_and_nobody_from_the_message(
    acme: Connection, idp: TestIdp, stranger: TestIdp, as_root: Client
) -> None:
    Browser(idp).sign_in(JANE_BY_SSO)
    assert "Nobody is locked out. No message with an unknown certificate was refused" in text_of(as_root, acme)
    assert Browser(stranger).come_back(by_sso(ZOE)).status_code == 400
    page = text_of(as_root, acme)
    assert "1 message was refused because its certificate is not known, the first just now." in page
    assert "Nobody has signed in since. The last sign-in was just now." in page
    jane = person_called(str(JANE.email))
    assert f"/admin/core_identity/user/{jane.pk}/change/" in page
    assert "Still signed in" in page
    row = SignInRecord.objects.get(code="signature")
    assert (row.name_id, row.uid, row.email, row.keys, row.user_id) == ("", "", "", [], None)
    for name in (ZOE.uid, ZOE.email, "Zoe"):
        assert str(name) not in page
    link = f"/admin/core_identity/connection/{acme.pk}/locked-out/"
    assert link in as_root.get("/admin/").content.decode()
    assert link in as_root.get(f"/admin/core_identity/connection/{acme.pk}/overview/").content.decode()
    assert link in as_root.get(f"/admin/sso/signinrecord/{row.pk}/change/").content.decode()
    listed = as_root.get("/admin/sso/signinrecord/?connection=acme&outcome=certificate").content.decode()
    assert row.reference in listed


def test_a_sign_in_that_succeeds_ends_it_because_the_certificate_works(
    acme: Connection, idp: TestIdp, stranger: TestIdp, as_root: Client
) -> None:
    Browser(idp).sign_in(JANE_BY_SSO)
    Browser(stranger).come_back(JANE_BY_SSO)
    Browser(idp).sign_in(JANE_BY_SSO)
    assert "Nobody is locked out. No message with an unknown certificate was refused since the last sign-in" in text_of(
        as_root, acme
    )
    assert "locked-out" not in as_root.get("/admin/").content.decode()


def test_strangers_cannot_announce_a_lockout_at_an_unused_connection(
    acme: Connection, stranger: TestIdp, as_root: Client
) -> None:
    Browser(stranger).come_back(JANE_BY_SSO)
    assert "Nobody has signed in yet." in text_of(as_root, acme)
    assert "locked-out" not in as_root.get("/admin/").content.decode()


def test_a_lockout_is_seen_after_the_last_sign_in_has_left_the_log(
    acme: Connection, idp: TestIdp, stranger: TestIdp, as_root: Client
) -> None:
    Browser(idp).sign_in(JANE_BY_SSO)
    SignInRecord.objects.all().delete()
    Browser(stranger).come_back(JANE_BY_SSO)
    page = text_of(as_root, acme)
    assert "Nobody has signed in since. The last sign-in was just now." in page
    assert f"/admin/core_identity/user/{person_called(str(JANE.email)).pk}/change/" in page
    link = f"/admin/core_identity/connection/{acme.pk}/locked-out/"
    assert link in as_root.get("/admin/").content.decode()
    assert link in as_root.get(f"/admin/core_identity/connection/{acme.pk}/overview/").content.decode()
    listed = as_root.get("/admin/core_identity/connection/").content.decode()
    assert "just now" in listed


def test_the_overview_reads_the_last_sign_in_with_the_connection(acme: Connection, as_root: Client) -> None:
    sign_in(timezone.now(), acme)
    with CaptureQueriesContext(database) as queries:
        as_root.get(f"/admin/core_identity/connection/{acme.pk}/overview/")
    last = re.compile(r"""kind = 'user.signed_in'.*ORDER BY \(-"core_identity_event"."id"\) ASC LIMIT 1$""")
    lookups = [one["sql"] for one in queries if last.search(one["sql"])]
    assert lookups == [], "steps, warnings and health card have it already"


def test_many_refused_messages_do_not_hide_the_lockout_and_a_switched_off_connection_has_none(
    acme: Connection, as_root: Client
) -> None:
    sign_in(timezone.now(), acme)
    sign_in(timezone.now(), acme, "signature")
    refuse(acme, 60)
    link = f"/admin/core_identity/connection/{acme.pk}/locked-out/"
    page = as_root.get("/admin/").content.decode()
    assert "nobody has signed in since" in page
    assert link in page
    assert "Unknown certificate" in page
    assert '<td data-label="Last sign-in">never</td>' not in page
    switch_off(actor=ADMIN, connection_id=acme.pk, reason="sold")
    assert link not in as_root.get("/admin/").content.decode()


def test_strangers_cannot_lengthen_a_page_of_a_connection_that_nobody_has_used(acme: Connection) -> None:
    refuse(acme, 3_000)
    facts: dict[str, Callable[[], object]] = {
        "lockout": lambda: lockout_of(acme),
        "home": lambda: last_sign_in_by_connection([acme]),
        "set-up": lambda: list(steps(acme, Vendor.OKTA)),
        "connections": lambda: list(Connection.objects.annotate(**SAML.columns)),
    }
    with database.cursor() as cursor:
        # With statistics, as of each log that has grown. A table of so few rows would be read whole because that is cheap.
        cursor.execute(f"ANALYZE {TABLE}")
        cursor.execute("SET LOCAL enable_seqscan = off")
    for name, read in facts.items():
        before = rows_read()[TABLE]
        read()
        assert rows_read()[TABLE] - before <= LATELY, name


def test_the_last_sign_in_is_found_by_a_plan_for_all_values_too(acme: Connection) -> None:
    """A connection to PostgreSQL that has sent a statement ten times may plan it once for all values, for example for the customer's own page."""
    sign_in(timezone.now(), acme)
    add_events(acme, 3_000)
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    before = rows_read()[EVENTS]
    found = [lockout_of(acme).last_sign_in for _ in range(7)]
    assert all(found)
    assert rows_read()[EVENTS] - before <= len(found)


def test_the_last_sign_in_is_found_whatever_happened_since(acme: Connection) -> None:
    sign_in(timezone.now(), acme)
    globex = make_connection("globex", customer="Globex")
    add_events(acme, 3_000)
    add_events(globex, 3_000, kind="user.signed_in")
    facts: dict[str, Callable[[], object]] = {
        "lockout": lambda: lockout_of(acme).last_sign_in,
        "home": lambda: last_sign_in_by_connection([acme])["acme"].at,
        "set-up": lambda: list(steps(acme, Vendor.OKTA)),
        "test": lambda: last_passed_test(acme.pk) is None,
        "connections": lambda: Connection.objects.annotate(**SAML.columns).get(slug="acme").signed_in,  # type: ignore[attr-defined]
        "people": lambda: former_sign_ins(acme) == [],
    }
    with database.cursor() as cursor:
        cursor.execute(f"ANALYZE {EVENTS}")
        # So few events would be read whole and sorted for a thousand of them. The question is whether an index can answer.
        cursor.execute("SET LOCAL enable_sort = off")
    for name, read in facts.items():
        before = rows_read()[EVENTS]
        assert read(), name
        assert rows_read()[EVENTS] - before <= 3, name


def add_events(connection: Connection, rows: int, *, kind: str = "identity.changed") -> None:
    """Add events that came since."""
    with service_writes():
        Event.objects.bulk_create(
            Event(
                at=timezone.now(),
                kind=kind,
                channel="scim",
                actor_kind="system",
                actor="a test",
                connection_id=connection.pk,
                connection_slug=connection.slug,
            )
            for _ in range(rows)
        )


def test_only_a_superuser_is_led_to_the_metadata(acme: Connection, as_root: Client) -> None:
    sign_in(timezone.now(), acme)
    sign_in(timezone.now(), acme, "signature")
    link, ask = f"/admin/core_identity/connection/{acme.pk}/metadata/", "Ask a superuser to adopt its present metadata."
    page = text_of(as_root, acme)
    assert f'href="{link}">Adopt the metadata</a>' in page
    assert ask not in page
    editor = browser_of(staff("editor", "view_connection", "change_connection"))
    page = text_of(editor, acme)
    assert link not in page
    assert ask in page
    assert editor.get(link).status_code == 403


def test_expired_people_and_names_without_the_permission_are_left_out(
    acme: Connection, idp: TestIdp, stranger: TestIdp, as_root: Client
) -> None:
    Browser(idp).sign_in(JANE_BY_SSO)
    Browser(idp).sign_in(by_sso(ZOE))
    expire(actor=ADMIN, user_id=Identity.objects.get(name_id=ZOE.user_name).user_id, reason="left")
    Browser(stranger).come_back(JANE_BY_SSO)
    page = text_of(as_root, acme)
    assert "Jane" in page
    assert "Zo" not in page
    reader = text_of(browser_of(staff("reader", "view_connection")), acme)
    assert "1 message was refused" in reader
    assert "Jane" not in reader
