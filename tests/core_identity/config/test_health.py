"""The probes: any Host may ask, strangers get no details, and each fault of this process makes it not ready."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

import sso.saml.self_test
from core_identity.config import draining, health, readiness
from sso.saml.refusals import Code, SamlRefusal
from sso.saml.verifier import verify


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No result is kept from another test."""
    monkeypatch.setattr(health, "_readiness", readiness.Readiness())
    monkeypatch.setattr(readiness, "_outcome", [])
    yield
    monkeypatch.undo()


def answer(path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    response = Client(headers={"host": "10.0.3.7:8000", **headers}).generic(method, path)
    return response.status_code, response.content


def test_liveness_asks_no_database_and_answers_to_any_host() -> None:
    # A test without a database: a query would fail it. A session's cookie must not cause one either.
    assert answer("/healthz") == (200, b'{"status": "ok"}')
    assert answer("/healthz", cookie="session=abc; __Host-session=abc") == (200, b'{"status": "ok"}')
    assert answer("/healthz", "HEAD") == (200, b"")
    refused = Client().post("/healthz")
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")
    assert Client().get("/healthz")["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
def test_readiness_names_its_faults_in_the_log_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(expected: list[str]) -> None:
        caplog.clear()
        monkeypatch.setattr(health, "_readiness", readiness.Readiness())
        assert answer("/readyz") == ((503, b'{"status": "unavailable"}') if expected else (200, b'{"status": "ok"}'))
        assert answer("/readyz", "HEAD")[0] == (503 if expected else 200)
        [line] = [record for record in caplog.records if record.name == "core_identity.readiness"]
        assert vars(line)["faults"] == expected

    with caplog.at_level(logging.INFO, logger="core_identity.readiness"):
        fault([])
        for offset in (600, -600):
            with monkeypatch.context() as patch:
                wrong = SimpleNamespace(time=lambda at=offset: timezone.now().timestamp() + at, monotonic=lambda: 1.0)
                patch.setattr(readiness, "time", wrong)
                assert readiness.database_faults() == ["clock"]
        row = MigrationRecorder(connection).migration_qs.filter(app="scim").latest("id")
        row.delete()
        fault(["migrations"])
        older = MigrationRecorder(connection).migration_qs.create(app="core_identity", name="0001_initial")
        fault(["database from before release 0.1"])
        older.delete()
        row.save(force_insert=True)
        MigrationRecorder(connection).migration_qs.create(app="scim", name="9999_of_a_newer_release")
        fault([])

        def cut_off(*_: object) -> None:
            raise OperationalError("the connection is closed")

        with connection.execute_wrapper(cut_off):
            fault(["database"])
        monkeypatch.setattr(readiness, "_outcome", [False])
        fault(["SAML verifier"])
        monkeypatch.setattr(readiness, "_outcome", [True])
        monkeypatch.setattr(draining, "_draining", True)
        assert answer("/readyz") == (503, b'{"status": "unavailable"}')
        assert answer("/healthz") == (200, b'{"status": "ok"}')


@pytest.mark.django_db
def test_a_result_is_kept_two_seconds_and_an_old_one_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(readiness, "_outcome", [True])
    now = [100.0]
    clock = SimpleNamespace(time=lambda: timezone.now().timestamp(), monotonic=lambda: now[0])
    monkeypatch.setattr(readiness, "time", clock)
    ready = readiness.Readiness()
    assert ready.is_ready()
    now[0] = 101.9
    with django_assert_num_queries(0):
        assert ready.is_ready()
    now[0] = 102.0
    with connection.execute_wrapper(lambda *_: (_ for _ in ()).throw(OperationalError)):
        assert not ready.is_ready()
    now[0] = 104.0
    assert ready.is_ready()
    with ready._asking:  # another request asks, and gets no answer
        now[0] = 113.9
        assert ready.is_ready()
        now[0] = 114.0
        assert not ready.is_ready()


def test_the_self_test_believes_a_good_message_and_refuses_a_changed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sso.saml.key_pair.KEY_BITS", 2048)
    assert sso.saml.self_test.verifier_works(timezone.now())
    real = verify
    believed = []

    def credulous(message: str, expected: object) -> object:
        believed.append(message)
        return real(believed[0], expected)  # type: ignore[arg-type]

    def broken(*_: object) -> object:
        raise SamlRefusal(Code.INVALID)

    monkeypatch.setattr(sso.saml.self_test, "verify", credulous)
    assert not sso.saml.self_test.verifier_works(timezone.now())
    runs: list[object] = []

    def counted(now: object) -> object:
        runs.append(now)
        return broken()

    monkeypatch.setattr(readiness, "verifier_works", counted)
    with ThreadPoolExecutor(4) as pool:
        assert not any(pool.map(lambda _: readiness.can_judge_saml(), range(8)))
    assert len(runs) == 1, "once in the life of a process"
