"""The right outcome of every message of an IdP: R8a, R8b, R9, R20-R26 as one table that people can read. It drives `test_every_combination`.

It is written from the rules, not from the code. There are two people. **X** is the subject of the message: by the id in the address (PUT,
PATCH), or by the values in it (POST, SSO). **Z** is somebody else of the same connection, live, with a UID, externalId, userName and email
of their own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

DIMENSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "channel": ("POST", "PUT", "PATCH", "SSO"),
    # inactive: the IdP said active: false · deleted: by SCIM · sso: never pushed · derived: live, with the userName for UID (R6)
    "X": ("live", "inactive", "deleted", "sso", "derived"),
    # whether X's user is expired: by the channel where X is inactive or deleted (no: an administrator unexpired them), else by an administrator
    "expired": ("no", "yes"),
    "staff": ("no", "yes"),
    # the UID in the message. free: nobody has it · own: X's now · former: X's formerly · another: Z's · unsent: the message has none
    "uid": ("free", "own", "former", "another", "unsent"),
    # equal: X's · absent: X has one, the message none · differs: X has one, the message another · first: only the message has one · neither
    "externalId": ("equal", "absent", "differs", "first", "neither"),
    # same: as X has it · new: nobody has it · taken: Z has it. For SSO the NameID is the userName (R9).
    "userName": ("same", "new", "taken"),
    "email": ("same", "new", "taken"),
    "active": ("true", "false", "unsent"),
}

# First match wins. "*" is anything, "a|b" either, "!a" anything else; the last two columns are the answer and the rule that gives it.
ANSWERS: Final = """
channel    X         expired  staff  uid         externalId      userName  email  active  answer      rule

PUT|PATCH  deleted   *        *      *           *               *         *      *       not found   R20
PUT|PATCH  sso       *        *      *           *               *         *      *       not found   R8a
PUT|PATCH  *         *        *      *           differs         *         *      *       conflict    R8a
PUT|PATCH  *         *        *      another     *               *         *      *       conflict    R8a
PUT|PATCH  *         *        *      *           *               taken     *      *       conflict    R9
PUT|PATCH  *         *        *      free        equal           *         *      *       relink      R8a
PATCH      live      no       *      free        absent          *         *      *       relink      R8a
PUT|PATCH  derived   *        *      free        *               *         *      *       relink      R6
PUT|PATCH  *         *        *      free        *               *         *      *       drift       R8a
PUT|PATCH  *         *        *      *           *               *         *      *       apply       R8a

POST       *         *        *      another     *               *         *      *       conflict    R8a
POST       *         *        *      *           equal           taken     *      *       conflict    R9
POST       sso       *        *      free        equal           *         taken  *       conflict    R9
POST       *         *        *      free        equal           *         *      *       relink      R8a
POST       sso       *        *      *           equal           *         taken  *       conflict    R9
POST       sso       *        *      *           equal           *         *      *       adopt       R8b
POST       live      *        *      *           equal           same      *      *       duplicate   R8a
POST       derived   *        *      *           equal           same      *      *       duplicate   R8a
POST       *         *        *      *           equal           *         *      *       revive      R8a

POST       sso       *        *      own|former  differs         *         *      *       conflict    R8b
POST       sso       *        *      own|former  *               new       !same  *       conflict    R8b
POST       sso       *        *      own|former  *               taken     !same  *       conflict    R8b
POST       sso       *        *      own|former  *               taken     same   *       conflict    R9
POST       sso       *        *      own|former  *               same      taken  *       conflict    R9
POST       sso       *        *      own|former  *               *         *      *       adopt       R8b
POST       deleted   *        *      own|former  neither         same      *      *       revive      R20
POST       *         *        *      own|former  neither         same      *      *       duplicate   R8a
POST       *         *        *      own|former  *               *         *      *       conflict    R8a
POST       derived   *        *      unsent      neither         same      *      *       duplicate   R6
POST       derived   *        *      unsent      *               same      *      *       conflict    R6

POST       *         *        *      *           *               taken     *      *       conflict    R9
POST       inactive  *        *      *           differs|first   same      new    *       try again   R8
POST       !deleted  *        *      *           *               same      *      *       conflict    R9
POST       *         *        *      *           *               *         !new   *       conflict    R9
POST       *         *        *      *           *               *         *      *       create      R8a

SSO        *         *        *      unsent      *               *         *      *       incomplete  R12

SSO        *         *        *      another     absent|neither  taken     *      *       enter Z     R8b
SSO        !deleted  *        *      another     absent|neither  same      taken  *       conflict    R9
SSO        *         *        *      another     absent|neither  *         taken  *       enter Z     R8b
SSO        *         *        *      another     *               *         *      *       no mark     R8b

SSO        *         *        *      own|former  differs         *         *      *       no mark     R8b
SSO        *         *        *      own|former  !equal          !same     !same  *       no mark     R8b
SSO        *         yes      *      own|former  *               *         *      *       no entry    R21
SSO        inactive  *        *      own|former  *               *         *      *       no entry    R21
SSO        deleted   *        *      own|former  *               *         *      *       no entry    R20
SSO        *         *        yes    own|former  *               *         *      *       no entry    R26
SSO        *         *        *      own|former  *               taken     *      *       conflict    R9
SSO        *         *        *      own|former  *               *         *      *       enter       R8b

SSO        derived   *        *      *           differs         same      *      *       conflict    R8b
SSO        derived   yes      *      *           *               same      *      *       no entry    R21
SSO        derived   *        yes    *           *               same      *      *       no entry    R26
SSO        derived   *        *      *           *               same      *      *       enter       R6
SSO        *         *        *      *           equal           *         *      *       conflict    R8b
SSO        *         *        *      *           *               taken     *      *       conflict    R9
SSO        !deleted  *        *      *           *               same      *      *       conflict    R9
SSO        *         *        *      *           *               *         !new   *       conflict    R9
SSO        *         *        *      *           *               *         *      *       create      R8b
"""

CHANGES: Final = frozenset({"apply", "relink", "drift", "adopt", "revive", "create", "enter", "enter Z", "dropped"})
"""Answers that change something. All others change nothing, except that *try again* releases one userName (R8)."""

# The state after an answer of `CHANGES`. R23: a conflict in a PUT or PATCH with active: false is *dropped*, and the rest of this table holds.
STANDINGS: Final = """
answer   X                 active   is active  is expired   rule

create   *                 false    no         no           R25
create   *                 *        yes        no           R25
*        inactive|deleted  false    no         as before    R20
*        *                 false    no         yes          R20
*        *                 true     yes        as before    R22
*        deleted           unsent   yes        as before    R20
*        inactive          unsent   no         as before    R22
*        *                 unsent   yes        as before    R22
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: the values that it accepts (of columns that do not accept all), and their outcome."""

    line: str
    when: tuple[tuple[str, frozenset[str]], ...]
    then: Mapping[str, str]

    def fits(self, case: Mapping[str, str]) -> bool:
        return all(case[column] in accepted for column, accepted in self.when)


Case = Mapping[str, str]
"""One value of each dimension."""


def cases() -> Iterator[Case]:
    """Yield every possible combination. An assertion never contains ``active``, and a derived UID leaves no former one behind (R6)."""
    for values in product(*DIMENSIONS.values()):
        case = dict(zip(DIMENSIONS, values, strict=True))
        if (case["channel"], case["active"]) in {("SSO", "true"), ("SSO", "false")}:
            continue
        if (case["X"], case["uid"]) == ("derived", "former"):
            continue
        yield case


def read_table(text: str, *, outcomes: tuple[str, ...]) -> tuple[Row, ...]:
    """Read a table with two spaces between cells; ``outcomes`` are the columns of results."""
    heading, *lines = [line for line in text.splitlines() if line.strip()]
    rows = []
    for line in lines:
        cells = dict(zip(_cells(heading), _cells(line), strict=True))
        then = {name: cells.pop(name) for name in outcomes}
        when = tuple((column, _accepted(column, pattern)) for column, pattern in cells.items() if pattern != "*")
        rows.append(Row(line, when, then))
    return tuple(rows)


def _cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


def _accepted(column: str, pattern: str) -> frozenset[str]:
    if pattern.startswith("!"):
        return frozenset(DIMENSIONS[column]) - {pattern[1:]}
    return frozenset(pattern.split("|"))


ANSWER_ROWS: Final = read_table(ANSWERS, outcomes=("answer", "rule"))
STANDING_ROWS: Final = read_table(STANDINGS, outcomes=("is active", "is expired", "rule"))


def first_fit(rows: tuple[Row, ...], case: Mapping[str, str]) -> Row:
    """Return the row that decides. Raises ``LookupError`` for a hole in the table."""
    for row in rows:
        if row.fits(case):
            return row
    raise LookupError(f"no row speaks of {dict(case)}")


def answer_to(case: Case) -> tuple[str, str]:
    """Return the answer that a case must get, and the rule: R23 over all lines."""
    then = first_fit(ANSWER_ROWS, case).then
    if then["answer"] == "conflict" and case["channel"] in {"PUT", "PATCH"} and case["active"] == "false":
        return "dropped", "R23"
    return then["answer"], then["rule"]


def standing_after(case: Case, answer: str) -> tuple[bool, bool]:
    """Return whether the identity is active and its user expired, after an answer of `CHANGES`."""
    then = first_fit(STANDING_ROWS, {**case, "answer": answer}).then
    expired = case["expired"] if then["is expired"] == "as before" else then["is expired"]
    return then["is active"] == "yes", expired == "yes"
