"""The one reader of connection files: every fault of a section at once, each with its path."""

import pytest

from core_identity.connection_file import Section
from core_identity.errors import SettingsError, SettingsErrors


def faults_of(section: Section) -> list[tuple[str, str, str]]:
    with pytest.raises(SettingsErrors) as refused:
        section.check()
    return [(fault.path, fault.code, fault.message) for fault in refused.value.faults]


def test_every_fault_of_a_section_and_of_its_parts_is_named_at_once() -> None:
    section = Section.of_service(
        {"flag": "yes", "number": 7, "word": "third", "texts": [1], "part": {"text": " ", "x": 1}, "colour": 1},
        path="saml",
    )
    assert section.flag("flag", default=True) is True
    assert section.number("number", default=3, most=5, of="seconds") == 3
    assert section.choice("word", ["first", "second"], default="first") == "first"
    assert section.texts("texts") == []
    assert section.section("part").text("text") == ""
    assert section.text("name", missing="This is required here.") == ""
    assert faults_of(section) == [
        ("saml.flag", "wrong_type", "This must be true or false."),
        ("saml.number", "wrong_type", "This must be a number of seconds, 0 to 5."),
        ("saml.word", "not_a_choice", "This must be first or second."),
        ("saml.texts", "wrong_type", "This must be a list of texts."),
        ("saml.part.text", "wrong_type", "This must be a text that is not empty."),
        ("saml.name", "required", "This is required here."),
        (
            "saml.colour",
            "unknown_key",
            "There is no such key here. The known keys are: flag, number, word, texts, part, name.",
        ),
        ("saml.part.x", "unknown_key", "There is no such key here. The known keys are: text."),
    ]


def test_null_means_the_same_as_a_key_that_is_left_out() -> None:
    content = {"flag": None, "number": None, "word": None, "texts": None, "part": None, "text": None}
    for one in (content, {}):
        section = Section(one, path="")
        assert section.flag("flag", default=True) is True
        assert section.number("number", default=3, most=5) == 3
        assert section.choice("word", ["first"], default="first") == "first"
        assert section.texts("texts") is None
        assert section.text("text", default="x") == "x"
        assert section.section("part").content == {}
        assert not section.has("text")
        section.check()


def test_an_older_spelling_is_known_and_named_to_nobody() -> None:
    section = Section({"old": 1, "new": 2, "wrong": 3}, path="saml")
    assert (section.raw("old", older=True), section.raw("new")) == (1, 2)
    assert [(path, message) for path, _, message in faults_of(section)] == [
        ("saml.wrong", "There is no such key here. The known keys are: new.")
    ]


@pytest.mark.parametrize("content", [None, [], "text", 5])
def test_a_section_that_is_not_a_mapping_is_refused_before_anything_is_read(content: object) -> None:
    with pytest.raises(SettingsErrors) as refused:
        Section.of_service(content, path="scim")
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("scim", "wrong_type")]


def test_the_faults_of_several_sections_are_collected_in_one_list() -> None:
    faults: list[SettingsError] = []
    for index in range(2):
        Section({}, path=f"connections[{index}]", faults=faults).text("slug")
    assert [fault.path for fault in faults] == ["connections[0].slug", "connections[1].slug"]
