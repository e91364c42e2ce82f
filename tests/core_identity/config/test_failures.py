"""Every 500 shows its reference, in the form of its channel, and that reference is in the log."""

import logging
from typing import Any, Final

import pytest
from django.test import Client

from core_identity.config.logs import LineFormatter

FAULT: Final = "a fault{}"
"""Put together at run time, so that no line of source in a traceback contains the message."""

ADDRESSES: Final = {
    "a page": ("/sign-in", {}),
    "a page of the administration": ("/admin/login/", {}),
    "JSON": ("/me", {"accept": "application/json"}),
    "SCIM": ("/scim/v2/Users", {"authorization": "Bearer x"}),
    "OAuth": ("/oauth/token/", {}),
}


def test_every_500_shows_a_reference_that_is_in_the_log(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError(FAULT.format(" of ours"))

    monkeypatch.setattr("django.middleware.csrf.CsrfViewMiddleware.process_view", fail)
    http = Client(headers={"host": "localhost:8000"}, raise_request_exception=False)
    for name, (address, headers) in ADDRESSES.items():
        caplog.clear()
        answer = http.get(address, headers=headers)
        assert answer.status_code == 500, name
        reference = answer["X-Request-Id"]
        assert reference in answer.content.decode(), name
        expected = "text/html" if "page" in name else "json"
        assert expected in answer["Content-Type"], name
        error = next(one for one in caplog.records if one.levelno == logging.ERROR)
        line = LineFormatter().format(error)
        assert f'"reference": "{reference}"' in line, name
        assert "RuntimeError" in line, name
        assert "a fault of ours" not in line, f"{name}: a message may contain what a stranger sent"


def test_a_failure_before_the_request_has_a_reference_gets_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError(FAULT.format(" of ours"))

    monkeypatch.setattr("core_identity.middleware.RequestIdMiddleware.__call__", fail)
    answer = Client(raise_request_exception=False).get("/sign-in")
    assert answer["X-Request-Id"] in answer.content.decode()
    (error,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert answer["X-Request-Id"] in LineFormatter().format(error)
