"""Check that nothing in CORE resembles the person of a POST. One statement decides this for the usual POST.

`tests/core_identity/test_hot_statements.py` compares it with the look-ups that decide in all other cases.
"""

from functools import cache
from typing import Any

from django.db import connection as database

from core_identity.keys import key, message_keys
from core_identity.models import Conflict, Connection, Identity, IdentityUid, User
from core_identity.selectors.stored import PENDING_SQL
from core_identity.values import Person


def is_newcomer(connection: Connection, person: Person) -> bool:
    """Whether no identity, UID, user or pending conflict has one of the keys of a person, so that the person is new and every name is free.

    False if this is not certain, or if the connection is switched off. Then the ordinary look-ups decide. The caller holds the lock of these keys
    (`core_identity.services.locks.lock_newcomer`), so the answer stays true until its end.
    """
    keys = message_keys(person)
    params: dict[str, Any] = {
        "connection": connection.pk,
        "customer": connection.customer_id,
        "uid": keys.uid_key,
        "external_id": person.external_id or None,
        "conflict_external_id": keys.external_id,
        "name": key(person.user_name or ""),
        "email": key(person.email or "") or None,
    }
    with database.cursor() as cursor:
        cursor.execute(_statement(), params)
        row = cursor.fetchone()
    return row is not None and row[0] is False


def locked_keys(connection: Connection, person: Person) -> list[str]:
    """Return names for the keys of `is_newcomer` that two people could share. Two new people who share none may be written at once."""
    keys = message_keys(person)
    named = {
        f"name {connection.customer_id}": key(person.user_name or ""),
        f"email {connection.customer_id}": key(person.email or ""),
        f"uid {connection.pk}": keys.uid_key,
        f"external id {connection.pk}": keys.external_id,
    }
    return [f"{place} {value}" for place, value in named.items() if value]


@cache
def _statement() -> str:
    """Return the SQL. Each look-up has an index of its own, and is cheap without statistics (docs/architecture.md).

    ``<> ''`` is for a plan that serves all values: if most rows have the empty text, PostgreSQL expects most rows for any value without it.
    """
    connections, identities, uids, users, conflicts = (
        model._meta.db_table for model in (Connection, Identity, IdentityUid, User, Conflict)
    )
    ours = f"connection_id = ANY (ARRAY(SELECT id FROM {connections} WHERE customer_id = %(customer)s))"  # noqa: S608 - names of our own
    here = "connection_id = %(connection)s"
    met = (
        f"EXISTS (SELECT FROM {identities} WHERE {here} AND external_id = %(external_id)s)",
        f"EXISTS (SELECT FROM {uids} WHERE {here} AND uid_key = %(uid)s)",
        f"EXISTS (SELECT FROM {identities} WHERE {ours} AND user_name_key = %(name)s)",
        f"EXISTS (SELECT FROM {identities} WHERE {ours} AND name_id_key = %(name)s AND name_id_key <> '')",
        f"EXISTS (SELECT FROM {identities} WHERE {ours} AND email_key = %(email)s AND email_key <> '')",
        f"EXISTS (SELECT FROM {users} WHERE username_key = %(name)s)",
        f"%(customer)s = ANY (ARRAY(SELECT customer_id FROM {users} WHERE email_key = %(email)s AND email_key <> ''))",  # noqa: S608 - names of our own
        f"EXISTS (SELECT FROM {conflicts} WHERE {here} AND uid_key = %(uid)s AND external_id = %(conflict_external_id)s AND {PENDING_SQL})",
    )
    alternatives = "\nOR ".join(met)
    return f"SELECT {alternatives}\nFROM {connections} WHERE id = %(connection)s AND enabled"
