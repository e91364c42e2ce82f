"""Each attribute of a user is one line of `core_identity.attributes`. All other code derives from it."""

import ast
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from django.db.models import Model

from core_identity.attributes import FOLLOWED, NAMES, SOURCES, UserAttribute
from core_identity.models import Connection, Identity, User
from core_identity.selectors.drift import FIELDS, drift_of, drifting
from core_identity.selectors.resources import scim_identity
from core_identity.services.drift import accept_drift
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.services.split import split_off
from core_identity.services.users import change_user
from core_identity.values import Person
from scim.resources import Address, user_document
from scim.wire.user import UserWire
from sso.models import SamlSettings
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, make_connection

ROOT = Path(__file__).resolve().parent.parent.parent
DECLARED_IN = {
    "core_identity/attributes.py",
    "core_identity/values.py",
    "core_identity/models/identity.py",
    "core_identity/models/user.py",
    "sso/models.py",
}
OTHERS = [attribute for attribute in FOLLOWED if not attribute.is_name]


def names_in(tree: ast.Module) -> Iterator[str]:
    """Yield each name of a field, a variable or an argument, and each word of a text that is not a docstring. *IT department* is not an attribute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (
                node.value.replace("IT department", "").replace("_", " ").replace(".", " ").replace(":", " ").split()
            )


def test_the_last_attribute_is_named_only_where_it_is_declared() -> None:
    files = [path for app in ("core_identity", "scim", "sso") for path in (ROOT / app).rglob("*.py")]
    last = FOLLOWED[-1]
    names = {last.source, last.field, last.scim.rpartition(":")[2]}
    naming = {
        str(path.relative_to(ROOT))
        for path in files
        if "migrations" not in path.parts and names & set(names_in(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert naming <= DECLARED_IN


def test_each_attribute_has_its_fields() -> None:
    def columns(model: type[Model]) -> set[str]:
        return {field.name for field in model._meta.concrete_fields}

    for attribute in FOLLOWED:
        assert attribute.source in {field.name for field in fields(Person)}
        assert attribute.source in columns(Identity)
        assert attribute.field in columns(User)
        assert f"{attribute.field}_attribute" in columns(SamlSettings)


def value(attribute: UserAttribute, version: str) -> str:
    return f"{attribute.label} {version}"


def person(version: str) -> Person:
    return replace(JANE, **{attribute.source: value(attribute, version) for attribute in FOLLOWED})  # type: ignore[arg-type]


def follows(user: User, version: str) -> bool:
    """Whether the user has the values of that version. Names follow the UID only (R4)."""
    user.refresh_from_db()
    return all(getattr(user, attribute.field) == value(attribute, version) for attribute in OTHERS)


def put(identity: Identity, sent: Person) -> None:
    change_person(
        actor=OKTA,
        connection=identity.connection,
        scim_id=identity.scim_id,
        read=lambda _: sent,
        deactivates=sent.active is False,
    )


@pytest.fixture
def jane(db: None) -> Identity:
    return create_person(actor=OKTA, connection=make_connection(), person=person("1")).identity


def shown_in_scim(connection: Connection, identity: Identity) -> Person:
    """Return what a SCIM client reads, as a message with the same content."""
    shown = scim_identity(connection, identity.scim_id)
    document = user_document(shown, uid_attribute=connection.uid_attribute, address=Address("https://core.test"))
    return UserWire(connection.uid_attribute).read_new(document)


def test_each_attribute_is_pushed_shown_followed_and_cleared_R17_R19(jane: Identity) -> None:
    assert follows(jane.user, "1")
    put(jane, person("2"))
    assert follows(jane.user, "2")
    read = shown_in_scim(jane.connection, jane)
    assert {source: getattr(read, source) for source in SOURCES} == {
        attribute.source: value(attribute, "2") for attribute in FOLLOWED
    }
    put(jane, replace(JANE, **dict.fromkeys(SOURCES, "")))  # type: ignore[arg-type]
    jane.user.refresh_from_db()
    assert {getattr(jane.user, attribute.field) for attribute in OTHERS} == {""}
    assert [getattr(jane.user, name.field) for name in NAMES] == [value(name, "1") for name in NAMES]


def test_each_attribute_can_drift_and_be_accepted_R18(jane: Identity) -> None:
    changed = {attribute.field: value(attribute, "by hand") for attribute in FOLLOWED}
    change_user(actor=ADMIN, user_id=jane.user_id, **changed)
    jane.user.refresh_from_db()
    assert {one.field for one in drift_of(jane.user)} == set(changed)
    # If this fails, a migration must create the triggers of drift again (`core_identity/migrations/_drift.py`).
    assert {field for field in FIELDS if drifting(field).filter(pk=jane.pk).exists()} == set(changed)
    accept_drift(actor=ADMIN, user_id=jane.user_id, identity_id=jane.pk, fields=set(changed), reason="as sent")
    assert follows(jane.user, "1")
    assert drift_of(User.objects.get(pk=jane.user_id)) == []
    assert not drifting().exists()


def test_each_attribute_goes_with_a_split_and_is_erased_R24_R34(jane: Identity) -> None:
    expire(actor=COMMAND, user_id=jane.user_id, reason="left")
    newcomer = split_off(actor=COMMAND, identity_id=jane.pk, reason="another Jane")
    assert follows(newcomer, "1")
    expire(actor=COMMAND, user_id=newcomer.pk, reason="left")
    erase(actor=COMMAND, user_id=newcomer.pk, reason="asked for it")
    newcomer.refresh_from_db()
    identity = Identity.objects.get(pk=jane.pk)
    assert {getattr(newcomer, attribute.field) for attribute in FOLLOWED} == {""}
    assert {getattr(identity, source) for source in SOURCES} == {""}
