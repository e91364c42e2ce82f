"""Read the values that an expiry stores: the time, and the values of the IdPs at that time (R22, R24)."""

import json
from datetime import datetime
from typing import Any, Final

from django.db import connection as database

from core_identity.models import Identity, IdentityUid, User

_NOW: Final = f"""
SELECT statement_timestamp(), COALESCE(json_agg(json_build_object(
    'identity', one.id,
    'uid', (SELECT uid_key FROM {IdentityUid._meta.db_table} WHERE identity_id = one.id AND current LIMIT 1),
    'external_id', one.external_id,
    'user_name', one.user_name_key,
    'email', one.email_key
) ORDER BY one.created_at), '[]')::text
FROM {Identity._meta.db_table} AS one WHERE one.user_id = %s
"""  # noqa: S608 - names of our own


def now_and_snapshot(user: User) -> tuple[datetime, list[dict[str, Any]]]:
    """Return the time of the database and the values of `core_identity.services.expiry.snapshot` for each identity of a user. One statement."""
    with database.cursor() as cursor:
        cursor.execute(_NOW, [user.pk])
        now, values = cursor.fetchone()
    return now, json.loads(values)
