"""Each file that the docs name exists, so that a moved file takes its pages along."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md"), ROOT / "benchmarks/README.md"])
FOLDERS = "benchmarks|core_identity|demo|devtools|docs|scim|sso|static|templates|tests"


def paths_in_code(page: str) -> Iterator[str]:
    """Yield the paths between backticks."""
    for path, _ in re.findall(rf"`((?:{FOLDERS})/[\w./-]*)( [^`]*)?`", page):
        yield path


def paths_in_rules(page: str) -> Iterator[tuple[str, ...]]:
    """Yield the places where a file of the table of rules may be: one of each group must exist."""
    for row in page.splitlines():
        if re.match(r"\| R\d", row):
            *_, kept, proved = row.strip("| ").split(" | ")
            for folders, cell in ((("core_identity", "."), kept), (("tests", "tests/core_identity"), proved)):
                for name in re.findall(r"\b\w+(?:/\w+)+", cell):
                    yield tuple(f"{folder}/{name}{end}" for folder in folders for end in ("", ".py"))


def paths_on_the_map(page: str) -> Iterator[str]:
    """Yield the files and folders in the first code block, whose indentation is that of folders."""
    folders: list[tuple[int, str]] = []
    for line in page.split("```")[1].splitlines():
        depth = len(line) - len(line.lstrip())
        names = [name for name in re.split(r"\s{2,}", line.strip())[0].split() if name.endswith((".py", "/"))]
        folders = [folder for folder in folders if folder[0] < depth]
        for name in names:
            yield "".join(folder for _, folder in folders) + name
        if len(names) == 1 and names[0].endswith("/"):
            folders.append((depth, names[0]))


def test_every_path_in_the_docs_exists() -> None:
    named: list[tuple[str, tuple[str, ...]]] = [
        (page.name, (path,)) for page in PAGES for path in paths_in_code(page.read_text("utf-8"))
    ]
    named += [("rules.md", paths) for paths in paths_in_rules((ROOT / "docs/reference/rules.md").read_text("utf-8"))]
    on_the_map = list(paths_on_the_map((ROOT / "docs/architecture.md").read_text("utf-8")))
    named += [("architecture.md", (path,)) for path in on_the_map]
    assert len(named) > 200
    assert {"core_identity/policy/matching.py", "scim/wire/", "sso/saml/gate.py"} <= set(on_the_map)
    lost = [(page, paths[0]) for page, paths in named if not any((ROOT / path).exists() for path in paths)]
    assert lost == []


def test_a_path_that_does_not_exist_is_noticed() -> None:
    assert list(paths_in_code("See `scim/gone.py`, `sso/` and `./dev run`.")) == ["scim/gone.py", "sso/"]
    rules = "| R1 | A rule | kept | policy/gone, sso/acs | admin/test_gone |"
    assert [paths[0] for paths in paths_in_rules(rules)] == [
        "core_identity/policy/gone",
        "core_identity/sso/acs",
        "tests/admin/test_gone",
    ]
    block = "```\nsso/        the folder\n  saml/     messages\n    gone.py → lost.py   both\n  acs.py    back\n```"
    assert list(paths_on_the_map(block)) == [
        "sso/",
        "sso/saml/",
        "sso/saml/gone.py",
        "sso/saml/lost.py",
        "sso/acs.py",
    ]
