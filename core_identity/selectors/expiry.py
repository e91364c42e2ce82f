"""The SQL of the values of the IdPs at an expiry (R22, R24)."""

from typing import Final

from core_identity.models import Identity, IdentityUid, User

SNAPSHOTS: Final = f"""
SELECT COALESCE(json_agg(json_build_object(
    'identity', one.id,
    'uid', (SELECT uid_key FROM {IdentityUid._meta.db_table} WHERE identity_id = one.id AND current LIMIT 1),
    'external_id', one.external_id,
    'user_name', one.user_name_key,
    'email', one.email_key
) ORDER BY one.created_at), '[]')::jsonb
FROM {Identity._meta.db_table} AS one WHERE one.user_id = {User._meta.db_table}.id
"""  # noqa: S608 - names of our own
"""The values of `core_identity.services.expiry.snapshot` for each identity of a user, whose row the statement around it reads."""
