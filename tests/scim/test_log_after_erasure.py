"""A row of the provisioning log that is written after the erasure of its person contains nothing of the person (R34, R35)."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.conf import LazySettings
from django.db import connection as database
from django.db.models import F
from django.utils import timezone

import scim.log.provisioning_log
from core_identity.models import ErasedNames, Identity
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire
from scim.log.writer import LogWriter
from scim.models import Payload, ProvisioningRecord
from tests.scim.conftest import ENTERPRISE, Scim, person
from tests.support.cast import ADMIN, COMMAND
from tests.support.moments import Worker, elsewhere, uncommitted, until_one_waits
from tests.support.racing import racing

pytestmark = pytest.mark.django_db(transaction=True)
Erase = Callable[[], object]
UID = {ENTERPRISE: {"UID": "jane.doe"}}


@pytest.fixture
def log_writer(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LogWriter]:
    """The rows of a worker that writes them at the call of a test."""
    settings.PROVISIONING_LOG_DELAY = 3600
    writer = LogWriter()
    monkeypatch.setattr(scim.log.provisioning_log, "writer", writer)
    yield writer
    writer.close()


@pytest.fixture
def erase_jane(okta: Scim, log_writer: LogWriter) -> Erase:
    """Jane is pushed, read, searched for and a member, and is expired. The rows of all that are pending."""
    jane = okta.make(externalId="00u1", **UID)
    okta.make("zoe.roth@acme.test")
    okta.get(f"/Users/{jane['id']}")
    okta.get("/Users", filter='userName eq "jane.doe@acme.test"')
    okta.post("/Groups", {"displayName": "Editors", "members": [{"value": jane["id"], "display": "Jane Doe"}]})
    user = Identity.objects.get(scim_id=jane["id"]).user
    expire(actor=ADMIN, user_id=user.pk, reason="left")
    assert not Payload.objects.exists()
    return partial(erase, actor=COMMAND, user_id=user.pk, reason="request 4711")


def stored() -> str:
    return json.dumps([*ProvisioningRecord.objects.values(), *Payload.objects.values()], default=str).lower()


def assert_only_jane_is_gone(rows: int = 5) -> None:
    assert ProvisioningRecord.objects.count() == rows, "the fact of each request stays"
    assert [name for name in ("jane", "doe", "00u1") if name in stored()] == []
    assert "zoe.roth@acme.test" in stored()


def test_a_pending_row_is_written_without_a_person_whom_another_process_erased_meanwhile_R34(
    erase_jane: Erase, log_writer: LogWriter
) -> None:
    with racing(1, str(database.settings_dict["NAME"])) as race:
        assert race([erase_jane]) == ["ErasePlan"]
    log_writer.flush()
    assert_only_jane_is_gone()


def test_a_row_that_is_written_while_an_erasure_is_not_committed_waits_for_it_R34(
    erase_jane: Erase, log_writer: LogWriter
) -> None:
    with uncommitted(erase_jane):
        writing = Worker(log_writer.flush)
        until_one_waits()
    writing.result()
    assert_only_jane_is_gone()


def test_an_erasure_waits_for_rows_that_are_being_written_R34(erase_jane: Erase, log_writer: LogWriter) -> None:
    with uncommitted(log_writer.flush):
        erasing = Worker(erase_jane)
        until_one_waits()
    erasing.result()
    assert_only_jane_is_gone()


def test_a_wrong_clock_of_the_worker_does_not_save_a_pending_row_R34(
    erase_jane: Erase, log_writer: LogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_writer._rows = [row._replace(at=row.at + timedelta(hours=2)) for row in log_writer._rows]
    elsewhere(erase_jane)
    now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(hours=2))
    log_writer.flush()
    assert_only_jane_is_gone()


def test_the_row_of_another_customers_person_of_the_same_name_stays_whole_R1(
    erase_jane: Erase, log_writer: LogWriter, other: Scim
) -> None:
    theirs = other.make(**UID)
    elsewhere(erase_jane)
    log_writer.flush()
    row = ProvisioningRecord.objects.get(connection_id=other.connection.pk)
    assert row.keys
    assert theirs["id"] in Payload.objects.get(pk=row.pk).answered


def test_a_message_that_comes_long_after_the_erasure_is_logged_whole_R35(
    erase_jane: Erase, log_writer: LogWriter, okta: Scim
) -> None:
    elsewhere(erase_jane)
    log_writer.flush()
    ErasedNames.objects.update(at=F("at") - timedelta(minutes=2))
    assert okta.post("/Users", {**person(), **UID}).status_code == 409, "the UID stays taken"
    assert "jane.doe@acme.test" in Payload.objects.latest("record_id").sent


def test_the_names_of_an_erasure_are_deleted_after_a_day_R34(
    erase_jane: Erase, log_writer: LogWriter, okta: Scim
) -> None:
    elsewhere(erase_jane)
    traces = ErasedNames.objects.get()
    assert "jane" not in str(vars(traces)).lower(), "names are numbers"
    log_writer.flush()
    assert ErasedNames.objects.exists()
    ErasedNames.objects.update(at=F("at") - timedelta(days=1))
    okta.get("/Users/unknown")
    assert not ErasedNames.objects.exists()
