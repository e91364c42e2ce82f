"""A fixture that is made once for many tests is not imported: pytest makes it again for each file that imports it. Its home is a conftest.py."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def shared_fixtures(tree: ast.Module) -> set[str]:
    """Return the names of the fixtures of a module that have a scope."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {one.name for one in functions if any("fixture(" in mark and "scope=" in mark for mark in marks_of(one))}


def marks_of(function: ast.FunctionDef) -> list[str]:
    return [ast.unparse(mark) for mark in function.decorator_list]


def imported_fixtures(trees: dict[str, ast.Module]) -> Iterator[tuple[str, str]]:
    """Yield each module that imports such a fixture, and the fixture."""
    fixtures = {name: shared_fixtures(tree) for name, tree in trees.items()}
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in fixtures:
                yield from ((name, one.name) for one in node.names if one.name in fixtures[node.module])


def test_no_module_imports_a_shared_fixture() -> None:
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "tests").rglob("*.py")}
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for path, name in names.items()}
    assert sum(len(shared_fixtures(tree)) for tree in trees.values()) > 10
    assert list(imported_fixtures(trees)) == []


def test_an_imported_fixture_is_noticed() -> None:
    home = "@pytest.fixture(scope='module')\ndef acme(): ...\n@pytest.fixture\ndef okta(): ...\ndef plain(): ..."
    trees = {"tests.home": ast.parse(home), "tests.guest": ast.parse("from tests.home import acme, okta, plain")}
    assert list(imported_fixtures(trees)) == [("tests.guest", "acme")]
