"""The probable cause if one person has two users (R5, R7). No database."""

import pytest

from core_identity.policy.mismatch import SPELLINGS, ChannelValues, kind, probable_cause

CAUSES = [
    ("zoë.müller", "zoe.muller", "in accents only"),
    ("zoë.müller", "zoe.mueller", "in accents only"),
    ("søren.æbler", "soren.aebler", "in accents only"),
    ("jane. doe", "jane.doe", "in spaces only"),
    ("jane.doe@acme.test", "jane.doe@acme-corp.test", "the same name at different domains"),
    ("jane.doe@acme.test", "jane.doe", "before the @"),
    ("ACME\\jdoe", "jdoe", "Windows domain"),
    ("0042", "42", "leading zeros"),
    ("jane.doe", "jane.doe2", "number at the end"),
    ("jane_doe", "jane.doe", "signs between their parts"),
    ("janedoe", "Jane-Doe", "signs between their parts"),
    ("doe.jane", "jane.doe", "swapped"),
    ("müller.zoë", "zoe.muller", "swapped"),
    ("jane.marie.doe", "jane.doe", "an extra part"),
    ("jane.doe", "jane.doe-smith", "an extra part"),
    ("j.doe", "jane.doe", "the initial instead"),
    ("jane.doe", "jdoe", "the initial instead"),
    ("bob.smith", "robert.smith", "first names differ"),
    ("jane.doe", "jane.roe", "last names differ"),
    ("jane.doe", "00u1abcdefghijklmnop", "SCIM sends a name such as firstName.lastName, SSO sends an id of Okta's"),
    ("4711", "jane.doe@acme.test", "SCIM sends a number, SSO sends an email address"),
    ("9b2fd4e0-2f1a-4c3b-8f60-0d5a3c1e7b11", "jane.doe", "SCIM sends a GUID, SSO sends a name"),
    ("ACME\\jdoe", "4711", "SCIM sends a Windows account with its domain, SSO sends a number"),
    ("4711", "4712", "Both channels send a number, but with different values"),
    ("00u1abcdefghijklmno1", "00u1abcdefghijklmno2", "Both channels send an id of Okta's"),
    ("12-34", "34-12", "Both channels send a single word"),
    ("--", "jane", "Both channels send a single word"),
    ("editor", "jane.doe", "SCIM sends a single word, SSO sends a name"),
]


@pytest.mark.parametrize(("scim", "sso", "words"), CAUSES, ids=[f"{one[0]} / {one[1]}" for one in CAUSES])
def test_the_cause_of_two_uids_is_shown_in_words_R5(scim: str, sso: str, words: str) -> None:
    assert words in probable_cause(ChannelValues(scim), ChannelValues(sso))


@pytest.mark.parametrize(("scim", "sso", "words"), CAUSES[:19], ids=[f"{one[0]} / {one[1]}" for one in CAUSES[:19]])
def test_a_difference_in_spelling_has_no_direction(scim: str, sso: str, words: str) -> None:
    assert words in probable_cause(ChannelValues(sso), ChannelValues(scim))


def test_every_spelling_has_a_case() -> None:
    causes = [probable_cause(ChannelValues(scim), ChannelValues(sso)) for scim, sso, _ in CAUSES]
    assert {words for _, words in SPELLINGS} <= set(causes)


def test_a_uid_that_was_never_sent_comes_before_all_guesses_R6() -> None:
    cause = probable_cause(ChannelValues("jane.doe@acme.test", derived=True), ChannelValues("jane.doe"))
    assert cause.startswith("SCIM sends no UID")


def test_the_attribute_is_named_where_the_other_channel_sends_the_same_value() -> None:
    scim = ChannelValues("4711", others={"externalId": "00u1jane", "userName": "jane@acme.test"})
    assert probable_cause(scim, ChannelValues("00u1JANE")).startswith("SSO sends as UID what SCIM sends as externalId.")
    assert probable_cause(scim, ChannelValues("Jane@acme.test")).startswith(
        "SSO sends as UID what SCIM sends as userName."
    )
    sso = ChannelValues("jane.doe", others={"NameID": "4711", "email": ""})
    assert probable_cause(ChannelValues("4711"), sso).startswith("SCIM sends as UID what SSO sends as NameID.")


@pytest.mark.parametrize("uid", ["", " ", "@", ".", "\\", "a\\", "@acme.test", "1", "ΐ", "ﬁ.x", "𝟘𝟘", "²", "a" * 255])
def test_no_uid_however_odd_is_without_a_sentence(uid: str) -> None:
    for other in ("jane.doe", "", "42", "jane@acme.test"):
        assert probable_cause(ChannelValues(uid), ChannelValues(other)).endswith(".")
        assert probable_cause(ChannelValues(other), ChannelValues(uid)).endswith(".")
    assert kind(uid)
