"""A form of another site reaches no address, except those that need no cookie, or that a signed message protects."""

import re
from typing import Final

import pytest
from django.test import Client

from core_identity.services.users import create_user
from tests.architecture.test_urls import ALL, declared
from tests.support.cast import COMMAND, make_connection

SIGNED: Final = {"sso/<slug:slug>/acs", "sso/<slug:slug>/logout"}
"""The IdP's page posts here. The signature of the message protects both."""
UUID: Final = "00000000-0000-4000-8000-000000000001"


def test_only_programs_and_signed_messages_need_no_token_of_a_form() -> None:
    exempt = {path for path, entry in ALL if getattr(entry.callback, "csrf_exempt", False)}
    programs = {path for path, entry in ALL if declared(path, entry) in {"bearer", "client"}}
    assert exempt - programs == SIGNED


@pytest.mark.django_db
def test_a_forged_form_with_the_cookie_of_a_superuser_is_refused_everywhere() -> None:
    make_connection()
    browser = Client(enforce_csrf_checks=True, headers={"host": "localhost", "origin": "https://evil.test"})
    browser.force_login(create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True))
    accepted = {}
    for path, entry in ALL:
        if declared(path, entry) in {"bearer", "client"} or path in SIGNED or "(?P" in path:
            continue
        at = re.sub(r"<(?!uuid)[^>]+>", "1", re.sub(r"<uuid:[^>]+>", UUID, path))
        answer = browser.post(f"/{at}", {"reason": "because"})
        if answer.status_code not in {403, 405}:
            accepted[path] = answer.status_code
    assert accepted == {}
