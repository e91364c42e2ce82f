"""Only services write. The guard sees each way of writing, also those that no reader of the source can see."""

import logging
from typing import Any

import pytest
from django.db import transaction

from core_identity import models, write_guard
from core_identity.models import Identity, User
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role, grant_role
from core_identity.services.users import create_user, set_password
from core_identity.write_guard import GuardedModel
from tests.support.cast import COMMAND, JANE, OKTA, make_connection
from tests.support.write_guard import WrittenOutsideOfAService

pytestmark = pytest.mark.django_db

VIOLATIONS = {
    "save of a row": "user.save()",
    "a queryset in a variable": "people = User.objects.filter(pk=user.pk)\npeople.update(title='x')",
    "a related manager": "user.grants.all().delete()",
    "a manager of the other side": "user.grants.update(label='x')",
    "setattr": "setattr(user, 'tit' + 'le', 'x')\nuser.save(update_fields=['title'])",
    "the constructor": "User(username='x', username_key='x').save()",
    "create by a related manager": "identity.uids.create(connection=identity.connection, uid='x', uid_key='x')",
    "bulk_create": "User.objects.bulk_create([User(username='x', username_key='x')])",
    "bulk_update": "user.title = 'x'\nUser.objects.bulk_update([user], ['title'])",
    "get_or_create": "User.objects.get_or_create(username='x', username_key='x')",
    "delete of a row": "user.grants.get().delete()",
    "the base manager": "User._base_manager.get(pk=user.pk).save()",
}


def test_each_way_to_write_outside_of_a_service_raises_in_tests() -> None:
    identity = create_person(actor=OKTA, connection=make_connection(), person=JANE).identity
    role = create_role(actor=COMMAND, name="Editors")
    grant_role(actor=COMMAND, user_id=identity.user_id, role_id=role.pk, reason="covers for Sam")
    for way, source in VIOLATIONS.items():
        planted: dict[str, Any] = {"User": User, "identity": identity, "user": User.objects.get(pk=identity.user_id)}
        assert "by core_identity/planted.py" in violation_by(source, planted), f"The guard does not see {way}."


def violation_by(source: str, names: dict[str, Any]) -> str:
    """Run ``source`` as if it were a module of the product. Return the violation, or an empty text."""
    try:
        with transaction.atomic():
            exec(compile(source, "core_identity/planted.py", "exec"), names)  # noqa: S102 - planted on purpose
    except WrittenOutsideOfAService as violation:
        return str(violation)
    return ""


def test_production_logs_an_error_counts_it_and_continues(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(write_guard, "report", write_guard._log)
    monkeypatch.setattr(write_guard, "writes_by_model", type(write_guard.writes_by_model)())
    user = create_user(actor=COMMAND, username="jane")
    with caplog.at_level(logging.ERROR, logger="core_identity.write_guard"):
        user.save()
        user.save()
    assert [(one.levelname, one.write, one.count) for one in caplog.records] == [  # type: ignore[attr-defined]
        ("ERROR", "User.save", 1),
        ("ERROR", "User.save", 2),
    ]
    assert write_guard.writes_by_model == {"User.save": 2}


def test_the_guard_costs_no_statement(django_assert_num_queries: Any) -> None:
    user = create_user(actor=COMMAND, username="jane")
    with django_assert_num_queries(1):
        user.save(update_fields=["title"])


def test_every_model_of_people_and_roles_is_guarded() -> None:
    others = {"Budget", "ErasedNames", "LoggedHour", "ResourceBlock", "ResourceChange", "Session"}
    for name in set(models.__all__) - others:
        assert issubclass(getattr(models, name), GuardedModel), name
        assert isinstance(getattr(models, name).objects.all(), write_guard.GuardedQuerySet), name
    assert isinstance(Identity(connection=None).uids.all(), write_guard.GuardedQuerySet)


def test_a_stronger_hash_of_the_same_password_is_stored_without_a_service(settings: Any) -> None:
    user = create_user(actor=COMMAND, username="boss")
    set_password(actor=COMMAND, user_id=user.pk, password="a long password of mine")
    weak = User.objects.get(pk=user.pk).password
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher", *settings.PASSWORD_HASHERS]
    planted = {"user": User.objects.get(pk=user.pk), "password": "a long password of mine"}
    assert violation_by("assert user.check_password(password)", planted) == ""
    assert User.objects.get(pk=user.pk).password != weak
