"""The provisioning log: one row a request, in words, without anybody's data, and never in a request's way (R35)."""

import csv
import io
import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection as database
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

import scim.log.provisioning_log
from core_identity.models import Connection
from core_identity.services.users import create_user
from scim.log.writer import LogWriter, Row
from scim.models import ProvisioningRecord
from tests.admin.conftest import browser_of, staff
from tests.scim.conftest import HOST, Scim, person
from tests.support.cast import COMMAND

LIST = "/admin/scim/provisioningrecord/"


def last() -> ProvisioningRecord:
    return ProvisioningRecord.objects.latest("id")


def shown_row(record: ProvisioningRecord) -> dict[str, Any]:
    names = ("connection_slug", "method", "resource_type", "resource_id", "status", "scim_type", "decision")
    return {name: getattr(record, name) for name in names}


def test_each_request_is_one_row_with_its_decision_in_words_R35(okta: Scim) -> None:
    response = okta.post("/Users", person())
    resource = response.json()
    record = last()
    assert shown_row(record) | {"resource_id": str(record.resource_id)} == {
        "connection_slug": "acme",
        "method": "POST",
        "resource_type": "Users",
        "resource_id": resource["id"],
        "status": 201,
        "scim_type": "",
        "decision": "nobody had this UID: a new user",
    }
    assert (record.connection_id, record.reference) == (okta.connection.pk, response["X-Request-Id"])
    okta.get(f"/Users/{resource['id']}")
    assert (str(last().resource_id), last().status) == (resource["id"], 200)
    assert ProvisioningRecord.objects.count() == 2


def test_a_refused_or_rolled_back_request_has_a_row_too_R35(okta: Scim) -> None:
    okta.make()
    again = okta.post("/Users", person())
    assert shown_row(last()) == {
        "connection_slug": "acme",
        "method": "POST",
        "resource_type": "Users",
        "resource_id": None,
        "status": 409,
        "scim_type": "uniqueness",
        "decision": "uniqueness",
    }
    assert last().reference == again["X-Request-Id"]
    okta.send("GET", "/Users", Authorization="Bearer wrong")
    assert (last().connection_id, last().connection_slug, last().status) == (None, "acme", 401)
    okta.send("BREW", "/Coffee%00<script>", Authorization="Bearer wrong")
    assert (last().method, last().resource_type) == ("other", "")
    Client(headers={"host": "evil.test"}).get("/scim/acme/v2/Users")
    assert last().status == 400


def test_no_row_contains_the_content_of_a_request_R35(okta: Scim) -> None:
    okta.send(
        "POST", "/Users?filter=hidden1&attributes=hidden2", {**person("hidden3@acme.test"), "password": "hidden4"},
        **{"User-Agent": "hidden5", "X-Request-Id": "hidden6"},
    )  # fmt: skip
    okta.get("/Users", filter='userName eq "hidden7"')
    okta.get("/Users/hidden8")
    okta.send("GET", "/scim/hidden9-/v2/Users")
    okta.send("GET", "/scim/hidden_10/v2/Users")
    assert ProvisioningRecord.objects.count() == 5
    columns = {field.name for field in ProvisioningRecord._meta.fields} - {"sentence", "keys"}
    stored = str(list(ProvisioningRecord.objects.exclude(connection_slug="hidden9-").values(*columns)))
    assert "hidden" not in stored
    assert okta.token not in stored


def test_a_row_costs_one_statement_and_none_where_no_log_is_kept_R35(
    okta: Scim, settings: LazySettings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    okta.get("/Schemas")
    with django_assert_num_queries(2) as queries:
        okta.get("/Schemas")
    assert [one["sql"].split()[0] for one in queries.captured_queries] == ["SELECT", "WITH"], (
        "token, log; a part of the budget was taken before"
    )
    settings.PROVISIONING_LOG_DAYS = 0
    with django_assert_num_queries(1):
        okta.get("/Schemas")


@pytest.mark.django_db(transaction=True)
def test_a_log_that_cannot_be_written_fails_no_request_R35(okta: Scim, caplog: pytest.LogCaptureFixture) -> None:
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE scim_provisioningrecord RENAME TO gone")
    try:
        resource = okta.make()
        assert okta.patch(f"/Users/{resource['id']}", {"op": "replace", "value": {"active": False}}).status_code == 200
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO scim_provisioningrecord")
    assert [one.name for one in caplog.records if one.levelno == logging.ERROR] == ["scim.log.provisioning_log"] * 2
    assert okta.get(f"/Users/{resource['id']}").json()["active"] is False


# Rows that wait for others


@pytest.fixture
def log_writer(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LogWriter]:
    """The rows of a process that writes them at the call of a test."""
    settings.PROVISIONING_LOG_DELAY = 3600
    writer = LogWriter()
    monkeypatch.setattr(scim.log.provisioning_log, "writer", writer)
    yield writer
    writer.close()


@pytest.mark.django_db(transaction=True)
def test_rows_of_success_wait_and_are_written_together_when_the_process_ends_R35(
    okta: Scim, log_writer: LogWriter, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    okta.get("/Schemas")
    with django_assert_num_queries(1):
        log_writer.flush()
    ProvisioningRecord.objects.all().delete()
    references = [okta.get("/Schemas")["X-Request-Id"] for _ in range(3)]
    assert ProvisioningRecord.objects.count() == 0
    log_writer.close()
    assert list(ProvisioningRecord.objects.order_by("id").values_list("reference", flat=True)) == references
    with django_assert_num_queries(0):
        log_writer.flush()


@pytest.mark.django_db(transaction=True)
def test_a_refused_request_has_its_row_at_once_and_after_those_that_waited_R35(
    okta: Scim, log_writer: LogWriter
) -> None:
    okta.get("/Schemas")
    okta.get("/Users/unknown")
    assert list(ProvisioningRecord.objects.order_by("id").values_list("status", flat=True)) == [200, 404]


@pytest.mark.django_db(transaction=True)
def test_rows_that_wait_are_bounded_R35(okta: Scim, log_writer: LogWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogWriter, "MOST", 3)
    for number in range(4):
        okta.get("/Schemas")
        assert ProvisioningRecord.objects.count() == (0 if number < 2 else 3)


@pytest.mark.django_db(transaction=True)
def test_the_thread_writes_pending_rows_and_continues_after_a_failure_R35(
    okta: Scim, log_writer: LogWriter, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PROVISIONING_LOG_DELAY = 0.01
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE scim_provisioningrecord RENAME TO gone")
    try:
        okta.get("/Schemas")
        until(lambda: any(one.name == "scim.log.provisioning_log" for one in caplog.records))
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO scim_provisioningrecord")
    okta.get("/Schemas")
    until(lambda: ProvisioningRecord.objects.count() == 1)


def until(happened: Callable[[], bool]) -> None:
    for _ in range(1000):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within ten seconds")


@pytest.mark.django_db(transaction=True)
def test_one_row_that_cannot_be_stored_takes_no_other_along_R35(
    log_writer: LogWriter, caplog: pytest.LogCaptureFixture
) -> None:
    for decision in ("a", "b\0", "c\udc80", "d"):
        log_writer.add(row(decision), at_once=decision == "d")
    assert set(ProvisioningRecord.objects.values_list("decision", flat=True)) == {"a", "d"}
    assert [one.name for one in caplog.records if one.levelno == logging.ERROR] == ["scim.log.provisioning_log"] * 2


def row(decision: str) -> Row:
    return Row(timezone.now(), None, "acme", "GET", "Users", None, 200, "", decision, "ABCDEFGHJK", 1)


# The list


@pytest.fixture
def as_auditor(db: None) -> Client:
    return browser_of(staff("auditor", "view_connection"))


def found(browser: Client, **query: Any) -> list[tuple[str, str, int]]:
    rows = browser.get(LIST, query).context["cl"].result_list
    return [(row.connection_slug, row.method, row.status) for row in rows]


def test_an_administrator_filters_and_finds_by_reference_R35(okta: Scim, other: Scim, as_auditor: Client) -> None:
    resource = okta.make()
    refused = okta.post("/Users", person())
    other.get("/Users")
    assert found(as_auditor) == [("globex", "GET", 200), ("acme", "POST", 409), ("acme", "POST", 201)]
    assert found(as_auditor, connection="globex") == [("globex", "GET", 200)]
    assert found(as_auditor, outcome="failed") == found(as_auditor, outcome="conflict") == [("acme", "POST", 409)]
    assert found(as_auditor, outcome="done", method="POST") == [("acme", "POST", 201)]
    assert found(as_auditor, q=refused["X-Request-Id"].lower()) == [("acme", "POST", 409)]
    assert found(as_auditor, q=resource["id"]) == [("acme", "POST", 201)]
    assert found(as_auditor, q="nothing") == []
    for hours, number in ((-1, 3), (1, 0)):
        since = timezone.localtime() + timedelta(hours=hours)
        assert len(found(as_auditor, since=f"{since:%Y-%m-%dT%H:%M}")) == number


def test_a_persons_story_and_a_connections_page_lead_to_it_R35(okta: Scim) -> None:
    root = browser_of(create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True))
    okta.make()
    page = root.get(f"/admin/core_identity/connection/{okta.connection.pk}/overview/").content.decode()
    assert f"{LIST}?connection=acme" in page
    (user,) = re.findall(
        r"/admin/core_identity/user/([0-9a-f-]{36})/", root.get("/admin/core_identity/user/?q=jane").content.decode()
    )
    assert f"{LIST}{last().pk}/change/" in root.get(f"/admin/core_identity/user/{user}/change/").content.decode()


@pytest.mark.parametrize("way", ["csv", "jsonl"])
def test_the_listed_rows_are_exported_as_a_stream_R35(way: str, okta: Scim, as_auditor: Client) -> None:
    okta.make()
    okta.get("/Nothing")
    answer = as_auditor.get(f"{LIST}export.{way}", {"outcome": "done"})
    assert answer.streaming
    text = answer.getvalue().decode()
    lines: list[Any] = list(csv.DictReader(io.StringIO(text, newline=""))) if way == "csv" else [json.loads(text)]
    (row,) = lines
    assert (row["connection"], row["method"], str(row["status"]), row["reference"]) == (
        "acme", "POST", "201", ProvisioningRecord.objects.earliest("id").reference,
    )  # fmt: skip


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("provisioning", *words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_commands_look_a_reference_up_and_write_the_log_out_R35(okta: Scim, other: Scim) -> None:
    response = okta.post("/Users", person())
    other.get("/Users")
    shown = json.loads(run("show", response["X-Request-Id"].lower(), "--json"))
    lines = [json.loads(line) for line in run("export", "--format", "jsonl").splitlines()]
    assert [line["connection"] for line in lines] == ["acme", "globex"]
    assert {**shown, "at": ""} == {**lines[0], "at": ""}
    assert "globex" not in run("export", "--format", "csv", "--connection", "acme")
    assert run("export", "--format", "jsonl", "--until", "2020-01-01") == ""
    for wrong in (("show", "NOWHERE"), ("export", "--format", "csv", "--connection", "nowhere")):
        with pytest.raises(SystemExit) as end:
            run(*wrong)
        assert end.value.code == 3


def test_people_who_may_see_connections_see_it_and_nobody_changes_it_R35(okta: Scim, as_auditor: Client) -> None:
    okta.get("/Users")
    row = f"{LIST}{last().pk}"
    assert browser_of(staff("desk", "view_user")).get(LIST).status_code == 403
    assert Client(headers={"host": HOST}).get(f"{LIST}export.csv").status_code == 302
    assert browser_of(staff("else", "view_event")).get(f"{LIST}export.csv").status_code == 403
    assert as_auditor.get(f"{row}/change/").status_code == 200
    for path in (f"{LIST}add/", f"{row}/change/", f"{row}/delete/"):
        assert as_auditor.post(path, {"status": "200", "post": "yes"}).status_code == 403


def test_the_list_costs_the_same_for_few_and_for_ten_thousand_R35(
    connection: Connection, as_auditor: Client, django_assert_max_num_queries: Any
) -> None:
    ProvisioningRecord.objects.bulk_create(
        (
            ProvisioningRecord(
                at=timezone.now(),
                connection_slug="acme",
                method="GET",
                status=200,
                reference=f"R{number}",
                duration_ms=1,
            )
            for number in range(10_000)
        ),
        batch_size=1000,
    )
    with django_assert_max_num_queries(10):
        assert as_auditor.get(LIST, {"connection": "acme"}).context["cl"].result_count == 10_000
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for condition in ("connection_slug = 'acme'", "reference = 'R7'", "status >= 400", "at > now()"):
            query = f"SELECT * FROM scim_provisioningrecord WHERE {condition} ORDER BY id DESC LIMIT 9"  # noqa: S608
            cursor.execute(f"EXPLAIN {query}")
            assert "Index" in str(cursor.fetchall())
