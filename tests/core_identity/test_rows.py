"""Our own SQL finds and shows the same as the models, for people of every kind."""

from collections.abc import Iterator
from datetime import UTC
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from core_identity.attributes import SOURCES
from core_identity.keys import key
from core_identity.models import Connection, Identity, IdentityUid, PushGroup, PushGroupMember, User
from core_identity.selectors import resources, rows
from core_identity.selectors.rows import Key, ResourceRow
from scim.search.lookups import look_up
from scim.search.query import user_condition
from scim.wire.filter import parse_filter
from tests.support.cast import make_connection

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
EMAILS: list[list[dict[str, Any]]] = [
    [],
    [{"value": "A@x.test", "type": "Work", "primary": True}],
    [{"value": "a@x.test", "type": "home"}, {"value": "b@X.test", "type": "work"}],
    [{"value": "gone@x.test", "type": "home"}, {"value": "c@x.test", "type": "work"}],
    [{"value": "a@x.test"}],
]
"""Emails as sent, of people with the email a@x.test or none. The fourth person has changed it since."""


def people(connection: Connection) -> Iterator[Identity]:
    """Make a person of each kind: pushed, offered, deleted, or neither; active or not; with and without the optional values."""
    now = timezone.now()
    groups = [
        PushGroup.objects.create(connection=connection, display_name=name, name_key=key(name)) for name in ("Z", "Éa")
    ]
    standing: tuple[dict[str, Any], ...] = (
        {"pushed_at": now},
        {"offered_at": now},
        {},
        {"pushed_at": now, "deleted_at": now},
    )
    for number, (of, emails) in enumerate(product(standing, EMAILS)):
        name, full = f"P{number}@{connection.slug}.test", number % 2 == 0
        user = User.objects.create(
            username=f"{name}x",
            username_key=key(f"{name}x"),
            email=name if full else "",
            email_key=key(name) if full else "",
            email_shared=True,
            expired_at=now if number % 3 == 0 else None,
        )
        email = emails[0]["value"].replace("gone", "a") if emails else ""
        identity = Identity.objects.create(
            connection=connection,
            user=user,
            user_name=name,
            user_name_key=key(name),
            external_id=f"E{number}" if full else None,
            active=number % 4 != 0,
            given_name="Zoë \\ \"'" if full else "",
            title="Chief" if full else "",
            department="Press" if full else "",
            email=email,
            email_key=key(email),
            attributes={"displayName": name, "emails": emails, f"{ENTERPRISE}:costCenter": "7"} if emails else {},
            version=number,
            **of,
        )
        for group in groups[: number % 3]:
            PushGroupMember.objects.create(group=group, identity=identity)
        uid = {"connection": connection, "identity": identity}
        if number % 5 != 1:
            IdentityUid.objects.create(uid=f"U{number}", uid_key=f"u{number}", derived=number % 5 == 2, **uid)
        IdentityUid.objects.create(uid=f"F{number}", uid_key=f"f{number}", current=False, **uid)
        yield identity


def by_models(identity: Identity) -> ResourceRow:
    """Return the shown values of an identity, by the models alone."""
    uid = identity.uids.filter(current=True, derived=False).first()
    groups = PushGroupMember.objects.filter(identity=identity).select_related("group").order_by("pk")
    own = ["external_id", "user_name", "email", "active", "version", "attributes"]
    return ResourceRow(
        **{name: getattr(identity, name) for name in own},
        pk=str(identity.pk),
        scim_id=str(identity.scim_id),
        created=identity.created_at.astimezone(UTC).isoformat(timespec="microseconds")[:26],
        changed=identity.changed_at.astimezone(UTC).isoformat(timespec="microseconds")[:26],
        username=identity.user.username,
        core_email=identity.user.email,
        expired=identity.user.expired_at is not None,
        uid=uid.uid if uid else None,
        texts={source: getattr(identity, source) for source in SOURCES},
        groups=tuple((str(one.group.scim_id), one.group.display_name) for one in groups),
    )


@pytest.fixture
def acme(db: None) -> Connection:
    connection = make_connection()
    list(people(make_connection("globex", customer="Globex")))
    list(people(connection))
    return connection


def test_a_row_has_the_same_values_as_the_models(acme: Connection) -> None:
    identities = list(Identity.objects.select_related("user"))
    assert rows.with_pks([one.pk for one in identities]) == [by_models(one) for one in identities]
    assert identities[3].created_at == by_models(identities[3]).created_at
    assert rows.with_pks([uuid4()]) == []


def test_a_key_finds_a_resource_of_its_connection_and_nobody_else(acme: Connection) -> None:
    for one in Identity.objects.select_related("user"):
        is_found = one.is_resource and one.connection == acme
        uid = one.uids.filter(current=True, derived=False).first()
        for name, value, known in (
            (Key.SCIM_ID, one.scim_id, True),
            (Key.USER_NAME, one.user_name_key, True),
            (Key.EXTERNAL_ID, one.external_id, one.external_id is not None),
            (Key.UID, one.uids.order_by("-current")[0].uid_key, uid is not None),
        ):
            if value is not None:
                found = rows.with_key(acme, name, value)
                of_acme = found is not None and found.pk == str(one.pk)
                assert of_acme == (is_found and known), (name, value)


FILTERS = [
    *(
        f'{name} eq "{value}"'
        for name, value in product(("userName", "externalId"), ("p0@ACME.test", "E0", "e0", "E10", ""))
    ),
    *(f'{ENTERPRISE}:UID eq "{value}"' for value in ("u0", "U1", "U2", "f0", "U15", "")),
    *(
        f'{name} eq "{value}"'
        for name in ("emails", "emails.value")
        for value in (" A@X.test", "b@x.test", "c@x.test", "gone@x.test")
    ),
    *(
        f'emails[type eq "{type_}"].value eq "{value}"'
        for type_, value in product(("WORK", "home", "", "fax"), ("a@x.test", "B@x.test", "c@x.test"))
    ),
    'emails[value eq "b@x.test" and type eq "work"]',
    'emails[value eq "a@x.test"]',
    'id eq "nonsense"',
]


def test_a_look_up_finds_the_same_people_as_the_filter(acme: Connection) -> None:
    ids = [f'id eq "{one.scim_id}"' for one in Identity.objects.all()]
    found = {}
    for text in [*FILTERS, *ids]:
        expected = resources.scim_identities(acme).filter(user_condition(text, acme))
        looked_up = look_up(parse_filter(text), acme)
        assert looked_up is not None, text
        assert list(looked_up) == [by_models(one) for one in expected], text
        found[text] = len(looked_up)
    assert sum(found.values()) > 40


@pytest.mark.parametrize(
    "text",
    [
        'userName sw "p"',
        "userName eq null",
        'not (userName eq "p0@acme.test")',
        'userName eq "p0@acme.test" or externalId eq "E1"',
        'emails eq ""',
        'emails[primary eq true].value eq "a@x.test"',
        'emails[value eq "a@x.test" and value eq "b@x.test"]',
        'emails[type eq "work"]',
        'emails[value co "a"]',
        'displayName eq "x"',
        'nonsense eq "x"',
    ],
)
def test_any_other_filter_is_not_a_look_up(acme: Connection, text: str) -> None:
    assert look_up(parse_filter(text), acme) is None
