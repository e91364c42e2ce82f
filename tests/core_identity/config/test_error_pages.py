"""Each page of a refusal or failure has the reference that finds its line in the log (R34)."""

import logging

import pytest
from django.conf import LazySettings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test import Client

from core_identity import outages
from core_identity.models import Customer
from tests.admin.conftest import staff


@pytest.mark.django_db
def test_every_error_page_has_its_reference(settings: LazySettings, caplog: pytest.LogCaptureFixture) -> None:
    settings.SIGN_IN_LOOKUPS_PER_MINUTE = 1
    http = Client(headers={"host": "localhost"}, raise_request_exception=False)
    strict = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
    admin = Client(headers={"host": "localhost"})
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    admin.force_login(staff("weak"))
    foreign = Client(headers={"host": "evil.test"})
    http.post("/sign-in", {"connection": "acme"})
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sso_signinstate RENAME TO gone")
    answers = [
        (404, http.get("/nothing")),
        (404, http.get("/sso/nobody/login")),
        (404, admin.get("/admin/nothing/")),
        (403, admin.get("/admin/core_identity/role/add/")),
        (400, foreign.get("/sign-in")),
        (403, strict.post("/sign-in", {"connection": "acme"})),
        (401, http.get("/me")),
        (405, http.get("/sso/acme/acs")),
        (405, http.put("/sign-in")),
        (413, http.post("/sign-in", {"connection": "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)})),
        (429, http.post("/sign-in", {"connection": "acme"})),
        (500, http.post("/sso/acme/acs", headers={"cookie": "__Host-sign-in=x"})),
    ]
    for status, answer in answers:
        path = answer.request["PATH_INFO"]
        assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8"), path
        assert f'<strong class="reference">{answer["X-Request-Id"]}</strong>' in answer.content.decode(), path
    assert answers[7][1]["Allow"] == "POST"
    failed = answers[-1][1]
    [line] = [one for one in caplog.records if getattr(one, "reference", "") == failed["X-Request-Id"]]
    assert (line.levelno, line.exc_info is not None) == (logging.ERROR, True)


@pytest.mark.django_db(transaction=True)
def test_an_outage_during_commit_is_distinguished_from_an_earlier_one() -> None:
    """A transaction that PostgreSQL itself refused was rolled back, whatever it was doing."""

    def failure(at: str) -> Exception:
        try:
            with transaction.atomic():
                Customer.objects.create(name="Acme")
                backend = connection.cursor().execute("SELECT pg_backend_pid()").fetchone()[0]
                other = connection.copy()
                with other.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
                other.close()
                if at == "statement":
                    Customer.objects.count()
        except (OperationalError, InterfaceError) as error:
            return error
        finally:
            connection.close()
        raise AssertionError("nothing failed")

    for at, unknown in (("statement", False), ("COMMIT", True)):
        error = failure(at)
        assert (outages.is_outage(error), outages.may_be_saved(error)) == (True, unknown), at
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 1")
        with pytest.raises(OperationalError) as busy:
            cursor.execute("SELECT pg_sleep(1)")
    connection.close()
    assert (outages.is_outage(busy.value), outages.may_be_saved(busy.value)) == (True, False)
    assert not outages.is_outage(ValueError())
