"""The policy of expiry: the users who may sign in (R21, R22, R25, R26), the causes of expiry (R20), and requests to reactivate (R22). No database."""

from datetime import UTC, datetime, timedelta

import pytest

from core_identity.policy.expiry import Bar, Standing, bar_to_sign_in, expires, reactivation_is_permitted

GATE = [
    (Standing(expired=False, staff=False, identity_active=True), None),
    (Standing(expired=True, staff=False, identity_active=True), Bar.EXPIRED),
    (Standing(expired=False, staff=False, identity_active=False), Bar.INACTIVE),
    (Standing(expired=False, staff=False, identity_active=True, connection_enabled=False), Bar.CONNECTION_OFF),
    (Standing(expired=False, staff=True, identity_active=True), Bar.STAFF),
    (Standing(expired=False, staff=True, identity_active=True, own_idp=True), None),
    (Standing(expired=False, staff=True, identity_active=None), None),
    (Standing(expired=True, staff=True, identity_active=None), Bar.EXPIRED),
]


@pytest.mark.parametrize(("standing", "bar"), GATE)
def test_a_sign_in_needs_active_and_not_expired_R22(standing: Standing, bar: Bar | None) -> None:
    assert bar_to_sign_in(standing) is bar


@pytest.mark.parametrize(
    ("was", "now", "expired"),
    [(True, False, True), (True, True, False), (True, None, False), (False, False, False), (False, True, False)],
)
def test_only_active_going_from_true_to_false_expires_R20_R25(was: bool, now: bool | None, expired: bool) -> None:
    assert expires(was_active=was, active=now) is expired


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
THEN = {"uid": "jane.doe", "external_id": "00u1", "user_name": "jane@acme.test", "email": "jane@acme.test"}


@pytest.mark.parametrize(
    ("change", "granted"),
    [
        ({}, True),
        ({"opted_in": False}, False),
        ({"expired_by_this_connection": False}, False),
        ({"live_elsewhere": False}, False),
        ({"now": NOON + timedelta(days=90)}, True),
        ({"now": NOON + timedelta(days=90, seconds=1)}, False),
        ({"then": None}, False),
        ({"uid_in_doubt": True}, False),
        *[({"today": {**THEN, name: "changed"}}, False) for name in THEN],
    ],
)
def test_a_reactivation_request_unexpires_only_if_nothing_changed_since_R22(
    change: dict[str, object], granted: bool
) -> None:
    facts: dict[str, object] = {
        "opted_in": True,
        "expired_by_this_connection": True,
        "live_elsewhere": True,
        "expired_at": NOON,
        "now": NOON + timedelta(days=1),
        "then": THEN,
        "today": THEN,
    }
    assert reactivation_is_permitted(**{**facts, **change}) is granted  # type: ignore[arg-type]
