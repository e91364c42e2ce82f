"""docs/reference/decisions.md is made of the tables that decide, so that page and code cannot disagree (R8a, R8b).

Renew it with ``.venv/bin/python -m tests.architecture.test_decisions``.
"""

from collections.abc import Iterable
from pathlib import Path

from core_identity.policy.cases import Cases, Verdict
from core_identity.policy.matching import TABLE, Decision, Uid
from core_identity.policy.sign_in import UID_FREE, UID_KNOWN, SignIn

PAGE = Path(__file__).resolve().parent.parent.parent / "docs/reference/decisions.md"
FRAME = """# Decisions

Made of the tables in `core_identity/policy/matching.py` and `core_identity/policy/sign_in.py`; do not edit it, change them and run
`.venv/bin/python -m tests.architecture.test_decisions`. [One human, one user](../explanation/one-human-one-user.md) tells why.
Where a cell has several lines, the first that fits decides.

## A push (R8a)

X is the identity of the `id` (PUT, PATCH) or of the externalId (POST); where nobody has it, of the userName if an administrator offered X (R10).
On a POST for whom no X is known, a UID that is not sent is read from the userName (R6), so nothing comes to the middle of that line. Over all
lines `active: false` for a known `id` goes first (R23), and the userName must pass R9. A *mark* is the externalId where both sides know it, else
the userName or the email. *Live* means active and not deleted before this message. A PATCH names X by `id`, so a key that it does not contain
counts as unchanged; a key that it empties does not. *May change* is the switch *externalId may change* of a connection with the UID rule `other`.

{pushes}

{decisions}

## A sign-in (R8b)

X is whose the UID is, now or formerly. Whoever is let in must also pass the gate (R21, R22, R26), and who is made must pass R9 and R12.

{sign_ins}

{answers}
"""


def rendered() -> str:
    return FRAME.format(
        pushes=_table(
            ["", *Uid],
            ([f"{verb}, {subject}", *(_cell(line[uid]) for uid in Uid)] for (verb, subject), line in TABLE.items()),
        ),
        decisions=_table(["decision", "what happens"], ([f"**{one}**", one.means] for one in Decision)),
        sign_ins=_table(["nobody has the UID", "X has the UID"], [[_cell(UID_FREE), _cell(UID_KNOWN)]]),
        answers=_table(["decision", "who enters"], ([f"**{one}**", one.means] for one in SignIn)),
    )


def _cell(cell: Verdict | Cases) -> str:  # type: ignore[type-arg]  # of either table
    if isinstance(cell, Verdict):
        return f"**{cell}**"
    lines = [f"{case.words}: **{case.decision}**" for case in cell.cases]
    return "<br>".join(f"{line}." for line in [*lines, f"else **{cell.otherwise}**"])


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = list(head)
    return "\n".join(f"| {' | '.join(row)} |" for row in [titles, ["---"] * len(titles), *rows])


def test_the_page_of_decisions_is_what_the_tables_say_R8a_R8b() -> None:
    renew = f"{PAGE.name} is not what the tables say: run `.venv/bin/python -m tests.architecture.test_decisions`"
    assert PAGE.read_text(encoding="utf-8") == rendered(), renew


if __name__ == "__main__":
    PAGE.write_text(rendered(), encoding="utf-8")
