"""Expired rows are deleted, in batches and without waiting for locks; rows in use stay (R35)."""

import io
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection as database
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model
from pytest_django.fixtures import DjangoAssertNumQueries

import scim.connections
from core_identity.config import housekeeping
from core_identity.models import Budget, Conflict, ErasedNames, Event, LoggedHour, Session, SetupLink
from core_identity.models.conflict import ConflictState
from core_identity.services.push.provisioning import create_person
from core_identity.services.users import create_user
from core_identity.values import Cause
from scim.models import OAuthClient, Payload, ProvisioningRecord, UsedCode
from sso.models import SignInRecord, SignInState, SsoSession, UsedAssertion
from tests.support.cast import ADMIN, JANE, OKTA, make_connection

NOW = timezone.now()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def run() -> dict[str, int]:
    out = io.StringIO()
    call_command("housekeeping", "--json", stdout=out)
    deleted: dict[str, int] = json.loads(out.getvalue())["deleted"]
    return deleted


def log_rows(number: int, *, days_old: int) -> None:
    ProvisioningRecord.objects.bulk_create(
        ProvisioningRecord(at=NOW - days_old * DAY, method="GET", status=200, duration_ms=1) for _ in range(number)
    )


@pytest.mark.django_db
def test_an_old_row_of_each_kind_is_deleted_and_a_new_one_stays() -> None:
    connection, boss = make_connection(), create_user(actor=ADMIN, username="boss")
    jane = create_person(actor=OKTA, connection=connection, person=JANE).identity
    scim.connections.apply(connection, {}, rotate_secret=False)
    client = OAuthClient.objects.get()
    access, refresh, code = get_access_token_model(), get_refresh_token_model(), get_grant_model()
    for name, shift in (("old", -HOUR), ("new", HOUR)):
        code.objects.create(user=boss, code=name, application=client, expires=NOW + shift, redirect_uri="x")
        Session.objects.create(session_key=name, session_data="", expire_date=NOW + shift)
        UsedAssertion.objects.create(connection=connection, assertion_id=name, until=NOW + shift)
        SignInState.objects.create(connection=connection, browser_hash=name, next_path="/", expires_at=NOW + shift)
        ends = NOW - 30 * DAY + shift
        SetupLink.objects.create(connection=connection, created_by=boss, secret_hash=name, expires_at=ends)
        access.objects.create(application=client, token=name, expires=NOW + shift)
        refresh.objects.create(user=boss, application=client, token=name, revoked=NOW - 30 * DAY + shift)
        SsoSession.objects.create(
            connection=connection, identity=jane, session_key=name, name_id="x", until=NOW + shift
        )
        closed = NOW - 365 * DAY + shift
        conflict(jane, name, state=ConflictState.GONE, last_at=closed, resolved_at=closed)
        ErasedNames.objects.create(at=NOW - DAY + shift, connections=[], ids=[], keys=[])
        Budget.objects.create(key=name, minute=(NOW - DAY + shift).timestamp() // 60, spent=1)
    at_work = access.objects.create(application=client, token="at work", expires=NOW - HOUR)
    live = refresh.objects.create(
        user=boss, application=client, token="at work", access_token=at_work, token_family=uuid4()
    )
    for name, family in (("old", uuid4()), ("new", live.token_family)):
        UsedCode.objects.create(client=client, code_hash=name, token_family=family, used_at=NOW - 2 * DAY)
    log_rows(1, days_old=29)
    log_rows(1, days_old=31)
    for days_old in (14, 16):
        LoggedHour.objects.create(log="another", hour=NOW - days_old * DAY, total=1, bad=0)
    for days_old in (29, 31):
        at = NOW - days_old * DAY
        SignInRecord.objects.create(at=at, connection_id=connection.pk, connection_slug="acme", code="issuer")
    for days_old in (6, 8):
        Payload.objects.create(record_id=days_old, at=NOW - days_old * DAY)
    assert run() == dict.fromkeys(housekeeping.CHORES, 1) | {housekeeping.UNLISTED: 0}
    assert run() == dict.fromkeys([*housekeeping.CHORES, housekeeping.UNLISTED], 0)
    assert access.objects.filter(pk=at_work.pk).exists()
    assert refresh.objects.count() == access.objects.count() == 2


def conflict(jane: Any, name: str, **values: Any) -> Conflict:
    """Return a conflict with Jane, as a push left it."""
    return Conflict.objects.create(
        connection=jane.connection, cause=Cause.UID.value, cause_key=name, channel="scim", other=jane.user,
        message="Refused.", first_at=NOW - 900 * DAY, **values,
    )  # fmt: skip


@pytest.mark.django_db
def test_a_conflict_that_somebody_may_need_is_kept(settings: LazySettings) -> None:
    jane = create_person(actor=OKTA, connection=make_connection(), person=JANE).identity
    long_ago, lately = NOW - 800 * DAY, NOW - DAY
    old = {"last_at": long_ago, "resolved_at": long_ago}
    conflict(jane, "open", state=ConflictState.OPEN, last_at=long_ago)
    conflict(jane, "different people", state=ConflictState.DIFFERENT_PEOPLE, **old)
    conflict(jane, "same person, not used yet", state=ConflictState.SAME_PERSON, let_through=True, **old)
    conflict(jane, "dismissed, and met lately", state=ConflictState.DISMISSED, last_at=lately, resolved_at=long_ago)
    conflict(jane, "decided lately", state=ConflictState.SAME_PERSON, last_at=long_ago, resolved_at=lately)
    events = Event.objects.count()
    kept = set(Conflict.objects.values_list("cause_key", flat=True))
    for state in (ConflictState.GONE, ConflictState.SAME_PERSON, ConflictState.DISMISSED):
        conflict(jane, f"over: {state.value}", state=state, **old)
    settings.CLOSED_CONFLICT_DAYS = 0
    assert run()["closed conflicts"] == 0
    settings.CLOSED_CONFLICT_DAYS = 365
    assert run()["closed conflicts"] == 3
    assert set(Conflict.objects.values_list("cause_key", flat=True)) == kept
    assert Event.objects.count() == events


@pytest.mark.django_db
def test_a_run_ends_after_its_time_and_the_next_one_continues(settings: LazySettings) -> None:
    log_rows(3, days_old=31)
    settings.HOUSEKEEPING_SECONDS = 0
    assert set(run().values()) == {0}
    settings.HOUSEKEEPING_SECONDS = 60
    assert run()["provisioning log"] == 3


@pytest.mark.django_db
def test_many_are_deleted_in_pieces(
    monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(housekeeping, "AT_ONCE", 100)
    log_rows(250, days_old=31)
    with django_assert_max_num_queries(4 * (3 + len(housekeeping.CHORES))):
        assert run()["provisioning log"] == 250


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_left_for_next_time() -> None:
    log_rows(3, days_old=31)
    other: Any = database.copy()
    try:
        with other.cursor() as cursor:
            other.set_autocommit(False)
            cursor.execute("SELECT id FROM scim_provisioningrecord ORDER BY id LIMIT 1 FOR UPDATE")
            assert run()["provisioning log"] == 2
            other.rollback()
    finally:
        other.close()
    assert run()["provisioning log"] == 1
