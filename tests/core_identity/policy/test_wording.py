from core_identity.policy.matching import Decision
from core_identity.policy.wording import ActiveMeans, in_words


def test_a_changed_name_event_lists_what_stays_and_what_follows_R8_R16_R17() -> None:
    words = in_words(Decision.APPLY, noted={"user_name", "email", "title"}, followed={"title"}, active=None)
    assert words == (
        "userName stored, the username in CORE stays",
        "email stored, the email in CORE stays",
        "copied to the user: title",
    )


def test_the_outcome_notes_that_a_name_used_as_uid_stays_R4() -> None:
    assert in_words(Decision.APPLY, noted={"given_name"}, followed=(), active=None) == (
        "name stored, the name in CORE stays",
    )


def test_a_request_to_reactivate_is_an_event_of_its_own_R22() -> None:
    words = in_words(Decision.APPLY, noted=(), followed=(), active=ActiveMeans.REACTIVATION_REQUESTED)
    assert words == ("reactivation requested: the user stays expired until an administrator unexpires them",)


def test_an_echo_is_recorded_as_an_echo() -> None:
    assert in_words(Decision.APPLY, noted=(), followed=(), active=None) == ("nothing changed",)


def test_each_decision_that_changes_something_has_its_words() -> None:
    quiet = {Decision.APPLY, Decision.DUPLICATE, Decision.CONFLICT}
    for decision in set(Decision) - quiet:
        assert in_words(decision, noted=(), followed=(), active=None)


def test_an_adoption_does_not_claim_a_sign_in_if_an_administrator_linked_two_connections_R9() -> None:
    (word,) = in_words(Decision.ADOPT, noted=(), followed=(), active=None)
    assert "had not been pushed" in word
    assert "sign-in" not in word
