"""R5: one pure function makes the keys that are compared, and refuses impossible ones with the name of the field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_identity.errors import InvalidValue
from core_identity.keys import MAX_NAME, clean_name, clean_text, key

SAME = [
    ("Jane.Doe", "jane.doe"),
    ("  jane.doe\t", "jane.doe"),
    ("STRASSE", "straße"),
    ("ＪＡＮＥ", "jane"),
    ("Å", "å"),
    ("ÄÖÜ", "äöü"),
    ("ﬁona", "fiona"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_names_that_a_person_would_call_the_same_compare_equal_R5(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("jane", "jаne"), ("i", "ı"), ("jane.doe", "jane doe"), ("", "x")],
    ids=["Cyrillic а", "dotless i", "space", "empty"],
)
def test_names_that_only_look_alike_stay_different_R5(one: str, other: str) -> None:
    assert key(one) != key(other)


@pytest.mark.parametrize(
    "bad",
    [
        "a\x00b",
        "jane\u200bdoe",
        "\u202ejane",
        "a\nb",
        "\ud800",
        "a\u2028b",
        "\ufeffjane\u2060",
        "jane\u3164",
        "jane\ufe0f",
    ],
)
def test_an_invisible_character_in_a_key_is_refused_by_name_R5(bad: str) -> None:
    with pytest.raises(InvalidValue, match=r"UID contains the invisible character U\+") as refusal:
        clean_name(bad, field="UID")
    assert refusal.value.field == "UID"


def test_the_name_of_a_group_may_contain_an_emoji_R5() -> None:
    assert clean_name("☎\ufe0f Support", field="displayName") == "☎\ufe0f Support"


def test_a_key_has_at_most_255_characters_also_once_compared_R5() -> None:
    assert clean_name("x" * MAX_NAME, field="UID") == "x" * MAX_NAME
    for long in ("x" * (MAX_NAME + 1), "ﷺ" * 20):
        with pytest.raises(InvalidValue, match="longer than 255"):
            clean_name(long, field="UID")


@given(st.text())
def test_accepted_values_fit_the_column_and_the_database(text: str) -> None:
    try:
        name = clean_name(text, field="UID")
    except InvalidValue:
        return
    assert "\x00" not in name
    assert len(name) <= MAX_NAME
    assert len(key(name)) <= MAX_NAME
    name.encode()


@given(st.text())
def test_other_text_may_be_anything_that_a_page_can_show(text: str) -> None:
    try:
        clean_text(text, field="title").encode()
    except InvalidValue as refusal:
        assert refusal.field == "title"  # noqa: PT017 - most texts raise nothing
