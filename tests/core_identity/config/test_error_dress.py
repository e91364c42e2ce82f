"""Refusals and failures look like the rest of the service, and need nothing that may have failed."""

from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

REFUSALS = ("400", "403", "403_csrf", "404", "405", "413", "sso/no_connection")
FAILURES = ("500", "503")


@pytest.mark.parametrize("page", [*REFUSALS, *FAILURES])
def test_each_page_is_in_the_one_design_with_its_reference(page: str, settings: Any) -> None:
    text = render_to_string(f"{page}.html", {"reference": "8K7YSYUKPD"})
    assert text.count("<h1>") == 1
    assert "<h2>What to do</h2>" in text
    assert "8K7YSYUKPD" in text
    assert "core.css" in text
    assert "pages.css" in text
    assert "style=" not in text
    assert "<script" not in text


@pytest.mark.parametrize("page", FAILURES)
def test_a_failure_is_shown_without_the_manifest_of_static_files(page: str, settings: Any) -> None:
    backend = {
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
        "OPTIONS": {"location": "/nowhere"},
    }
    settings.STORAGES = settings.STORAGES | {"staticfiles": backend}
    text = render_to_string(f"{page}.html", {"reference": "X"})
    assert 'href="/static/core.css"' in text


def test_a_page_that_is_not_there_needs_no_session(db: None) -> None:
    answer = Client(headers={"host": "localhost"}).get("/nowhere")
    text = answer.content.decode()
    assert answer.status_code == 404
    assert answer["X-Request-Id"] in text
    assert "style-src 'self'" in answer["Content-Security-Policy"]
    assert "Sign out" not in text
