"""Inserting millions of rows: without indexes and constraints, which are made again at the end, over all rows at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection as database
from django.db import transaction

from core_identity.models import Event, Grant, Identity, IdentityUid, PushGroupMember, User
from scim.models import ProvisioningRecord
from sso.models import SignInRecord

_TABLES: Final = [
    model._meta.db_table
    for model in (User, Identity, IdentityUid, PushGroupMember, Grant, Event, ProvisioningRecord, SignInRecord)
]
_CONSTRAINTS: Final = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE contype IN ('f', 'u') AND conrelid = ANY(%s::regclass[])
ORDER BY contype = 'f'
"""
"""Foreign keys and unique constraints: the statements that drop and add each. Primary keys stay."""
_INDEXES: Final = """
SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index WHERE indrelid = ANY(%s::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


@contextmanager
def bulk_load() -> Iterator[None]:
    """Have the tables of people, events and logs without indexes for the length of the block, which is one transaction.

    If the block fails, everything is as before. Nobody else can use these tables meanwhile.
    """
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        # Checks that are due at the end of the transaction would keep the tables from being altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        pairs: list[tuple[str, str]] = []
        for sql in (_CONSTRAINTS, _INDEXES):
            cursor.execute(sql, [_TABLES])
            pairs += cursor.fetchall()
        for drop, _ in pairs:
            cursor.execute(drop)
        yield
        for _, add in pairs:
            cursor.execute(add)
