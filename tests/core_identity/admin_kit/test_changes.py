"""Changes of events are read by people: no field, choice or code of the database is shown as it is stored."""

import pytest

from core_identity.admin_kit.changes import field_words, reason_of, shown_changes
from core_identity.models import Event


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ({"cause": [None, "no_mark"]}, ("cause", "–", "known UID, other name and email")),
        ({"state": ["open", "different_people"]}, ("state", "open", "different people")),
        ({"roles_from": ["push_groups", "both"]}, ("roles from", "push groups (SCIM)", "both")),
        ({"external_id": ["00u1", "00u2"]}, ("externalId", "00u1", "00u2")),
        ({"active": [True, False]}, ("active", "yes", "no")),
        ({"aliases": [["a"], ["a", "b"]]}, ("aliases", "a", "a, b")),
        ({"user_name": ["no_mark", "both"]}, ("userName", "no_mark", "both")),  # values of people stay as they are
        (
            {"attributes": [{"locale": "de", "emails": [1]}, {"locale": "en", "emails": [1], "x": 2}]},
            ("attributes", "locale", "locale, x"),
        ),
    ],
)
def test_a_change_is_shown_in_words(stored: dict[str, list[object]], shown: tuple[str, str, str]) -> None:
    assert shown_changes(stored) == [shown]


def test_the_reason_of_a_refusal_has_no_code_and_others_stay_as_they_are() -> None:
    assert reason_of(Event(kind="sso.refused", reason="no_mark: The UID is known.")) == "The UID is known."
    assert reason_of(Event(kind="user.expired", reason="left: moved away")) == "left: moved away"


def test_an_unknown_field_loses_its_underscores() -> None:
    assert field_words("of_no_model") == "of no model"
