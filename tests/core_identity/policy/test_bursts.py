"""R22a: from how many deactivations on an administrator should look."""

import pytest

from core_identity.policy.bursts import BurstLimits


@pytest.mark.parametrize(
    ("people", "threshold"),
    [(1, 5), (3, 5), (25, 5), (26, 6), (100, 20), (249, 50), (250, 50), (100_000, 50)],
)
def test_a_burst_is_a_fifth_or_fifty_whichever_is_fewer_but_never_a_handful_R22a(people: int, threshold: int) -> None:
    assert BurstLimits().threshold(people) == threshold


@pytest.mark.parametrize(
    "limits", [BurstLimits(), BurstLimits(percent=7, people=13, least=2), BurstLimits(percent=100)]
)
def test_the_burst_threshold_stays_fixed_for_large_connections_R22a(limits: BurstLimits) -> None:
    assert limits.threshold(limits.enough) == limits.threshold(limits.enough + 10_000) == limits.people


@pytest.mark.parametrize(
    "wrong",
    [{"percent": 0}, {"percent": 101}, {"least": 0}, {"people": 4}],
    ids=["no percent", "over 100 percent", "nobody", "fewer than the least"],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="burst"):
        BurstLimits(**wrong)
