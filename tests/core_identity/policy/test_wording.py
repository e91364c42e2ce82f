from core_identity.policy.matching import Decision
from core_identity.policy.wording import ActiveMeans, in_words


def test_a_changed_name_is_told_with_what_stays_and_what_follows_R8_R16_R17() -> None:
    words = in_words(Decision.APPLY, noted={"user_name", "email", "title"}, followed={"title"}, active=None)
    assert words == (
        "userName noted, the username stays (R8)",
        "email noted, the user's stays (R16)",
        "the user follows: title (R17)",
    )


def test_a_name_that_is_the_uid_is_told_to_stay_R4() -> None:
    assert in_words(Decision.APPLY, noted={"given_name"}, followed=(), active=None) == (
        "name noted, the user's stays (R4)",
    )


def test_a_wish_to_reactivate_is_told_as_one_R22() -> None:
    words = in_words(Decision.APPLY, noted=(), followed=(), active=ActiveMeans.WISH)
    assert words == ("reactivation noted: the user stays expired until an administrator unexpires them (R22)",)


def test_an_echo_is_told_as_one() -> None:
    assert in_words(Decision.APPLY, noted=(), followed=(), active=None) == ("nothing was new",)


def test_each_decision_that_changes_something_has_its_words() -> None:
    quiet = {Decision.APPLY, Decision.DUPLICATE, Decision.CONFLICT}
    for decision in set(Decision) - quiet:
        assert in_words(decision, noted=(), followed=(), active=None)


def test_an_adoption_does_not_claim_a_sign_in_where_an_administrator_tied_two_connections_R9() -> None:
    (word,) = in_words(Decision.ADOPT, noted=(), followed=(), active=None)
    assert "not by a push" in word
    assert "sign-in" not in word
