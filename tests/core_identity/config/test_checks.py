"""R26: a break-glass administrator exists, or an administrator is warned."""

import io
from collections.abc import Callable

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from core_identity.models import Identity, User
from core_identity.services.expiry import expire
from core_identity.services.users import create_user
from tests.support.cast import COMMAND, make_connection

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def messages(**options: object) -> list[str]:
    """Return the ids of our own messages."""
    found = run_checks(**options)  # type: ignore[arg-type]
    return [str(one.id) for one in found if str(one.id).startswith("core_identity.")]


def warned() -> bool:
    with_database = messages(databases=["default"]) == ["core_identity.W001"]
    assert (messages(include_deployment_checks=True) == ["core_identity.W001"]) == with_database
    return with_database


def somebody(*, is_staff: bool = True, is_superuser: bool = True, password: str | None = PASSWORD) -> User:
    return create_user(actor=COMMAND, username="glass", is_staff=is_staff, is_superuser=is_superuser, password=password)


def known_to_an_idp() -> None:
    Identity.objects.create(connection=make_connection(), user=somebody(), pushed_at=timezone.now())


def expired() -> None:
    expire(actor=COMMAND, user_id=somebody().pk, reason="left")


NOT_ENOUGH: dict[str, Callable[[], object]] = {
    "nobody": lambda: None,
    "staff": lambda: somebody(is_superuser=False),
    "a superuser who is no staff": lambda: somebody(is_staff=False),
    "a superuser without a password": lambda: somebody(password=None),
    "a superuser with an identity": known_to_an_idp,
    "an expired superuser": expired,
}


@pytest.mark.parametrize("make", NOT_ENOUGH.values(), ids=NOT_ENOUGH)
def test_without_a_superuser_of_its_own_the_check_warns_R26(make: Callable[[], object]) -> None:
    make()
    assert warned()


def test_one_superuser_with_a_password_and_no_identity_is_enough_R26() -> None:
    somebody()
    known = create_user(actor=COMMAND, username="known", is_staff=True, is_superuser=True, password=PASSWORD)
    Identity.objects.create(connection=make_connection(), user=known, pushed_at=timezone.now())
    assert not warned()


def test_an_ordinary_check_does_not_ask_the_database_R26() -> None:
    assert messages() == []


def test_break_glass_is_warned_about_once_however_it_is_checked_R26() -> None:
    assert messages(databases=["default"], include_deployment_checks=True) == ["core_identity.W001"]


def test_a_database_without_tables_or_without_an_answer_stops_nothing_R26(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.introspection, "table_names", list)
    assert messages(databases=["default"]) == []
    assert messages(include_deployment_checks=True) == ["core_identity.I001"]

    def away(_cursor: object = None) -> list[str]:
        raise OperationalError

    monkeypatch.setattr(connection.introspection, "table_names", away)
    assert messages(databases=["default"]) == []
    assert messages(include_deployment_checks=True) == ["core_identity.I001"]


def test_check_with_fail_level_warning_fails_and_shows_the_remedy_R26() -> None:
    options = {"databases": ["default"], "stdout": io.StringIO(), "stderr": io.StringIO()}
    call_command("check", **options)
    with pytest.raises(SystemCheckError, match="createsuperuser"):
        call_command("check", fail_level="WARNING", **options)


def test_home_warns_superusers_R26() -> None:
    root = create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True)
    desk = create_user(actor=COMMAND, username="desk", is_staff=True)

    def tells(user: User) -> bool:
        browser = Client(headers={"host": "localhost"})
        browser.force_login(user)
        return "no break-glass administrator" in browser.get("/admin/").content.decode()

    assert (tells(root), tells(desk)) == (True, False)
    somebody()
    assert not tells(root)
