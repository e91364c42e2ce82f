"""Rate limits: per connection and kind, over all workers, honest about when to come again (R23)."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection as database
from django.test import Client, RequestFactory
from pytest_django.fixtures import DjangoAssertNumQueries

from core_identity import budgets
from core_identity.budgets import hash_of_address, spend, spend_leased, take
from core_identity.config.environment import trusted_proxies
from core_identity.models import Budget, Connection
from scim.models import ProvisioningRecord
from scim.oauth.bearer_tokens import make_token
from tests.scim.conftest import FORM, HOST, Scim, Secrets, error, person, secrets_of
from tests.support.cast import ADMIN
from tests.support.clock import database_at, travel


@pytest.fixture(autouse=True)
def no_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a process that has taken nothing yet."""
    monkeypatch.setattr(budgets, "_leases", {})


BEGUN = datetime(2031, 5, 1, 12, 0, 20, tzinfo=UTC)


def at(second: float) -> Any:
    return travel(BEGUN.timestamp() + second, tick=False)


def lasting(connection: Connection) -> Scim:
    """A client whose token is good in 2031."""
    return Scim(connection, make_token(actor=ADMIN, connection=connection, name="lasting")[1])


def test_reads_and_writes_have_budgets_of_their_own_and_429_says_when(
    connection: Connection, settings: LazySettings
) -> None:
    settings.SCIM_READS_PER_MINUTE, settings.SCIM_WRITES_PER_MINUTE = 2, 1
    scim = lasting(connection)
    with at(0):
        resource = scim.make()
        assert [scim.get("/Users").status_code, scim.post("/Users/.search", {}).status_code] == [200, 200]
        refused = scim.get("/Users")
        message = error(refused, 429)
        assert refused["Retry-After"] == "40"
        assert message.startswith("Too many requests of this connection within a minute. Try again in 40 seconds.")
        changes = {"op": "replace", "value": {"title": "Chief"}}
        assert scim.patch(f"/Users/{resource['id']}", changes)["Retry-After"] == "40"
        assert ProvisioningRecord.objects.latest("id").decision == "too_many_requests"
    with at(39.9):
        # However often it tried in vain: the end of the wait does not move.
        for _ in range(3):
            assert scim.patch(f"/Users/{resource['id']}", changes)["Retry-After"] == "1"
    with at(40):
        assert scim.patch(f"/Users/{resource['id']}", changes).status_code == 200
        assert scim.get("/Users").status_code == 200


def test_no_budget_stops_the_deactivation_of_an_active_person_R23(
    connection: Connection, settings: LazySettings
) -> None:
    settings.SCIM_WRITES_PER_MINUTE = 5
    scim = lasting(connection)
    leaves = {"op": "replace", "value": {"active": False}}
    with at(0):
        ids = [scim.make(f"p{number}@acme.test")["id"] for number in range(5)]
        paths = [f"/Users/{one}" for one in ids]
        error(scim.patch(paths[0], {"op": "replace", "value": {"title": "Chief"}}), 429)
        assert scim.patch(paths[0], leaves).json()["active"] is False
        error(scim.patch(paths[0], leaves), 429)  # inactive already: nothing to end
        unclear = b'{"userName": "a@acme.test", "username": "b@acme.test", "active": false}'
        assert scim.send("PUT", paths[1], unclear).json()["active"] is False
        error(scim.send("PUT", paths[2], b"{"), 429)
        error(scim.send("PATCH", paths[2], b"{}", **{"Content-Type": "text/plain"}), 429)
        error(scim.patch("/Users/7f4b2b5e-7c58-4b4e-a5c1-0d9fbb7f6d01", leaves), 429)
        error(scim.send("DELETE", paths[2], **{"If-Match": 'W/"99"'}), 429)  # its 412 would end nobody's access
        assert scim.delete(paths[2]).status_code == 204
        error(scim.delete(paths[2]), 429)
        operations = [
            {"method": "PATCH", "path": paths[3], "data": {"Operations": [leaves]}},
            {"method": "DELETE", "path": paths[4]},
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": person("new@acme.test")},
        ]
        bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
        assert [one["status"] for one in scim.post("/Bulk", bulk).json()["Operations"]] == ["200", "204", "429"]
        error(scim.post("/Bulk", bulk), 429)
        error(scim.post("/Bulk", {**bulk, "Operations": "x"}), 429)


def test_a_connection_spends_only_its_own_budget_and_0_means_unlimited(
    okta: Scim, other: Scim, settings: LazySettings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.SCIM_READS_PER_MINUTE = 1
    with at(0):
        assert spend(f"reads of {okta.connection.pk}", 1) == 0
        assert spend(f"reads of {other.connection.pk}", 1) == 0
        assert spend(f"reads of {okta.connection.pk}", 1) == 40
    with django_assert_num_queries(0):
        assert [spend("anything", 0) for _ in range(3)] == [0, 0, 0]


def test_an_unauthenticated_request_spends_nothing_of_a_connections_budget(okta: Scim, settings: LazySettings) -> None:
    settings.SCIM_READS_PER_MINUTE = settings.SCIM_WRITES_PER_MINUTE = 1
    for _ in range(3):
        error(okta.send("GET", "/Users", Authorization="Bearer wrong"), 401)
    assert okta.post("/Users", person()).status_code == 201


def test_a_worker_whose_clock_is_behind_spends_the_budget_of_the_same_minute(db: None) -> None:
    with at(60):
        assert spend("k", 2) == 0
    with at(0):
        assert spend("k", 2) == 0
        assert spend("k", 2) == 100
    with at(60):
        assert spend("k", 2) == 40


@pytest.mark.django_db(transaction=True)
def test_workers_count_together_and_lose_nothing() -> None:
    answers: list[int] = []

    def work() -> None:
        try:
            with database_at(BEGUN.timestamp(), tick=False):
                answers.extend(spend("k", 30) for _ in range(20))
        finally:
            database.close()

    with database_at(BEGUN.timestamp(), tick=False):
        pass  # prepares the clock once, before three threads would
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [0] * 30 + [40] * 30


@pytest.mark.django_db(transaction=True)
def test_a_budget_that_cannot_be_asked_stops_nobody(okta: Scim) -> None:
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE core_identity_budget RENAME TO gone")
    try:
        assert okta.get("/Users").status_code == 200
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO core_identity_budget")


# Budgets that a process takes in parts


def spent(key: str) -> int:
    return Budget.objects.get(key=key).spent


@pytest.mark.parametrize("limit", [1, 2, 1999])
def test_a_small_limit_is_counted_one_by_one(
    db: None, limit: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with at(0), django_assert_num_queries(3):
        assert [spend_leased("k", limit) for _ in range(3)] == [0 if number < limit else 40 for number in range(3)]


def test_a_process_reserves_a_part_of_a_large_limit_and_spends_it_without_a_statement(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with at(0):
        with django_assert_num_queries(1):
            assert [spend_leased("k", 30_000) for _ in range(30)] == [0] * 30
        assert spent("k") == 30
        with django_assert_num_queries(1):
            assert spend_leased("k", 30_000) == 0
        assert spent("k") == 60


def test_no_more_than_the_limit_is_ever_served_and_the_last_ones_are_counted_one_by_one(db: None) -> None:
    limit = 4_000
    with at(0):
        answers = [spend_leased("k", limit) for _ in range(limit + 3)]
        assert answers == [0] * limit + [40] * 3
        take("k", 10_000)  # others spent as well
        assert spend_leased("k", limit) == 40


def test_a_part_counts_as_spent_for_all_other_processes_at_once(db: None) -> None:
    """Another process sees the budget in the database, but not the part that this process has taken."""
    with at(0):
        assert spend_leased("k", 2_000) == 0
        take("k", 1_997)
        assert spent("k") == 1_999
        assert [spend_leased("k", 2_000) for _ in range(3)] == [0, 0, 40]


def test_a_part_ends_with_its_minute(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("core_identity.budgets.time.monotonic", lambda: now[0])
    with at(0):
        assert spend_leased("k", 5_000) == 0
        now[0] += 39.9
        assert (spend_leased("k", 5_000), spent("k")) == (0, 5)
    with at(40):
        now[0] += 0.1
        assert (spend_leased("k", 5_000), spent("k")) == (0, 5)


@pytest.mark.django_db(transaction=True)
def test_threads_of_a_process_share_a_part_and_serve_no_more_than_the_limit() -> None:
    limit, answers = 2_000, list[int]()

    def work() -> None:
        try:
            with database_at(BEGUN.timestamp(), tick=False):
                answers.extend(spend_leased("shared", limit) for _ in range(600))
        finally:
            database.close()

    with database_at(BEGUN.timestamp(), tick=False):
        take("shared", 800)
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (answers.count(0), answers.count(40)) == (1200, 600)


# Failed attempts


def ask(secrets: Secrets, address: str = "192.0.2.1", **headers: str) -> Any:
    http = Client(headers={"host": HOST, "Authorization": secrets.basic, **headers}, REMOTE_ADDR=address)
    return http.post("/oauth/token/", "grant_type=client_credentials", content_type=FORM)


def test_failed_attempts_of_an_address_are_slowed_down_and_the_right_secret_is_let_in(
    connection: Connection, settings: LazySettings
) -> None:
    settings.FAILURES_PER_MINUTE = 2
    right = secrets_of(connection)
    wrong = Secrets(right.client_id, "wrong")
    with at(0):
        assert [ask(wrong).status_code for _ in range(3)] == [401, 401, 429]
        refused = ask(wrong)
        assert (refused["Retry-After"], refused["Cache-Control"]) == ("40", "no-store")
        assert refused.json()["error"] == "temporarily_unavailable"
        assert ask(right).status_code == 200, "customers of Okta share addresses: a neighbour locks nobody out"
        assert ask(wrong, "192.0.2.2").status_code == 401
    with at(60):
        assert ask(wrong).status_code == 401


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "made up, 198.51.100.1", "192.0.2.1"),
        (1, "made up, 198.51.100.1", "198.51.100.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "", "192.0.2.1"),
        (2, "made up, 198.51.100.1, 203.0.113.7", "198.51.100.1"),
        (2, "198.51.100.1,203.0.113.7", "198.51.100.1"),
        (2, "made up", "192.0.2.1"),
        (3, "made up, 203.0.113.7", "192.0.2.1"),
        (1, "made up, 198.51.100.1:50311", "198.51.100.1"),
        (1, "[2001:db8:1:2::1]:50311", "2001:db8:1:2::9"),
        (1, "::ffff:198.51.100.1", "198.51.100.1"),
        (1, "made up, ", "192.0.2.1"),
    ],
)
def test_behind_our_proxies_the_address_is_that_of_the_outermost(
    proxies: int, forwarded: str, address: str, settings: LazySettings
) -> None:
    """A stranger writes the first words of X-Forwarded-For, and each proxy of ours appends one."""
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    plain = RequestFactory().get("/", REMOTE_ADDR=address)
    found = hash_of_address(request)
    settings.TRUSTED_PROXIES = 0
    assert found == hash_of_address(plain)


@pytest.mark.parametrize(
    ("environment", "proxies"),
    [
        ({}, 0),
        ({"TRUST_PROXY": "on"}, 1),
        ({"TRUSTED_PROXIES": "2"}, 2),
        ({"TRUST_PROXY": "on", "TRUSTED_PROXIES": "2"}, 2),
        ({"TRUSTED_PROXIES": "-1"}, None),
        ({"TRUST_PROXY": "on", "TRUSTED_PROXIES": "0"}, None),
    ],
)
def test_the_number_of_our_proxies_comes_from_the_environment(
    environment: dict[str, str], proxies: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if proxies is None:
        with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES"):
            trusted_proxies()
    else:
        assert trusted_proxies() == proxies


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("198.51.100.1", "198.51.100.2", False),
        ("::ffff:198.51.100.1", "::ffff:198.51.100.2", False),
        ("fe80::1%eth0", "fe80::1%eth0", True),
        ("no address", "none either", False),
    ],
)
def test_all_addresses_of_one_network_of_IPv6_are_one_sender(first: str, second: str, same: bool) -> None:
    hashes = [hash_of_address(RequestFactory().get("/", REMOTE_ADDR=address)) for address in (first, second)]
    assert (hashes[0] == hashes[1]) is same


def test_a_stranger_cannot_fill_the_provisioning_log_R35(okta: Scim, settings: LazySettings) -> None:
    settings.FAILURES_PER_MINUTE = 3
    with at(0):
        for _ in range(5):
            error(okta.send("GET", "/Users", Authorization="Bearer wrong"), 401)
    assert ProvisioningRecord.objects.count() == 3
    assert okta.get("/Users").status_code == 200
    assert ProvisioningRecord.objects.count() == 4
