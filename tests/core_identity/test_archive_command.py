"""``events archive``: no event leaves the database before it is in a complete file, whatever goes wrong (R34)."""

import hashlib
import io
import json
import os
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from core_identity.archive_file import portions_of, read_archive
from core_identity.errors import NotAllowed
from core_identity.management.commands import events as command
from core_identity.models import Connection, Event, Identity
from core_identity.portal.trust import knows_nobody
from core_identity.services.erasure import erase
from core_identity.services.event_archive import archivable, delete_archived, years_ago
from core_identity.services.expiry import expire
from core_identity.services.succession import succeed
from core_identity.services.users import change_user, create_user
from tests.support.cast import BROWSER, COMMAND, JANE, by_sso, make_connection
from tests.support.racing import racing
from tests.support.sign_in import sign_in

YEAR = 366


def archive(path: Path, years: int = 2) -> dict[str, Any]:
    out = io.StringIO()
    words = ("--older-than", str(years), "--output", str(path), "--json")
    call_command("events", "archive", *words, stdout=out, stderr=io.StringIO())
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def refused(path: Path, years: int = 2) -> int:
    with pytest.raises(SystemExit) as end:
        archive(path, years)
    assert isinstance(end.value.code, int)
    return end.value.code


def story(*ages: int) -> list[Event]:
    """Store an event of each age in days."""
    now = timezone.now()
    actor = {"actor": "boss", "actor_kind": "admin", "channel": "admin"}
    found = [Event(at=now - timedelta(days=age), kind="role.created", reason=f"é\u2028{age}", **actor) for age in ages]
    for one in found:
        one.save()
    return found


def age_all(days: int) -> None:
    """Let all events be older than they are. Only a test switches the trigger off."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_identity_event DISABLE TRIGGER core_identity_event_append_only")
        cursor.execute("UPDATE core_identity_event SET at = at - make_interval(days => %s)", [days])
        cursor.execute("ALTER TABLE core_identity_event ENABLE TRIGGER core_identity_event_append_only")


def uuids(path: Path) -> list[UUID]:
    return [UUID(json.loads(line)["uuid"]) for line in path.read_bytes().splitlines()]


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "AT_ONCE", 2)


@pytest.mark.django_db
@pytest.mark.usefixtures("small_portions")
def test_old_events_move_to_a_file_that_export_would_have_written_R34(tmp_path: Path) -> None:
    old, young = story(5 * YEAR, 4 * YEAR, 4 * YEAR, 3 * YEAR, 3 * YEAR), story(YEAR, 1, 0)
    exported, target = tmp_path / "exported", tmp_path / "events-until-2024.jsonl"
    until = ("--until", young[0].at.isoformat())
    call_command("events", "export", "--format", "jsonl", "--output", str(exported), *until, stderr=io.StringIO())
    answer = archive(target)
    assert target.read_bytes() == exported.read_bytes()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert {one.name for one in tmp_path.iterdir()} == {"exported", target.name}, "nothing unfinished is left"
    recorded = Event.objects.get(kind="events.archived")
    assert list(Event.objects.order_by("pk")) == [*young, recorded]
    facts = {
        "events": 5,
        "oldest": old[0].at.isoformat(timespec="microseconds"),
        "newest": max(one.at for one in old).isoformat(timespec="microseconds"),
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
    }
    assert answer == facts | {"file": str(target)}
    assert recorded.changes == {name: [None, value] for name, value in (facts | {"file": target.name}).items()}
    assert (recorded.actor, str(tmp_path) in str(Event.objects.filter(pk=recorded.pk).values())) == (
        "command line",
        False,
    )


@pytest.mark.django_db
def test_a_file_that_exists_is_never_replaced_R34(tmp_path: Path) -> None:
    old = story(3 * YEAR)
    target, dangling = tmp_path / "archive", tmp_path / "link"
    target.write_text("of last year")
    dangling.symlink_to(tmp_path / "elsewhere")
    for path in (target, dangling, Path(os.devnull), tmp_path, tmp_path / "missing" / "archive"):
        assert refused(path) == 1, path
    (tmp_path / "new.unfinished").write_text("of a run that was killed")
    assert refused(tmp_path / "new") == 1
    assert target.read_text() == "of last year"
    assert list(Event.objects.all()) == old
    assert {one.name for one in tmp_path.iterdir()} == {"archive", "link", "new.unfinished"}


@pytest.mark.django_db
def test_a_file_that_appears_meanwhile_is_not_replaced_either_R34(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, target, fsync = story(3 * YEAR), tmp_path / "archive", os.fsync

    def another_program_is_faster(descriptor: int) -> None:
        fsync(descriptor)
        target.write_text("of another program")

    monkeypatch.setattr(os, "fsync", another_program_is_faster)
    assert refused(target) == 1
    assert target.read_text() == "of another program"
    assert list(Event.objects.all()) == old


@pytest.mark.django_db
def test_events_of_the_last_year_are_never_archived_R34(tmp_path: Path) -> None:
    story(350, 200, 1)
    for years in (0, -3, 101, 10**9):
        assert refused(tmp_path / "archive", years) == 1
    with pytest.raises(CommandError, match="--older-than"):
        call_command("events", "archive", "--older-than", "0.1", "--output", str(tmp_path / "archive"))
    assert archive(tmp_path / "archive", 1) == {"events": 0}
    assert Event.objects.count() == 3
    assert list(tmp_path.iterdir()) == [], "no file, and no event about it"


@pytest.mark.django_db
def test_nothing_is_deleted_if_the_file_lost_events_R34(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, target, link = story(3 * YEAR, 3 * YEAR, 3 * YEAR), tmp_path / "archive", os.link

    def the_disk_loses_a_line(source: Path, name: Path) -> None:
        link(source, name)
        name.write_bytes(b"".join(name.read_bytes().splitlines(keepends=True)[:-1]))

    monkeypatch.setattr(os, "link", the_disk_loses_a_line)
    assert refused(target) == 1
    assert list(Event.objects.order_by("pk")) == old


@pytest.mark.django_db
def test_nothing_is_deleted_that_is_not_in_the_file_R34(tmp_path: Path) -> None:
    """Somebody exchanges an event in the file, between the check and the deletion."""
    old, target = story(*[3 * YEAR] * 4), tmp_path / "archive"
    call_command("events", "export", "--format", "jsonl", "--output", str(target), stderr=io.StringIO())
    found, before = read_archive(target), years_ago(1)
    target.write_text(target.read_text().replace(str(old[2].uuid), str(UUID(int=1))))
    deleting = delete_archived(
        archivable(before), actor=COMMAND, archive=found, portions=portions_of(target, 2), before=before
    )
    assert next(deleting) == 2
    with pytest.raises(NotAllowed):
        next(deleting)
    assert list(Event.objects.exclude(kind="events.archived").order_by("pk")) == old[2:]


@pytest.mark.django_db
@pytest.mark.usefixtures("small_portions")
def test_a_run_that_was_stopped_is_continued_by_the_next_one_R34(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, young = story(*[3 * YEAR] * 7), story(1)

    def stopped(*arguments: Any, **options: Any) -> Iterator[int]:
        deleting = delete_archived(*arguments, **options)
        yield next(deleting)
        yield next(deleting)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "delete_archived", stopped)
        with pytest.raises(KeyboardInterrupt):
            archive(tmp_path / "first")
    assert Event.objects.get(kind="events.archived").changes["events"] == [None, 7], "recorded before the first is gone"
    assert list(Event.objects.filter(kind="role.created").order_by("pk")) == [*old[4:], *young]
    assert refused(tmp_path / "first") == 1, "the file of the first run stays"
    assert archive(tmp_path / "second")["events"] == 3
    assert list(Event.objects.filter(kind="role.created")) == young
    first, second = uuids(tmp_path / "first"), uuids(tmp_path / "second")
    assert (first, second) == ([one.uuid for one in old], first[4:])


@pytest.mark.django_db
def test_a_run_that_fails_while_it_writes_leaves_no_file_and_every_event_R34(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = story(3 * YEAR)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert refused(tmp_path / "archive") == 1
    assert (list(tmp_path.iterdir()), list(Event.objects.all())) == ([], old)


def begin(path: str) -> None:
    """Archive in a process of its own. Raise the refusal, not the exit code, for the race."""
    command.Command(stdout=io.StringIO(), stderr=io.StringIO()).act_archive(older_than=2, output=path, json=True)


@pytest.mark.django_db(transaction=True)
def test_of_two_runs_at_once_each_deleted_event_is_in_a_complete_file_R34(tmp_path: Path) -> None:
    with racing(2, str(connection.settings_dict["NAME"])) as race:
        for names in (("a", "b"), ("c", "d"), ("same", "same")):
            old, young = story(*[3 * YEAR] * 2500), story(1)
            answers = race([partial(begin, str(tmp_path / name)) for name in names])
            assert set(answers) <= {"NoneType", "NotAllowed"}
            assert "NoneType" in answers, "one of them archived everything"
            assert list(Event.objects.filter(kind="role.created")) == young
            assert {one.uuid for one in old} <= {uuid for file in tmp_path.iterdir() for uuid in uuids(file)}
            recorded = {one.changes["file"][1] for one in Event.objects.filter(kind="events.archived")}
            assert recorded & {*names}, "the deletion is recorded"
            assert recorded <= {file.name for file in tmp_path.iterdir()}
            age_all(YEAR * 3)
            archive(tmp_path / f"rest of {names[0]}")


def signed_in(acme: Connection) -> Identity:
    return sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))


@pytest.mark.django_db
def test_a_link_does_not_become_the_root_of_trust_because_sign_ins_were_archived_R38(tmp_path: Path) -> None:
    """After a succession the former connection has no identity. Only the event of a sign-in shows that it had people."""
    former, successor = make_connection(), make_connection("acme-2")
    signed_in(former)
    last = signed_in(former)
    succeed(actor=COMMAND, former_id=former.pk, successor_id=successor.pk, reason="new IdP")
    assert not Identity.objects.filter(connection=former).exists()
    age_all(5 * YEAR)
    assert archive(tmp_path / "archive")["events"] > 3
    with transaction.atomic():
        assert not knows_nobody(former)
    [kept] = Event.objects.filter(kind="user.signed_in")
    assert (kept.connection_id, kept.user_id) == (former.pk, last.user_id)


@pytest.mark.django_db
def test_a_former_administrator_is_still_erased_everywhere_after_an_archive_R34(tmp_path: Path) -> None:
    mark = create_user(actor=COMMAND, username="mark", is_staff=True, password="correct horse battery")
    tom = create_user(actor=COMMAND, username="tom")
    by_mark = COMMAND.__class__(COMMAND.channel, COMMAND.kind.__class__.ADMIN, "mark", id=str(mark.pk))
    expire(actor=by_mark, user_id=tom.pk, reason="left")
    change_user(actor=COMMAND, user_id=mark.pk, is_staff=False)
    expire(actor=COMMAND, user_id=mark.pk, reason="left")
    age_all(5 * YEAR)
    archive(tmp_path / "archive")
    tom.refresh_from_db()
    assert tom.expired_by == "mark"
    erase(actor=COMMAND, user_id=mark.pk, reason="asked")
    tom.refresh_from_db()
    assert "mark" not in tom.expired_by


@pytest.mark.django_db
def test_the_records_of_archives_stay_R34(tmp_path: Path) -> None:
    story(3 * YEAR)
    archive(tmp_path / "first")
    age_all(3 * YEAR)
    story(3 * YEAR)
    archive(tmp_path / "second")
    assert [one.changes["file"][1] for one in Event.objects.order_by("pk")] == ["first", "second"]


@pytest.mark.django_db
def test_the_age_is_counted_in_years_of_the_calendar_by_the_clock_of_the_database() -> None:
    now = timezone.now()
    last: datetime = years_ago(4)
    assert (last.month, last.day) == (now.month, now.day) or (now.month, now.day) == (2, 29)
    assert last.year == now.year - 4
