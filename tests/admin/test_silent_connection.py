"""A connection that was busy once and is silent since: its logs and pages cost no more than those of a busy one (R34, R35, R37)."""

import pytest
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from core_identity.models import Connection
from tests.support.cast import make_connection
from tests.support.plans import plans

ROWS = 6_000
LOGS = {
    "events": "admin:core_identity_event_changelist",
    "provisioning log": "admin:scim_provisioningrecord_changelist",
    "sign-in log": "admin:sso_signinrecord_changelist",
}
TABLES = ("core_identity_event", "scim_provisioningrecord", "sso_signinrecord")
SIGN_IN = """INSERT INTO sso_signinrecord (at, connection_id, connection_slug, reference, kind, code, decision, arrived, missing, expected, received,
        checks, is_test, name_id, uid, email, keys)
    SELECT now() - n * interval '1 minute', %(pk)s, %(slug)s, '', 'signed_in', 'signed_in', '', '[]', '[]', '', '', '[]', false, '', '', '', '{}'
    FROM generate_series(1, %(rows)s) AS n"""
CALL = """INSERT INTO scim_provisioningrecord (at, connection_id, connection_slug, method, resource_type, status, scim_type, decision, reference,
        duration_ms, cause, sentence, keys)
    SELECT now() - n * interval '1 minute', %(pk)s, %(slug)s, 'GET', 'Users', 200, '', '', '', 1, '', '', '{}'
    FROM generate_series(1, %(rows)s) AS n"""
EVENT = """INSERT INTO core_identity_event (uuid, at, kind, channel, actor_kind, actor_id, actor, connection_id, connection_slug, subject_type,
        subject, changes, reason, request_id)
    SELECT gen_random_uuid(), now() - n * interval '1 minute', 'user.changed', 'scim', 'system', '', 'a test', %(pk)s, %(slug)s, 'user', '', '{}',
        '', '' FROM generate_series(1, %(rows)s) AS n"""


@pytest.fixture
def silent(acme: Connection) -> Connection:
    """Half of the rows are those of acme, all older than those of globex. PostgreSQL knows the half, and not the order."""
    globex = make_connection("globex", customer="Globex")
    with database.cursor() as cursor:
        for one in (acme, globex):
            for statement in (SIGN_IN, CALL, EVENT):
                cursor.execute(statement, {"pk": one.pk, "slug": one.slug, "rows": ROWS})
        cursor.execute("ANALYZE sso_signinrecord, scim_provisioningrecord, core_identity_event")
    return acme


@pytest.mark.parametrize("name", LOGS)
def test_the_log_of_a_silent_connection_is_read_by_its_index(as_root: Client, silent: Connection, name: str) -> None:
    address = f"{reverse(LOGS[name])}?connection={silent.slug}"
    as_root.get(address)
    with plans() as found:
        answer = as_root.get(address)
    assert answer.status_code == 200
    newest = [step for text, steps, _ in found.statements if "ORDER BY" in text for step in steps]
    assert max(step.looked_at for step in newest if step.table in TABLES) < 200, found.dearest()


@pytest.mark.parametrize("page", ["overview", "limits"])
def test_the_pages_of_a_silent_connection_read_no_newer_rows_of_others(
    as_root: Client, silent: Connection, page: str
) -> None:
    address = reverse(f"admin:core_identity_connection_{page}", args=[silent.pk])
    as_root.get(address)
    with plans() as found:
        as_root.get(address)
    read = [step for _, steps, _ in found.statements for step in steps if step.table in TABLES]
    assert max(step.looked_at for step in read) <= 1_001, found.dearest()
