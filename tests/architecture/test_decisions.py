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

Generated from the tables in `core_identity/policy/matching.py` and `core_identity/policy/sign_in.py`. Do not edit this page: change the
tables and run
`.venv/bin/python -m tests.architecture.test_decisions`. [One human, one user](../explanation/one-human-one-user.md) explains the
reasons. If a cell has several lines, the first one that applies decides.

## A push

X is the identity with the `id` (PUT, PATCH) or the externalId (POST). If no identity has that externalId, X is an offered user with this userName.
If a POST finds no X and contains no UID, CORE uses the userName as UID, so no message reaches the middle cell of that line. Two rules come before
all lines: `active: false` for a known `id` is applied first, and another user's userName is a conflict. A *mark* is the externalId if both sides
have one, otherwise the userName or the email. *Live* means active and not deleted before this message. A PATCH identifies X by `id`, so a key that it
does not contain counts as unchanged; a key that it empties does not. *May change* is the switch *externalId may change* of a connection with the UID
rule `other`.

{pushes}

{decisions}

## A sign-in

X is the owner of the UID, now or formerly. A person must also be active and not expired to sign in. Staff need a connection that is marked *our own
identity provider*. A new user needs a name and an email, and nobody else may have that email or userName.

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


def test_the_page_of_decisions_matches_the_tables_R8a_R8b() -> None:
    renew = f"{PAGE.name} differs from the tables: run `.venv/bin/python -m tests.architecture.test_decisions`"
    assert PAGE.read_text(encoding="utf-8") == rendered(), renew


if __name__ == "__main__":
    PAGE.write_text(rendered(), encoding="utf-8")
