"""Texts at which a pattern may try each character as a beginning, and read to the end each time: the square of their length.

Python holds its lock during each try, so one such request would stop all requests of a worker.
"""

from typing import Any

import pytest

from scim.wire.urns import BULK_REQUEST
from tests.scim.conftest import Scim
from tests.support.cpu import seconds_of

LONGEST = 1.0
"""Seconds of CPU that a request may take. At this length, a square takes several seconds."""

VERSIONS = {
    "a name without a quotation mark before it": "x" * 20_000 + '"',
    "blanks": "a" + " " * 20_000 + '"',
    "quotation marks": '"' * 20_001,
    "weak": "W/" * 10_000 + '"',
    "words": "a " * 10_000 + '"',
}


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
def test_a_long_version_costs_no_more_than_another_text(okta: Scim, version: str) -> None:
    group = f"/Groups/{okta.post('/Groups', {'displayName': 'Editors'}).json()['id']}"
    operation = {"method": "PUT", "path": group, "version": version, "data": {"displayName": "Others"}}
    bulk = {"schemas": [BULK_REQUEST], "Operations": [operation]}
    answers: list[Any] = []

    def ask() -> None:
        answers.append(okta.send("GET", group, **{"If-None-Match": version}))
        answers.append(okta.send("DELETE", group, **{"If-Match": version}))
        answers.append(okta.post("/Bulk", bulk))

    assert seconds_of(ask) < LONGEST
    read, deleted, done = answers
    assert (read.status_code, deleted.status_code) == (200, 412)
    assert [one["status"] for one in done.json()["Operations"]] == ["412"]
    assert okta.get(group).json()["displayName"] == "Editors"


@pytest.mark.parametrize("word", ["eyJ", "Basic ", "Basic AAAAAAAA=", "pass", "urn:a"])
def test_long_names_and_texts_cost_no_more_in_the_log_than_others(okta: Scim, word: str) -> None:
    """The log looks at each name and text for a token."""
    long = (word * 2_000)[:1_980]
    body = {"displayName": "Editors", **{f"{long}{at}": "" for at in range(1_000)}, "texts": [long] * 50}
    answers: list[Any] = []
    assert seconds_of(lambda: answers.append(okta.post("/Groups", body))) < LONGEST
    assert answers[0].status_code == 201, answers[0].content
