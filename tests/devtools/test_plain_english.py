"""The check of plain English finds the faults, and lets good English pass."""

from pathlib import Path

import pytest

from devtools.plain_english import LONGEST_SENTENCE, PATTERNS, RULE_NUMBER, all_findings, findings, findings_of_name
from devtools.prose import Passage, comments, docstrings, markdown, names, names_of_tests, strings, template

FOUND = {
    "headless clause": (
        "Whoever comes next clears the table.",
        "Ask the person whose the UID is.",
        "What stays is one row of the log.",
        "It is refused; who was expired cannot return.",
        "It contains the mark of who is let in.",
        "Whose token it was decides that.",
    ),
    "headless clause before a colon": (
        "Who is unassigned has no link: the resource is theirs.",
        "What the pages share: style and script.",
        "The token ends. What stays: one row.",
    ),
    "headless object": (
        "It replaces what you enter here.",
        "CORE stores what it received.",
        "It proves to us who calls.",
        "The address of who sent the message.",
    ),
    "tells": ("The page tells why.", "The person is told the reason."),
    "a thing that says": (
        "The page says why.",
        "Rows said nothing about it.",
        "The connection says another name.",
        "It ends when the server says no.",
        "The last lines say so.",
    ),
    "stands": ("The reason stands in the events.", "Read it as it stood then."),
    "of it": ("A mistake of it ends the session.", "The address of it changes."),
    "anew": ("The app was made anew.",),
    "shall": ("What shall happen?", "It shall be signed."),
    "mend": ("Please mend the fields.", "This was mended."),
    "go on": ("Go on at the identity provider.", "The session goes on there."),
    "is no": ("This is no address.", "Those tokens were no secrets."),
    "rule number": ("The user is expired (R20).", "R8b decides."),
}
FALSE_FRIENDS = {
    "headless clause": (
        "What happened?",
        "The page lists who was expired, when and why.",
        "An administrator who is expired cannot sign in.",
        "What to do: compare the clocks.",
        "The user whose UID changed keeps the roles.",
    ),
    "headless clause before a colon": (
        "What to do: compare the clocks.",
        "Choose what the identity provider must sign: the Response.",
        "The page lists who was expired: Jane and John.",
        "What happened? The log shows it: a refusal.",
        "A user who has the link opens it: once.",
    ),
    "headless object": (
        "Roles decide what they may do.",
        "The page shows what it breaks.",
        "Describe what you sent.",
        "Ask who signs in.",
        "The person at CORE who sent you the link.",
    ),
    "tells": (
        "Tell your administrator the reference.",
        "An untold number of messages.",
        "Ask a bank teller.",
        "He retold the story.",
        "There is no way of telling them apart.",
    ),
    "a thing that says": (
        "Their administrators said yes.",
        "The customer says which domain is theirs.",
        "Say in the reason what happened.",
        "The message contains a saying.",
        "A command that essays a sign-in.",
        "The person behind the connection once said yes.",
        "On the server, say yes.",
        "Draw lines. Say when you are done.",
        "The results, said Jane, are good.",
        "The colleague on the list never says no.",
    ),
    "stands": (
        "The demo is a stand-in for Okta.",
        "This is the standard form.",
        "CORE understands the older spelling.",
        "UID stands for unique identifier.",
        "The decision is outstanding.",
    ),
    "of it": (
        "The file is applied, all of it or nothing.",
        "The session ended because of it.",
        "Use the button instead of it.",
        "No part of it is stored.",
        "It depends on the number of items.",
    ),
    "anew": (
        "Create a new key.",
        "Renew the token.",
        "A newcomer has the name.",
        "An ewe, a newt and a gnu.",
        "A newer release is installed.",
    ),
    "shall": (
        "A shallow copy is enough.",
        "Ask Ms Marshall.",
        "The sea is shallower there.",
        "The marshalled answer is short.",
        "Marshalling is done once.",
    ),
    "mend": (
        "We recommend SHA-256.",
        "Amend the file.",
        "A tremendous number of rows.",
        "The amendment is stored.",
        "Commendable, Mr Mendel.",
    ),
    "go on": (
        "It changed long ago on all nodes.",
        "Log on with a password.",
        "She goes on leave in May.",
        "Cargo on board is not listed.",
        "The log shows what is going on.",
    ),
    "is no": (
        "There is no such token.",
        "The key is no longer used.",
        "The answer is not a SCIM error.",
        "If there are no rows, the list is empty.",
        "That is no more than ten rows.",
    ),
    "rule number": (
        "Use the R programming language.",
        "Sign with RSA2048.",
        "See RFC 7644.",
        "The region is EUR1.",
        "The file has the name R2D2.",
    ),
}


@pytest.mark.parametrize("name", [*(pattern.name for pattern in PATTERNS), RULE_NUMBER.name])
def test_a_pattern_finds_its_faults_and_no_false_friends(name: str) -> None:
    pattern = next(one for one in (*PATTERNS, RULE_NUMBER) if one.name == name)
    assert [text for text in FOUND[name] if not pattern.find.search(text)] == []
    assert len(FALSE_FRIENDS[name]) >= 5
    assert [text for text in FALSE_FRIENDS[name] if pattern.find.search(text)] == []


def test_only_a_sentence_that_is_too_long_is_a_fault() -> None:
    fitting = f"{'word ' * (LONGEST_SENTENCE - 1)}word."
    assert list(findings(Passage(f"{fitting} {fitting}", "x:1"), longest=LONGEST_SENTENCE)) == []
    assert len(list(findings(Passage(f"one {fitting}", "x:1"), longest=LONGEST_SENTENCE))) == 1


def test_a_page_is_read_without_its_code_and_links(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A title here\n\nOne sentence\nover two lines with `code shall` and [a link](shall.md).\n\n"
        "```\nshall stay hidden\n```\n\n| one cell | two cells |\n|---|---|\n- an item\n  of a list\n"
    )
    assert [(passage.text, passage.place) for passage in markdown(page, "page")] == [
        ("A title here", "page:1"),
        ("One sentence over two lines with … and a link.", "page:3"),
        ("one cell", "page:10"),
        ("two cells", "page:10"),
        ("an item of a list", "page:12"),
    ]


def test_a_template_is_read_without_its_tags(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '{# shall #}\n<p class="it shall">\n  Hello <strong>{{ user }}</strong>,\n  welcome.\n</p>\n'
        "{% if wait %}<p>Please wait.</p>{% else %}Go now.{% endif %}<script>let shall = 1;</script>"
    )
    assert [(passage.text, passage.place) for passage in template(page, "page")] == [
        ("Hello …, welcome.", "page:2"),
        ("Please wait.", "page:6"),
        ("Go now.", "page:6"),
    ]


def test_strings_and_docstrings_of_a_module_are_read_apart(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""Do a thing."""\n\nX = f"Hello {name}, " "you."\n"""Says hello to ``name``."""\nY = "<p>Some text</p>"\nZ = "a { color: red }"\n'
    )
    assert [passage.text for passage in strings(module, "m")] == ["Hello …, you.", "Some text"]
    assert [passage.text for passage in docstrings(module, "m")] == ["Do a thing.", "Says hello to …."]


def test_comments_on_consecutive_lines_are_one_passage(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "# One sentence\n# over two lines.\nX = 1  # at the end  # noqa: E501\nY = 2  # of two values\n"
        '# Another one.\n# noqa: F401\n# type: ignore[x]\nZ = "# in a string"\n'
    )
    assert [(passage.text, passage.place) for passage in comments(module, "m")] == [
        ("at the end", "m:3"),
        ("of two values", "m:4"),
        ("One sentence over two lines.", "m:1"),
        ("Another one.", "m:5"),
    ]


def test_comments_names_and_strings_of_all_packages_are_checked(tmp_path: Path) -> None:
    for page in ("CONTRIBUTING", "SECURITY", "README", "CHANGELOG"):
        (tmp_path / f"{page}.md").touch()
    for package, fault in (
        ("tests/scim", "# The row stands here.\nasked = 1\n"),
        ("scim/log", 'X = "The row stands here."\n'),
        ("core_identity/services/push", 'X = "The row stands here."\n'),
        ("sso/migrations", 'X = "The row stands here."\n'),
    ):
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "module.py").write_text(fault)
    found = [line.partition(": “")[0] for line in all_findings(tmp_path)]
    assert found == [
        "core_identity/services/push/module.py:1: stands",
        "scim/log/module.py:1: stands",
        "tests/scim/module.py:1: stands",
        "tests/scim/module.py:2: a participle as a name",
    ]


def test_the_name_of_a_test_is_a_sentence(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("def test_what_stands_is_refused():\n    pass\n\n\ndef tested():\n    pass\n")
    assert [passage.text for passage in names_of_tests(module, "m")] == ["what stands is refused."]


def test_a_name_is_not_a_bare_participle(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "class Told: ...\ndef said(asked, *, grant_given):\n    made = _wished = asked\n    for held in made:\n        known = found = held.taken\n"
    )
    faults = [line for passage in names(module, "m") for line in findings_of_name(passage)]
    assert [line.partition(":")[2].split("”")[0] for line in sorted(faults)] == [
        "2: a participle as a name: “asked",
        "2: a participle as a name: “said",
        "3: a participle as a name: “made",
        "3: a participle as a name: “wished",
        "4: a participle as a name: “held",
    ]
