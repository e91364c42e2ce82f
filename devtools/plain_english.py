"""Find English that a reader has to read twice. `./dev lint` runs it: ``python -m devtools.plain_english``.

The check is strict: one finding fails it. It reads the docs, the templates, all docstrings, comments and names, the names of tests as
sentences, and the strings of the Python modules with texts for users.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devtools.prose import Passage, comments, docstrings, markdown, names, names_of_tests, strings, template

LONGEST_SENTENCE: Final = 30
"""Words of a sentence in a text that users see."""


@dataclass(frozen=True)
class Pattern:
    """``find`` matches the words to avoid; ``instead`` is the advice. Each has its false friends in tests/devtools/test_plain_english.py."""

    name: str
    find: re.Pattern[str]
    instead: str


def _pattern(name: str, find: str, instead: str) -> Pattern:
    return Pattern(name, re.compile(find, re.IGNORECASE), instead)


_NAME_IT: Final = "name the subject: the user, the request, the owner of this UID"

PATTERNS: Final = (
    _pattern(
        "headless clause",
        r"\b(?:whoever|whomever)\b|\bwhose (?:the|an?) "
        r"|(?:^|[.!?;] )(?:who|whom|whose|what) (?!to\b)[^.?!:;]*\.(?:\s|$)"
        r"|\b(?:of|by|for|from|than|lets?|finds?) (?:who|whom|whose) (?:is|are|was|were|has|had|came|comes)\b",
        _NAME_IT,
    ),
    _pattern(
        "headless clause before a colon",
        r"(?:^|[.!?;] )(?:who|whom|whose|what) (?!to\b)[^.?!:;]*:(?:\s|$)",
        _NAME_IT,
    ),
    _pattern(
        "headless object",
        r"\b(?:accepts?|away|blanks?|copies|copy|done|enters?|fix(?:es)?|finds?|forgets?|from|ignores?|installs?|keeps?|makes?|needs?|of|only|pushes"
        r"|reads?|replaces?|returns?|signs?|stores?|takes?|than|with) what(?:ever)? (?:you|we|they|it|he|she)\b"
        r"|\b(?:about|by|finds?|for|from|lets?|needs?|of|proves?|than|to|us|with) (?:who|whom|whoever)"
        r" (?:asks?|asked|calls?|called|gets?|got|sends?|sent|signs?|signed)\b",
        _NAME_IT,
    ),
    _pattern("tells", r"\b(?:tells|told)\b", "things contain, show, list, report; people learn"),
    _pattern(
        "a thing that says",
        r"\b(?:page|log|row|message|header|table|file|setting|metadata|answer|code|event|command|assertion|connection|result|server|line|list|sentence"
        r"|field|status|request|response|test|token)s? (?:says?|said|told)\b",
        "things contain, show, list, report; people say",
    ),
    _pattern("stands", r"\b(?:stands?|stood)\b(?!-|\s(?:for|in for|up|alone|by)\b)", "is, is stored, continues"),
    _pattern(
        "of it",
        r"(?<!\ball )(?<!\bnone )(?<!\bpart )(?<!\bparts )(?<!\bsome )(?<!\bmost )(?<!\bhalf )(?<!\brest )(?<!\bbecause )(?<!\binstead )(?<!\bout )"
        r"\bof it\b",
        "say what *it* is, or use *its*",
    ),
    _pattern("anew", r"\banew\b", "again, new"),
    _pattern("shall", r"\bshall\b", "must, can, may, will"),
    _pattern("mend", r"\bmend(?:s|ed|ing)?\b", "fix, correct"),
    _pattern("go on", r"\b(?:go|goes|went|gone) on\b(?! (?:leave|holiday|vacation|sale)\b)", "continue, stay valid"),
    _pattern(
        "is no", r"(?<!\bthere )\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|fewer\b|other\b)[a-z]", "is not a"
    ),
)
RULE_NUMBER: Final = _pattern("rule number", r"\bR\d{1,2}[a-d]?\b", "say the rule itself: users do not have its number")

# Pages about the rules, and for people who change the code.
WITH_RULE_NUMBERS: Final = {"docs/reference/rules.md", "docs/architecture.md"}

USERS_READ: Final = ("core_identity", "demo", "devtools", "scim", "sso")
"""Packages with texts for users: the strings of their modules are checked, except in migrations."""

WITH_WORDS_TO_AVOID: Final = "devtools/plain_english.py"

PARTICIPLES: Final = frozenset(
    {"asked", "begun", "came", "come", "given", "held", "made", "meant", "said", "taken", "told", "wanted", "wished"}
)
"""Words that are not names of values or functions. A noun of the field is: changes, payload, query, form_data, person."""

PACKAGES: Final = ("benchmarks", "core_identity", "demo", "devtools", "scim", "sso", "tests")
"""Packages with clean docstrings, comments and names."""


def findings(passage: Passage, *, rule_numbers: bool = True, longest: int | None = None) -> Iterator[str]:
    """Yield one line for each fault. ``rule_numbers``: whether they are a fault; ``longest``: the limit of words in a sentence, if any."""
    for pattern in (*PATTERNS, *([RULE_NUMBER] if rule_numbers else [])):
        if found := pattern.find.search(passage.text):
            yield f"{passage.place}: {pattern.name}: “{_around(passage.text, found)}”. Instead: {pattern.instead}"
    for sentence in re.split(r"(?<=[.!?:])\s", passage.text) if longest else ():
        if (words := len(re.findall(r"[\w'-]+", sentence))) > (longest or 0):
            yield f"{passage.place}: {words} words in one sentence: “{sentence}”"


def findings_of_name(passage: Passage) -> Iterator[str]:
    """Yield one line for a name that is only a participle. In ``grant_given`` it belongs to a noun."""
    if passage.text in PARTICIPLES:
        yield f"{passage.place}: a participle as a name: “{passage.text}”. Instead: a noun of the field"


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - 40) : found.end() + 40].strip()


def all_findings(root: Path) -> Iterator[str]:
    """Yield the findings in the whole checkout."""
    for path in (
        *sorted(root.glob("docs/**/*.md")),
        root / "CONTRIBUTING.md",
        root / "SECURITY.md",
        root / "README.md",
        root / "CHANGELOG.md",
    ):
        name = str(path.relative_to(root))
        for passage in markdown(path, name):
            yield from findings(passage, rule_numbers=name not in WITH_RULE_NUMBERS)
    for path in sorted(root.glob("templates/**/*.html")):
        for passage in template(path, str(path.relative_to(root))):
            yield from findings(passage, longest=LONGEST_SENTENCE)
    for path in sorted(path for package in PACKAGES for path in root.glob(f"{package}/**/*.py")):
        name = str(path.relative_to(root))
        for passage in strings(path, name) if _read_by_users(name) else ():
            yield from findings(passage, longest=LONGEST_SENTENCE)
        for passage in (*docstrings(path, name), *comments(path, name), *names_of_tests(path, name)):
            yield from findings(passage, rule_numbers=False)
        for passage in names(path, name):
            yield from findings_of_name(passage)


def _read_by_users(name: str) -> bool:
    package, *folders = name.split("/")
    return package in USERS_READ and "migrations" not in folders and name != WITH_WORDS_TO_AVOID


def main() -> int:
    found = list(all_findings(Path(__file__).resolve().parent.parent))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
