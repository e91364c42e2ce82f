"""Every attribute that can be filtered, on three people; and that nothing else is answered with a guess."""

from typing import Any

import pytest

from core_identity.models import Identity
from core_identity.services.expiry import expire
from tests.scim.conftest import ENTERPRISE, Scim, error, person
from tests.support.cast import ADMIN

CORE_USER = "urn:core-identity:params:scim:schemas:extension:1.0:User"
JANE, KIM, ZOE = "jane.doe@acme.test", "kim_lee@acme.test", "zoë.müller@acme.test"
PEOPLE: list[dict[str, Any]] = [
    {
        **person(JANE),
        "externalId": "00u1",
        "title": "Editor",
        "displayName": "Jane Doe",
        "phoneNumbers": [{"value": "1", "type": "work"}, {"value": "2", "type": "mobile", "primary": True}],
        ENTERPRISE: {"UID": "Jane.Doe", "department": "Press", "employeeNumber": "007", "manager": {"value": "m1"}},
    },
    {
        **person(KIM),
        "externalId": "00U1",
        "active": False,
        "name": {"givenName": "Kim", "familyName": 'O\'Malley "the" 100%'},
        "emails": [{"value": "kim@home.test", "type": "home"}, {"value": "Kim@Club.test", "type": "other"}],
    },
    {**person(ZOE), "nickName": "Zo%àé", "title": "editor in chief"},
]


@pytest.fixture
def staffed(okta: Scim) -> Scim:
    for body in PEOPLE:
        assert okta.post("/Users", body).status_code == 201
    return okta


FOUND: list[tuple[str, set[str]]] = [
    # userName: as a key, so without letter case and Unicode forms
    ('userName eq "JANE.DOE@ACME.TEST"', {JANE}),
    ('userName eq "  jane.doe@acme.test "', {JANE}),
    ('userName eq "ZOE\u0308.MU\u0308LLER@ACME.TEST"', {ZOE}),
    ('USERNAME Eq "jane.doe@acme.test"', {JANE}),
    ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "jane.doe@acme.test"', {JANE}),
    ('userName ne "jane.doe@acme.test"', {KIM, ZOE}),
    ('userName sw "kim_"', {KIM}),
    ('userName co "_"', {KIM}),  # no wildcard of LIKE
    ('userName co "%"', set()),
    ('userName ew "@ACME.test"', {JANE, KIM, ZOE}),
    ('userName eq "nobody@acme.test"', set()),
    ("userName pr", {JANE, KIM, ZOE}),
    ("userName eq null", set()),
    # exact ones
    ('externalId eq "00u1"', {JANE}),
    ('externalId eq "00U1"', {KIM}),
    ('externalId ne "00u1"', {KIM, ZOE}),
    ("externalId pr", {JANE, KIM}),
    ("not (externalId pr)", {ZOE}),
    ("externalId eq null", {ZOE}),
    ('id eq "7f4b2b5e-7c58-4b4e-a5c1-0d9fbb7f6d01"', set()),
    ('id eq "nonsense"', set()),
    ('id ne "nonsense"', {JANE, KIM, ZOE}),
    # names, title, in any letter case
    ('name.givenName eq "JANE"', {JANE}),
    ('name.familyName eq "O\'Malley \\"the\\" 100%"', {KIM}),
    ('name.familyName co "100%"', {KIM}),
    ('name.familyName ew "the\\" 100_"', set()),
    ('title sw "EDIT"', {JANE, ZOE}),
    ('title eq "editor"', {JANE}),
    ("title pr", {JANE, ZOE}),
    ('not (title co "editor")', {KIM}),
    # active, also as Entra writes it
    ("active eq true", {JANE, ZOE}),
    ("active eq false", {KIM}),
    ('active eq "False"', {KIM}),
    ("active ne true", {KIM}),
    # emails: the main one, by its key, and all others
    ('emails eq "kim@club.test"', {KIM}),
    ('emails[type eq "other"].value eq "kim@club.TEST"', {KIM}),
    ('emails[type eq "home" and value eq "kim@club.test"]', set()),
    ('emails[type eq "other" and value eq "kim@home.test"]', set()),
    ('emails.type eq "other" and emails.type eq "home"', {KIM}),
    ('not (emails co "club")', {JANE, ZOE}),
    ("emails.primary eq false", {KIM}),
    ('emails eq "JANE.doe@acme.test"', {JANE}),
    ('emails.value co "home"', {KIM}),
    ('emails[type eq "work" and value eq "jane.doe@acme.test"]', {JANE}),
    ('emails[type eq "work" and value eq "kim@home.test"]', set()),
    ('emails[type eq "work"].value eq "JANE.doe@acme.test"', {JANE}),  # Entra
    ('emails[type eq "HOME"]', {KIM}),
    ('emails[not (type eq "home")]', {JANE, KIM, ZOE}),
    ("emails.primary eq true", {JANE, ZOE}),
    ("emails pr", {JANE, KIM, ZOE}),
    # in any letter case, of any letter
    ('name.givenName eq "ZOË"', {ZOE}),
    ('nickName co "ÀÉ"', {ZOE}),
    ('phoneNumbers.display eq "ÜBER"', set()),
    # complex ones have a value where a part has one
    ("name pr", {JANE, KIM, ZOE}),
    ("addresses pr", set()),
    (f"{ENTERPRISE}:manager pr", {JANE}),
    # the type and the schemas of the resource itself
    ('meta.resourceType eq "user"', {JANE, KIM, ZOE}),
    ('meta.resourceType eq "Group"', set()),
    ('schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"', {JANE, KIM, ZOE}),
    (f'schemas eq "{ENTERPRISE}"', {JANE}),
    (f'schemas ne "{ENTERPRISE}"', {KIM, ZOE}),
    ('schemas eq "urn:nope"', set()),
    # kept as sent
    ('displayName eq "jane doe"', {JANE}),
    ('nickName eq "zo%àé"', {ZOE}),
    ('nickName eq "zoo"', set()),
    ('nickName ne "zo%àé"', {JANE, KIM}),
    ('not (nickName eq "zo%àé")', {JANE, KIM}),
    ("nickName pr", {ZOE}),
    ('phoneNumbers eq "1"', {JANE}),
    ('phoneNumbers.type eq "mobile"', {JANE}),
    ('phoneNumbers[type eq "work" and value eq "1"]', {JANE}),
    ('phoneNumbers[type eq "work" and value eq "2"]', set()),
    ('phoneNumbers[primary eq "True" and value eq "2"]', {JANE}),
    ("phoneNumbers pr", {JANE}),
    # the whole grammar over one and the same value
    ('phoneNumbers.value co "1"', {JANE}),
    ('phoneNumbers[value co "1" and type sw "wo"]', {JANE}),
    ('phoneNumbers[value co "1" and type ew "ile"]', set()),
    ('phoneNumbers[type eq "fax" or value eq "2"]', {JANE}),
    ('phoneNumbers[not (type eq "work")]', {JANE}),
    ('phoneNumbers[type ne "work" and type ne "mobile"]', set()),
    ('phoneNumbers[value gt "1" and value le "2"]', {JANE}),
    ("phoneNumbers[primary pr and not (display pr)]", {JANE}),
    ("phoneNumbers[type eq null]", set()),
    ("phoneNumbers[primary ne true]", {JANE}),
    ('not (phoneNumbers.type eq "fax")', {JANE, KIM, ZOE}),
    # a value is a value: neither a pattern nor a path
    ('phoneNumbers[type eq "w.rk"]', set()),
    ('phoneNumbers[type co "*"]', set()),
    ('phoneNumbers[type eq "x\\" || true || \\"" or value eq "\\\\"]', set()),
    # the enterprise extension and the UID
    (f'{ENTERPRISE}:UID eq "JANE.DOE"', {JANE}),
    (f'{ENTERPRISE}:uid sw "jane"', {JANE}),
    (f"{ENTERPRISE}:UID pr", {JANE}),
    (f'{ENTERPRISE}:UID eq "{ZOE}"', set()),  # derived: never said
    (f'{ENTERPRISE}:department eq "press"', {JANE}),
    (f'{ENTERPRISE}:employeeNumber eq "007"', {JANE}),
    (f'{ENTERPRISE}:manager.value eq "m1"', {JANE}),
    (f'{ENTERPRISE}:manager.value eq "M1"', set()),
    # what CORE holds
    (f'{CORE_USER}:username eq "{JANE.upper()}"', {JANE}),
    (f"{CORE_USER}:expired eq true", {ZOE}),
    (f"{CORE_USER}:expired eq false", {JANE, KIM}),
    # the order of a dictionary, without letter case if the attribute ignores it
    (f'userName ge "{JANE.upper()}" and userName le "{JANE}"', {JANE}),
    (f'userName gt "{JANE}"', {KIM, ZOE}),
    ('userName lt "k"', {JANE}),
    ('externalId gt "0"', {JANE, KIM}),
    ('title lt "ZZZ"', {JANE, ZOE}),
    ('not (title lt "zzz")', {KIM}),
    # times
    ('meta.created gt "2020-01-01T00:00:00Z"', {JANE, KIM, ZOE}),
    ('meta.lastModified lt "2020-01-01T00:00:00+01:00"', set()),
    ('meta.lastModified ge "2020-01-01" and not (meta.lastModified le "2020-01-01")', {JANE, KIM, ZOE}),
    # groups
    ("groups pr", set()),
    ('groups eq "7f4b2b5e-7c58-4b4e-a5c1-0d9fbb7f6d01"', set()),
    # together
    (f'userName eq "{JANE}" or userName eq "{KIM}" and active eq true', {JANE}),
    (f'(userName eq "{JANE}" or userName eq "{KIM}") and active eq false', {KIM}),
    ("not (title pr or externalId pr) or nickName pr", {ZOE}),
]


def test_every_filter_finds_the_right_people_and_nobody_else(staffed: Scim) -> None:
    from core_identity.models import User

    expire(actor=ADMIN, user_id=User.objects.get(username=ZOE).pk, reason="for the test")
    wrong = []
    for text, expected in FOUND:
        response = staffed.get("/Users", filter=text)
        found = {one["userName"] for one in response.json().get("Resources", [])} if response.status_code == 200 else {}
        if response.status_code != 200 or found != expected or response.json()["totalResults"] != len(expected):
            wrong.append((text, response.content[:200]))
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "userName",
        'shoeSize eq "44"',
        f'userName eq "{JANE}" or shoeSize pr',
        'name eq "Jane"',
        'name.nope eq "x"',
        'urn:nope:User:userName eq "x"',
        f'{ENTERPRISE}:nope eq "x"',
        "userName eq 5",
        "userName eq true",
        'active eq "perhaps"',
        "active eq 1",
        'active co "t"',
        'id co "7f4b"',
        'meta.created eq "yesterday"',
        'meta.created gt "9999-99-99T00:00:00Z"',
        'meta.created gt "0001-01-01T00:00:00+23:59"',
        "meta.created gt 5",
        'meta.location eq "x"',
        'schemas co "x"',
        "meta.resourceType gt 5",
        'password eq "x"',
        'emails[shoe eq "x"]',
        "emails[value[x pr]]",
        'userName[value eq "x"]',
        "phoneNumbers.primary eq 5",
        "phoneNumbers[type eq 5]",
        'phoneNumbers[primary eq "perhaps"]',
        'phoneNumbers[type eq "\\ud800"]',
        'groups.$ref eq "x"',
        "groups.display eq 5",
        'userName eq "\\u0000"',
        " or ".join(['userName eq "x"'] * 101),
    ],
)
def test_a_filter_that_cannot_be_answered_is_refused_and_never_an_empty_list(okta: Scim, text: str) -> None:
    error(okta.get("/Users", filter=text), 400, "invalidFilter")


def test_a_shown_time_finds_its_row_by_filter(okta: Scim) -> None:
    """Shown are milliseconds: who asks for what changed since then is not sent the same person again."""
    meta = okta.make()["meta"]
    for name in ("created", "lastModified"):
        shown = meta[name]
        found = {}
        for operator in ("eq", "ge", "le", "gt", "lt", "ne"):
            found[operator] = okta.get("/Users", filter=f'meta.{name} {operator} "{shown}"').json()["totalResults"]
        assert found == {"eq": 1, "ge": 1, "le": 1, "gt": 0, "lt": 0, "ne": 0}
        between = shown.replace("Z", "5Z")
        found = {}
        for operator in ("eq", "ge", "le", "gt", "lt"):
            found[operator] = okta.get("/Users", filter=f'meta.{name} {operator} "{between}"').json()["totalResults"]
        assert found == {"eq": 0, "ge": 0, "le": 1, "gt": 0, "lt": 1}


def test_two_conditions_must_hold_for_the_same_group_or_member(okta: Scim) -> None:
    jane, kim = okta.make()["id"], okta.make("kim.lee@acme.test")["id"]
    group_ids = [
        okta.post("/Groups", {"displayName": name, "members": [{"value": one} for one in members]}).json()["id"]
        for name, members in (("Éditeurs", [jane]), ("Viewers", [jane, kim]))
    ]
    for text, expected in (
        ('groups.display eq "éditeurs"', {jane}),
        ('groups[display sw "view"]', {jane, kim}),
        (f'groups[display eq "viewers" and value eq "{group_ids[0]}"]', set()),
        (f'groups[value eq "{group_ids[1]}" and type eq "direct"]', {jane, kim}),
        (f'groups[not (value eq "{group_ids[1]}")]', {jane}),
        (f'not (groups eq "{group_ids[0]}")', {kim}),
        ("groups pr", {jane, kim}),
    ):
        assert {one["id"] for one in okta.get("/Users", filter=text).json()["Resources"]} == expected, text
    for text, expected in (
        (f'members[value eq "{kim}" and type eq "user"]', {group_ids[1]}),
        (f'members[value ne "{jane}"]', {group_ids[1]}),
        (f'not (members eq "{kim}")', {group_ids[0]}),
        ('members.type eq "Group"', set()),
        ('meta.resourceType eq "Group" and schemas eq "urn:ietf:params:scim:schemas:core:2.0:Group"', set(group_ids)),
    ):
        assert {one["id"] for one in okta.get("/Groups", filter=text).json()["Resources"]} == expected, text


def test_an_email_that_a_sign_in_brought_is_found_as_it_is_shown(okta: Scim) -> None:
    resource = okta.make(
        emails=[{"value": "old@acme.test", "type": "home"}, {"value": "more@acme.test", "type": "other"}]
    )
    Identity.objects.update(email="new@acme.test", email_key="new@acme.test")
    assert okta.get(f"/Users/{resource['id']}").json()["emails"] == [
        {"value": "new@acme.test", "type": "work", "primary": True}
    ]
    for text, found in (
        ('emails[type eq "work" and value eq "new@acme.test" and primary eq true]', 1),
        ('emails eq "more@acme.test"', 0),
        ('emails.type eq "home"', 0),
    ):
        assert okta.get("/Users", filter=text).json()["totalResults"] == found, text


def test_a_hundred_terms_are_answered(staffed: Scim) -> None:
    text = " or ".join([f'userName eq "{number}"' for number in range(99)] + [f'emails eq "{JANE}"'])
    assert staffed.get("/Users", filter=text).json()["totalResults"] == 1


def test_a_former_user_name_does_not_find_the_person(okta: Scim) -> None:
    resource = okta.make()
    okta.put(f"/Users/{resource['id']}", {**resource, "userName": "jane.roe@acme.test"})
    assert okta.get("/Users", filter='userName eq "jane.doe@acme.test"').json()["totalResults"] == 0
    assert okta.get("/Users", filter='userName eq "jane.roe@acme.test"').json()["totalResults"] == 1
