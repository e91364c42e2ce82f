"""The modules that a process loads at its start: our commands show no page, so they load none."""

import sys
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from django.core.management import get_commands
from django.urls import reverse

from core_identity.config.apply import ADMIN_PAGE
from core_identity.config.environment import has_pages

OURS: Final = {"core_identity", "core_identity.config", "scim", "sso"}


@pytest.mark.parametrize(
    ("words", "pages"),
    [
        (["/srv/manage.py", "connection", "apply", "-"], False),
        (["manage.py", "user", "show", "jane"], False),
        (["manage.py", "check", "--deploy"], True),
        (["manage.py", "migrate"], True),
        (["manage.py"], True),
        (["/srv/bin/gunicorn", "connection"], True),
        ([], True),
    ],
)
def test_only_commands_of_ours_go_without_pages(monkeypatch: pytest.MonkeyPatch, words: list[str], pages: bool) -> None:
    monkeypatch.setattr(sys, "argv", words)
    assert has_pages() is pages


def test_each_command_of_ours_but_two_goes_without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """``changepassword`` is Django's, and ``seed_demo`` runs once."""
    ours = {name for name, app in get_commands().items() if app in OURS}
    with_pages = set()
    for name in ours:
        monkeypatch.setattr(sys, "argv", [str(Path("manage.py")), name])
        with_pages |= {name} if has_pages() else set()
    assert with_pages == {"changepassword", "seed_demo"}


def test_the_address_that_apply_prints_is_that_of_the_page() -> None:
    one = uuid4()
    assert ADMIN_PAGE.format(one) == reverse("admin:core_identity_connection_change", args=[one])
