"""The pending work in a service of some years: conflicts, drift, requests, groups without a role, refusals of today.

`benchmarks.population` has made the people. Every five hundredth or thousandth of them gets a story here, by the number in their first name.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from benchmarks.seed import insert

if TYPE_CHECKING:
    from core_identity.models import Connection

CONFLICTS: Final = 200
"""Open ones, one for each connection as long as there are connections, and as many that are closed."""
RECENT: Final = 500
"""Rows of today in each log."""

_NUMBER: Final = "substr(u.first_name, 6)::int"
_STORIES: Final = (
    # Expired by SCIM, and half of them are called active again.
    """
    UPDATE {identity} AS i SET active = false FROM {user} AS u WHERE u.id = i.user_id AND {number} %% 500 = 7
    """,
    """
    UPDATE {user} AS u SET expired_at = '2026-02-01', expired_by = 'OAuth client', expired_channel = 'scim',
        expired_reason = 'Deactivated.', expired_connection_id = i.connection_id
    FROM {identity} AS i WHERE i.user_id = u.id AND {number} %% 500 = 7
    """,
    """
    UPDATE {identity} AS i SET active = true, reactivation_requested_at = '2026-03-01' FROM {user} AS u
    WHERE u.id = i.user_id AND {number} %% 1000 = 7
    """,
    # A title that only the IdP knows is drift.
    "UPDATE {identity} AS i SET title = 'Head' FROM {user} AS u WHERE u.id = i.user_id AND {number} %% 1000 = 11",
    # Known by sign-in only, with the name of somebody who was pushed.
    """
    UPDATE {identity} AS i SET pushed_at = NULL, name_id = 'p1@' || c.slug || '.test', name_id_key = 'p1@' || c.slug || '.test'
    FROM {user} AS u, {connection} AS c WHERE u.id = i.user_id AND c.id = i.connection_id AND {number} %% 1000 = 13
    """,
    """
    UPDATE {identity} AS i SET unmapped_groups = jsonb_build_object('Group ' || {number} / 1000, '2026-03-01T00:00:00Z')
    FROM {user} AS u WHERE u.id = i.user_id AND {number} %% 1000 = 17
    """,
    """
    UPDATE {identity} AS i SET groups_unlisted_since = '2026-03-01' FROM {user} AS u
    WHERE u.id = i.user_id AND {number} %% 1000 = 19
    """,
    "UPDATE {user} AS u SET is_staff = true WHERE {number} %% 50000 = 23",
)


def add_pending(connections: "Sequence[Connection]") -> None:
    """Add it for all people there are."""
    from django.db import connection as database

    from core_identity.models import Connection, Identity, User

    tables = {str(model._meta.model_name): model._meta.db_table for model in (Connection, Identity, User)}
    with database.cursor() as cursor:
        for statement in _STORIES:
            cursor.execute(statement.format(number=_NUMBER, **tables), [])
    for number, connection in enumerate(connections):
        share = CONFLICTS // len(connections) + (number < CONFLICTS % len(connections))
        _add_groups(connection)
        if share:
            _add_conflicts(connection, share)
    _add_logs(connections[0])


def _add_groups(connection: "Connection") -> None:
    from core_identity.models import PushGroup

    insert(
        PushGroup,
        1,
        1,
        id="gen_random_uuid()",
        connection=f"'{connection.pk}'::uuid",
        scim_id="gen_random_uuid()",
        display_name="'Everybody ' || n",
        name_key="'everybody ' || n",
        created_at="now()",
        changed_at="now()",
    )


def _add_conflicts(connection: "Connection", count: int) -> None:
    from core_identity.models import Conflict, Event

    slug = connection.slug
    for state in ("open", "dismissed"):
        insert(
            Conflict,
            1,
            count,
            id=f"md5('{slug} {state} ' || n)::uuid",
            connection=f"'{connection.pk}'::uuid",
            cause="'uid'",
            cause_key=f"md5('{state}' || n)",
            channel="'scim'",
            sent_values="jsonb_build_object('user_name', 'new' || n || '@test', 'uid', 'u1')",
            uid_key="'u1'",
            external_id="'new' || n",
            other=f"md5('{slug} user 1')::uuid",
            other_identity=f"md5('{slug} identity 1')::uuid",
            message="'The UID belongs to another person.'",
            state=f"'{state}'",
            first_at="now() - interval '2 days'",
            last_at="now()",
            reference="upper(substr(md5(n::text), 1, 10))",
            resolved_at="NULL" if state == "open" else "now() - interval '1 day'",
        )
    insert(
        Event,
        1,
        count,
        uuid="gen_random_uuid()",
        at="now() - n * interval '1 minute'",
        kind="'scim.refused'",
        channel="'scim'",
        actor_kind="'scim_client'",
        actor=f"'OAuth client of {slug}'",
        connection_id=f"'{connection.pk}'::uuid",
        connection_slug=f"'{slug}'",
        subject_type="'connection'",
        subject_id=f"'{connection.pk}'::uuid",
        changes=f"jsonb_build_object('conflict', jsonb_build_array(NULL, md5('{slug} open ' || n)::uuid))",
        reason="'uniqueness: The UID belongs to another person.'",
        request_id="upper(substr(md5(n::text), 1, 10))",
    )


def _add_logs(connection: "Connection") -> None:
    from scim.models import ProvisioningRecord
    from sso.models import SignInRecord

    here = {"connection_id": f"'{connection.pk}'::uuid", "connection_slug": f"'{connection.slug}'"}
    here |= {"at": "now() - n * interval '1 minute'", "reference": "upper(substr(md5('today ' || n), 1, 10))"}
    user = f"md5('{connection.slug} user 1')::uuid"
    insert(
        ProvisioningRecord,
        1,
        RECENT,
        **here,
        method="'PUT'",
        resource_type="'Users'",
        status="CASE WHEN n %% 3 = 0 THEN 409 ELSE 200 END",
        decision="'Changed.'",
        duration_ms="9",
        keys="ARRAY[]::bigint[]",
    )
    insert(
        SignInRecord,
        1,
        RECENT,
        **here,
        kind="CASE WHEN n %% 3 = 0 THEN 'person_refused' ELSE 'signed_in' END",
        code="CASE WHEN n %% 3 = 0 THEN 'expired' ELSE 'signed_in' END",
        decision="'Judged.'",
        user_id=user,
        duration_ms="30",
        keys="ARRAY[]::bigint[]",
    )
