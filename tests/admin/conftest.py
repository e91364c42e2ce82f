"""Fixtures of the administration: administrators with more and with fewer rights, and their browsers."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.forms import BaseForm
from django.test import Client

from core_identity.admin_kit import bulk
from core_identity.admin_kit.forms import ConfirmsPreview
from core_identity.models import Connection, Identity, User
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.services.roles import create_role, grant_role
from core_identity.services.users import create_user
from core_identity.values import Person
from tests.support.cast import COMMAND, JANE, OKTA, make_connection

WRITE = re.compile(r"\b(INSERT INTO|DELETE FROM|UPDATE (ONLY )?\"|TRUNCATE)", re.IGNORECASE)


class WrittenByValidation(Exception):
    """Validating a form, or previewing what it would do, wrote to the database. Only `submit` may."""


def refuse_writes(execute: Callable[..., Any], sql: Any, *rest: Any) -> Any:
    """Run a statement that only reads; for `connection.execute_wrapper`."""
    if WRITE.search(str(sql)):
        raise WrittenByValidation(str(sql))
    return execute(sql, *rest)


@pytest.fixture(autouse=True)
def validation_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watch each form that a test of the administration sends, while it validates and while it previews."""
    full_clean, is_previewed = BaseForm.full_clean, ConfirmsPreview.is_previewed

    def watched_validation(form: BaseForm) -> None:
        with connection.execute_wrapper(refuse_writes):
            full_clean(form)

    def watched_preview(form: ConfirmsPreview) -> bool:
        with connection.execute_wrapper(refuse_writes):
            return is_previewed(form)

    monkeypatch.setattr(BaseForm, "full_clean", watched_validation)
    monkeypatch.setattr(ConfirmsPreview, "is_previewed", watched_preview)


@pytest.fixture(autouse=True)
def a_slow_machine_ends_no_portion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "SECONDS", 600.0)
    monkeypatch.setattr(bulk, "FIRST_PORTION", bulk.PORTION)


def browser_of(user: User) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client


def staff(username: str, *permissions: str) -> User:
    """Return an administrator who may do this much, by a role that holds the permissions."""
    user = create_user(actor=COMMAND, username=username, is_staff=True)
    granted_permissions = Permission.objects.filter(
        codename__in=permissions, content_type__app_label__in=["core_identity", "scim"]
    )
    assert len(granted_permissions) == len(permissions)
    role = create_role(
        actor=COMMAND, name=f"Role of {username}", permissions=list(granted_permissions), grantable_by=[]
    )
    grant_role(actor=COMMAND, user_id=user.pk, role_id=role.pk, reason="covers for Sam")
    return user


def put(identity: Identity, person: Person) -> None:
    """Push what SCIM says now of somebody known."""
    change_person(
        actor=OKTA,
        connection=identity.connection,
        scim_id=identity.scim_id,
        read=lambda _: person,
        deactivates=person.active is False,
    )


def confirmed(page: Any) -> str:
    """Return the value of the box that confirms the effects on a page, or an empty text if it shows none."""
    found = re.search(r'name="confirm_ended" value="(\w+)"', page.content.decode())
    return found[1] if found else ""


@pytest.fixture
def root(db: None) -> User:
    """May do everything."""
    return create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def desk(db: None) -> User:
    """The service desk: people and roles, but no superuser."""
    return staff("desk", "view_user", "change_user", "view_role", "add_role", "change_role", "delete_role")


@pytest.fixture
def as_root(root: User) -> Client:
    return browser_of(root)


@pytest.fixture
def as_desk(desk: User) -> Client:
    return browser_of(desk)


@pytest.fixture
def acme(db: None) -> Connection:
    return make_connection()


@pytest.fixture
def jane(acme: Connection) -> Identity:
    return create_person(actor=OKTA, connection=acme, person=JANE).identity
