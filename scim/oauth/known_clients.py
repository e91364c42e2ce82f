"""Two statements of a token request: read the client with its connection, and lock the connection."""

from typing import Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db import connection as database

from core_identity.selectors.connections import CONNECTION_COLUMNS, CONNECTION_TABLE, connection_of_row
from scim.models import OAuthClient

_FIELDS: Final = OAuthClient._meta.concrete_fields

_CLIENT: Final = f"""
SELECT {", ".join(f"client.{field.column}" for field in _FIELDS)}, {CONNECTION_COLUMNS}
FROM {OAuthClient._meta.db_table} AS client JOIN {CONNECTION_TABLE} AS connection ON connection.id = client.connection_id
WHERE client.client_id = %s
"""  # noqa: S608 - nothing but names of our own

_LOCK: Final = f"SELECT enabled FROM {CONNECTION_TABLE} WHERE id = %s FOR NO KEY UPDATE"  # noqa: S608 - a name of our own


def client_by_id(client_id: str) -> OAuthClient | None:
    """Return the client with this OAuth ``client_id``, with its connection, or None. A text with NUL is in no column."""
    if "\0" in client_id:
        return None
    with database.cursor() as cursor:
        cursor.execute(_CLIENT, [client_id])
        row = cursor.fetchone()
    if row is None:
        return None
    names = [field.attname for field in _FIELDS]
    client: OAuthClient = OAuthClient.from_db(DEFAULT_DB_ALIAS, names, row[: len(names)])
    client.connection = connection_of_row(row[len(names) :])
    return client


def lock_if_enabled(connection_id: UUID) -> bool:
    """Lock a connection as `core_identity.services.locks.lock_connection` does. Return whether it is switched on (R1a)."""
    with database.cursor() as cursor:
        cursor.execute(_LOCK, [connection_id])
        row = cursor.fetchone()
    return row is not None and bool(row[0])
