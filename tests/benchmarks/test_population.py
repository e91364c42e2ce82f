"""`python -m benchmarks.population` fills a service with what the product would have written."""

import pytest
from django.db import connection as database

from benchmarks.bulk_load import bulk_load
from benchmarks.pending import RECENT
from benchmarks.population import NotEmpty, populate, progress, shares
from core_identity.lookup_keys import named_any
from core_identity.models import Event, Grant, Identity, IdentityUid, PushGroupMember, User
from scim.models import ProvisioningRecord
from sso.models import SignInRecord


def schema() -> list[tuple[str, str]]:
    """Return every index and constraint by name with its definition, but for lists of values, which PostgreSQL writes in two ways."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
            "SELECT conrelid::regclass::text || conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2"
        )
        return [(name, definition.partition("ANY (")[0]) for name, definition in cursor.fetchall()]


def test_indexes_and_constraints_are_the_same_after_a_bulk_load(db: None) -> None:
    before = schema()
    with bulk_load():
        assert len(schema()) < len(before)
    assert schema() == before


def test_everybody_has_an_identity_a_uid_a_grant_events_and_logs(db: None) -> None:
    populate(23, 3)
    for model in (User, Identity, IdentityUid, Grant, PushGroupMember):
        assert model._default_manager.count() == 23, model
    for log in (ProvisioningRecord, SignInRecord):
        assert log._default_manager.count() == 23 + RECENT, log
    named = f"p7@{User.objects.filter(username__startswith='p7@').get().username.partition('@')[2]}"
    for log in (ProvisioningRecord, SignInRecord):
        assert log.objects.filter(named_any([named])).count() == 1, "the number in SQL is that of Python"
    assert Event.objects.filter(user_id__in=User.objects.values("pk")).count() == 69
    with pytest.raises(NotEmpty):
        populate(23, 3)


def test_the_first_customer_is_the_largest() -> None:
    assert shares(23, 3) == [13, 5, 5]
    assert shares(3, 3) == [1, 1, 1]
    assert shares(5, 1) == [5]
    assert sum(shares(1_000_000, 300)) == 1_000_000


def test_progress_is_a_line() -> None:
    assert progress(500, 1_000, 2.0) == "[###############...............] 500 of 1,000 people, 250 a second"
