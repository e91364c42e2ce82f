"""Events leave whole, in order, and harmless to a spreadsheet; a million cost no more memory than a few (R34)."""

import csv
import io
import json
import os
import stat
import tempfile
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from benchmarks.export_events import fill, peak_of_export
from core_identity.admin_kit.exports import AT_ONCE, COLUMNS
from core_identity.models import Event
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE, make_connection


def export(*words: str) -> str:
    out = io.StringIO()
    call_command("events", "export", *words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def lines(*words: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in export("--format", "jsonl", *words).split("\n")[:-1]]


@pytest.mark.django_db
def test_each_event_is_one_complete_line_the_oldest_first_R34() -> None:
    create_person(actor=OKTA, connection=make_connection(), person=ZOE)
    events = lines()
    assert [one["uuid"] for one in events] == [
        str(uuid) for uuid in Event.objects.order_by("pk").values_list("uuid", flat=True)
    ]
    event = Event.objects.get(kind="user.created")
    assert next(one for one in events if one["kind"] == "user.created") == {
        "uuid": str(event.uuid),
        "at": event.at.isoformat(timespec="microseconds"),
        "kind": "user.created",
        "channel": "scim",
        "actor_kind": "scim_client",
        "actor_id": "",
        "actor": OKTA.label,
        "connection_id": str(event.connection_id),
        "connection": "acme",
        "subject_type": "user",
        "subject_id": str(event.subject_id),
        "subject": ZOE.user_name,
        "user_id": str(event.user_id),
        "person": ZOE.user_name,
        "changes": {"username": ["", ZOE.user_name], "email": ["", ZOE.email]},
        "reason": "",
        "reference": "REQSCIM",
    }


@pytest.mark.django_db
def test_an_export_names_the_person_and_nobody_who_was_erased_R34() -> None:
    create_role(actor=ADMIN, name="Editors")
    user = create_person(actor=OKTA, connection=make_connection(), person=ZOE).identity.user
    assert {one["person"] for one in lines("--user", str(user.pk))} == {user.username}
    assert [one["person"] for one in lines() if one["kind"] == "role.created"] == [None]
    expire(actor=ADMIN, user_id=user.pk, reason="left")
    erase(actor=COMMAND, user_id=user.pk, reason="asked for it")
    assert {one["person"] for one in lines("--user", str(user.pk))} == {f"erased-{user.pk}"}


@pytest.mark.django_db
def test_a_csv_table_contains_the_same_values_R34() -> None:
    create_person(actor=OKTA, connection=make_connection(), person=ZOE)
    rows = list(csv.DictReader(io.StringIO(export("--format", "csv"), newline="")))
    assert list(rows[0]) == list(COLUMNS)
    for row, line in zip(rows, lines(), strict=True):
        assert json.loads(row.pop("changes")) == line.pop("changes")
        assert row == {name: "" if value is None else value for name, value in line.items()}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    ['=cmd|" /C calc"!A0', "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "＝1+1", "＋1", "－1", "＠SUM(1)", '=1";=2'],
    ids=ascii,
)  # fmt: skip
def test_no_cell_of_a_table_is_a_formula_R34(text: str) -> None:
    Event(at=timezone.now(), kind="x", actor=f"={text}", actor_kind="admin", channel="admin", reason=text).save()
    (row,) = csv.DictReader(io.StringIO(export("--format", "csv"), newline=""))
    assert (row["reason"], row["actor"]) == (f"'{text}", f"'={text}")
    assert lines()[0]["reason"] == text, "JSON lines are for programs: as it stands"


@pytest.mark.django_db
def test_an_export_is_filtered_by_time_connection_and_user_R34() -> None:
    acme, globex = make_connection(), make_connection("globex", customer="Globex")
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    create_person(actor=OKTA, connection=globex, person=JANE)
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    create_role(actor=ADMIN, name="Editors")
    assert {one["connection"] for one in lines("--connection", "globex")} == {"globex"}
    story = lines("--user", "jane.doe", "--connection", "acme")
    assert {one["user_id"] for one in story} == {str(jane.user_id)}
    assert lines("--user", str(jane.user_id))[-1]["kind"] == "user.expired"
    last = Event.objects.latest("pk").at
    assert [one["kind"] for one in lines("--since", last.isoformat())] == ["role.created"]
    assert len(lines("--until", last.isoformat())) == Event.objects.count() - 1
    assert lines("--since", f"{timezone.now() + timedelta(days=2):%Y-%m-%d}") == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--connection", "nowhere"), 3),
        (("--user", "nobody"), 3),
        (("--user", "jane.doe"), 4),
        (("--output", "/nowhere/events"), 1),
        (("--output", tempfile.gettempdir()), 1),
        (("--output", "/"), 1),
    ],
)
def test_a_failing_export_reports_the_reason_R34(
    words: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for slug in ("acme", "globex"):
        create_person(actor=OKTA, connection=make_connection(slug, customer=slug), person=JANE)
    with pytest.raises(SystemExit) as end:
        call_command("events", "export", "--format", "csv", *words)
    assert end.value.code == code
    output = capsys.readouterr()
    assert (output.out, bool(output.err)) == ("", True)


@pytest.mark.parametrize("wrong", [("--since", "yesterday"), ("--until", ""), ("--format", "xml")])
def test_a_wrong_option_is_wrong_usage(wrong: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=wrong[0]):
        call_command("events", "export", "--format", "csv", *wrong)


@pytest.mark.django_db
def test_a_file_is_whole_ours_alone_and_counted_R34(tmp_path: Path) -> None:
    make_connection()
    target, out, err = tmp_path / "events.csv", io.StringIO(), io.StringIO()
    target.write_text("of last week")
    call_command("events", "export", "--format", "csv", "--output", str(target), "--json", stdout=out, stderr=err)
    assert target.read_bytes().decode() == export("--format", "csv")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]
    assert json.loads(out.getvalue()) == {"events": Event.objects.count(), "file": str(target)}
    assert err.getvalue() == f"{Event.objects.count()} events exported.\n"
    export("--format", "csv", "--output", os.devnull)
    assert not Path(os.devnull).is_file(), "a device stays one"


@pytest.mark.django_db
def test_a_terminal_shows_progress_and_a_log_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    fill(connection.cursor().execute, 3 * AT_ONCE)
    monkeypatch.setattr("core_identity.command_exports.SECONDS_BETWEEN_WORDS", 0)
    terminal = Terminal()
    call_command("events", "export", "--format", "jsonl", stdout=io.StringIO(), stderr=terminal)
    assert terminal.getvalue() == ("500 events …\r1,000 events …\r1,500 events …\r1,500 events exported.\n")


@pytest.mark.django_db
def test_an_export_of_many_is_one_query_by_a_cursor_of_the_database_R34(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    fill(connection.cursor().execute, 3 * AT_ONCE + 1)
    with django_assert_num_queries(3):  # the cursor, between the ends of a transaction
        assert len(lines()) == 3 * AT_ONCE + 1


@pytest.mark.django_db(transaction=True)
def test_ten_times_the_events_need_no_more_memory_R34() -> None:
    """Measured over a process of its own, whole: a result set would lie in the memory of libpq, which Python cannot see."""
    environment = os.environ | {"DATABASE_URL": _url_of_test_database()}
    peaks = []
    for more in (2_000, 18_000):
        fill(connection.cursor().execute, more)
        peaks.append(peak_of_export(environment))
    few, many = peaks
    assert many - few < 4 * 1024, f"{few} KiB for 2,000 events, {many} KiB for 20,000"


def _url_of_test_database() -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
