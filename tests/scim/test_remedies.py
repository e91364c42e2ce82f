"""Each error that a SCIM client can get has words and a remedy, and the documentation lists both (R35)."""

from pathlib import Path

from core_identity import errors as core
from core_identity.values import Cause
from scim.log.remedies import REMEDIES
from scim.wire.errors import ScimError

OF_OTHERS = {"refused", "missing_attributes", "unknown_person", "may_not_sign_in", "no_mark", "ambiguous", "settings"}
"""Reasons to refuse a sign-in, or a command."""


def codes(kind: type[core.IdentityError]) -> set[str]:
    return {kind.code}.union(*(codes(one) for one in kind.__subclasses__()))


def test_each_cause_has_words_and_a_remedy() -> None:
    known = codes(core.IdentityError) | codes(ScimError) | {cause.value for cause in Cause}
    assert {one for one in known if one not in REMEDIES} - OF_OTHERS - {"uniqueness"} == set()
    assert set(REMEDIES) <= known
    for cause, remedy in REMEDIES.items():
        assert remedy.words[0].islower() or remedy.words.startswith("CORE"), cause
        assert not remedy.words.endswith("."), cause
        assert remedy.fix.endswith("."), cause


def test_the_documentation_has_the_same_table() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/reference/logs.md").read_text()
    rows = [f"| `{cause}` | {remedy.words} | {remedy.fix} |" for cause, remedy in REMEDIES.items()]
    assert "\n".join(["| cause | what happened | how to fix this |", "|---|---|---|", *rows]) in page
