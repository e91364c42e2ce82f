"""The IdP's values that reach the user (R4, R16, R17), and drift (R18). No database."""

import pytest

from core_identity.policy.projection import FOLLOWS, differences, permitted_changes, texts_that_follow
from core_identity.values import Person

JANE = {"first_name": "Jane", "last_name": "Doe", "title": "Editor", "company": "Acme", "department": "Press"}
SAYS_ALL = Person(
    user_name="jane.roe@acme.test",
    email="jane.roe@acme.test",
    given_name="Janet",
    family_name="Roe",
    title="Chief",
    organization="Acme Studios",
    department="News",
)


def test_user_name_and_email_never_reach_the_user_R8_R16() -> None:
    changes = permitted_changes(SAYS_ALL, JANE, names_are_the_uid=False, uid_moves=True)
    assert changes == {
        "first_name": "Janet",
        "last_name": "Roe",
        "title": "Chief",
        "company": "Acme Studios",
        "department": "News",
    }


@pytest.mark.parametrize(
    ("names_are_the_uid", "uid_moves", "names_reach"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_names_are_frozen_where_the_uid_is_made_of_them_R4(
    names_are_the_uid: bool, uid_moves: bool, names_reach: bool
) -> None:
    changes = permitted_changes(SAYS_ALL, JANE, names_are_the_uid=names_are_the_uid, uid_moves=uid_moves)
    assert ("first_name" in changes, "last_name" in changes) == (names_reach, names_reach)
    assert changes["title"] == "Chief"


def test_absent_means_unchanged_R17() -> None:
    assert permitted_changes(Person(), JANE, names_are_the_uid=False, uid_moves=False) == {}


def test_empty_clears_title_company_and_department_but_never_a_name_R17() -> None:
    empty = Person(given_name="", family_name="", title="", organization="", department="")
    changes = permitted_changes(empty, JANE, names_are_the_uid=False, uid_moves=False)
    assert changes == {"title": "", "company": "", "department": ""}


def test_drift_is_where_identity_and_user_differ_R18() -> None:
    identity = {
        "user_name": "jane.roe@acme.test",
        "email": "",
        "given_name": "",
        "family_name": "Roe",
        "title": "Editor",
        "organization": "",
        "department": "Press",
    }
    user = {**JANE, "username": "jane@acme.test", "email": "jane@acme.test"}
    found = {one.field: (one.idp_value, one.core_value) for one in differences(identity, user)}
    assert found == {
        "username": ("jane.roe@acme.test", "jane@acme.test"),
        "first_name": ("", "Jane"),
        "last_name": ("Roe", "Doe"),
    }


def test_blanks_around_a_value_stay_with_the_identity_R19() -> None:
    person = Person(given_name=" Jane\u00a0", family_name="\tDoe", title="  ", organization="Acme ", department=" News")
    changes = permitted_changes(person, JANE, names_are_the_uid=False, uid_moves=False)
    assert changes == {"title": "", "department": "News"}
    blank = Person(given_name=" ", family_name="\u3000")
    assert permitted_changes(blank, JANE, names_are_the_uid=False, uid_moves=False) == {}
    identity = {"user_name": "j", "email": "", **{source: getattr(person, source) for source in FOLLOWS}}
    found = {
        one.field: (one.idp_value, one.core_value)
        for one in differences(identity, {**JANE, "username": "j", "email": "e"})
    }
    assert found == {"department": ("News", "Press")}


def test_a_sign_in_does_not_change_a_value_that_differs_only_in_blanks() -> None:
    identity = {
        "given_name": " Jane ",
        "family_name": "Doe",
        "title": "Chief ",
        "organization": " ",
        "department": "\n",
    }
    person = Person(given_name="Jane", family_name="Roe", title="Editor", organization="", department=None)
    assert texts_that_follow(person, identity) == {
        "given_name": " Jane ",
        "family_name": "Roe",
        "title": "Editor",
        "organization": " ",
        "department": None,
    }
